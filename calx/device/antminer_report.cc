#include "calx/device/antminer_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "calx/device/datagram.h"

namespace calx::device {
namespace {

constexpr std::size_t kMacBytes = 17;

bool is_mac(std::string_view text) {
  if (text.size() != kMacBytes) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (i % 3 == 2 ? c != ':' : !digit) return false;
  }
  return true;
}

}  // namespace

Result<AntminerReport> parse_antminer_report(std::string_view text) {
  const auto wrong = [] {
    return fail(ErrorCode::kDataLoss, "IP report: no address, comma and MAC address");
  };
  if (text.size() > kAntminerReportBytesMax) return wrong();
  constexpr std::string_view kTail{"\0 \r\n\t", 5};
  text = text.substr(0, text.find_last_not_of(kTail) + 1);
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return wrong();
  AntminerReport report{.ip = std::string(text.substr(0, comma)),
                        .mac = std::string(text.substr(comma + 1))};
  std::ranges::transform(report.mac, report.mac.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const auto ip = parse_ipv4(report.ip);
  if (!ip || !is_lan(*ip) || !is_mac(report.mac)) return wrong();
  return report;
}

Result<std::vector<AntminerReport>> listen_antminer_reports(const LanAddress& local,
                                                            std::chrono::milliseconds wait,
                                                            std::stop_token stop) {
  CALX_ASSIGN(socket, DatagramSocket::open(local));
  const auto deadline = std::chrono::steady_clock::now() + wait;
  std::vector<AntminerReport> reports;
  std::array<std::uint8_t, kAntminerReportBytesMax + 1> buffer{};
  while (reports.size() < kAntminerReportsMax) {
    const auto packet = socket.receive(buffer, deadline, stop);
    if (!packet) {
      const ErrorCode code = packet.error().code;
      if (code == ErrorCode::kDeadlineExceeded || code == ErrorCode::kCancelled) break;
      return std::unexpected(packet.error());
    }
    auto report =
        parse_antminer_report({reinterpret_cast<const char*>(buffer.data()), packet->size});
    const bool honest = report && report->ip == ipv4_text(packet->from);
    if (honest && std::ranges::find(reports, *report) == reports.end()) {
      reports.push_back(std::move(*report));
    }
  }
  return reports;
}

}  // namespace calx::device
