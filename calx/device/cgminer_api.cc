#include "calx/device/cgminer_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "calx/device/descriptor_wire.h"

namespace calx::device {
namespace {

using json = nlohmann::ordered_json;

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Outside strings: control characters become blanks, a missing comma between two objects or arrays
// is put in, and nan or inf becomes null. Inside: control characters become blanks.
std::string repaired(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 16);
  bool inside = false;
  char last = ' ';  // not blank, outside strings
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = static_cast<unsigned char>(bytes[i]) < 0x20 ? ' ' : bytes[i];
    if (inside) {
      out += c;
      if (c == '\\' && i + 1 < bytes.size()) {
        out += static_cast<unsigned char>(bytes[++i]) < 0x20 ? ' ' : bytes[i];
      } else if (c == '"') {
        inside = false, last = '"';
      }
      continue;
    }
    const bool opens = c == '{' || c == '[' || c == '"';
    const bool closed = last == '}' || last == ']' || last == '"';
    if (opens && closed) out += ',';
    if (is_word(c) && !is_word(last) && last != '.' && c > '9') {
      std::size_t end = i;
      while (end < bytes.size() && is_word(bytes[end])) ++end;
      const std::string_view word = bytes.substr(i, end - i);
      const bool known = word == "true" || word == "false" || word == "null";
      if (last == '-' && !known) out.pop_back();
      out += known ? word : "null";
      i = end - 1;
      last = 'l';
      continue;
    }
    inside = c == '"';
    out += c;
    if (c != ' ') last = c;
  }
  return out;
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', true, json::error_handler_t::replace);
}

CgminerRow row_of(const json& object) {
  CgminerRow row;
  for (const auto& [name, value] : object.items()) row.emplace_back(name, text_of(value));
  return row;
}

void read_status(const CgminerRow& row, CgminerReply& reply) {
  const std::string status = cgminer_text(row, "STATUS").value_or("F");
  if (!status.empty()) reply.status = status.front();
  const double code = cgminer_number(row, {"Code"}).value_or(0);
  if (std::abs(code) < 1e6) reply.code = static_cast<int>(code);
  reply.message = cgminer_text(row, "Msg").value_or("");
}

std::optional<double> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

const std::vector<CgminerRow>& CgminerReply::rows(std::string_view section) const {
  static const std::vector<CgminerRow> kNone;
  const auto found =
      std::ranges::find(sections, section, [](const auto& pair) { return pair.first; });
  return found == sections.end() ? kNone : found->second;
}

std::string cgminer_request(std::string_view command, std::string_view parameter) {
  json request = {{"command", command}};
  if (!parameter.empty()) request["parameter"] = parameter;
  return request.dump(-1, ' ', true, json::error_handler_t::replace);
}

std::string cgminer_escape(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == ',' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

Result<CgminerReply> parse_cgminer_reply(std::string_view bytes) {
  if (bytes.size() > kCgminerReplyBytesMax) {
    return fail(ErrorCode::kDataLoss, fmt::format("reply of {} bytes, at most {} are read",
                                                  bytes.size(), kCgminerReplyBytesMax));
  }
  const json root = json::parse(repaired(bytes), nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) {
    return fail(ErrorCode::kDataLoss, "reply is no JSON object, even after repairs");
  }
  CgminerReply reply;
  for (const auto& [name, value] : root.items()) {
    if (!value.is_array()) continue;
    std::vector<CgminerRow> rows;
    for (const json& object : value) {
      if (object.is_object()) rows.push_back(row_of(object));
    }
    if (name == "STATUS" && !rows.empty()) read_status(rows.front(), reply);
    reply.sections.emplace_back(name, std::move(rows));
  }
  return reply;
}

std::optional<double> cgminer_number(const CgminerRow& row,
                                     std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const auto text = cgminer_text(row, name);
    if (!text) continue;
    if (const auto value = parse_number(*text)) return value;
  }
  return std::nullopt;
}

std::optional<std::string> cgminer_text(const CgminerRow& row, std::string_view name) {
  const auto found = std::ranges::find(row, name, [](const auto& pair) { return pair.first; });
  if (found == row.end()) return std::nullopt;
  return found->second;
}

std::vector<CgminerPool> cgminer_pools(const CgminerReply& reply) {
  constexpr double kIndexMax = 10'000;
  std::vector<CgminerPool> pools;
  for (const CgminerRow& row : reply.rows("POOLS")) {
    const double index = cgminer_number(row, {"POOL"}).value_or(-1);
    if (!(index >= 0 && index < kIndexMax)) continue;
    const double priority = cgminer_number(row, {"Priority"}).value_or(index);
    pools.push_back({.index = static_cast<int>(index),
                     .priority = static_cast<int>(std::clamp(priority, 0.0, kIndexMax)),
                     .url = cgminer_text(row, "URL").value_or(""),
                     .user = cgminer_text(row, "User").value_or(""),
                     .status = cgminer_text(row, "Status").value_or(""),
                     .active = cgminer_text(row, "Stratum Active").value_or("false") == "true",
                     .difficulty = cgminer_number(row, {"Stratum Difficulty", "Diff"})});
  }
  return pools;
}

CgminerSummary cgminer_summary(const CgminerReply& reply) {
  CgminerSummary summary;
  const auto& rows = reply.rows("SUMMARY");
  if (rows.empty()) return summary;
  const CgminerRow& row = rows.front();
  summary.ghs = cgminer_number(row, {"GHS 5s", "GHS av"});
  if (!summary.ghs) {
    if (const auto mhs = cgminer_number(row, {"MHS 5s", "MHS av"})) summary.ghs = *mhs / 1000;
  }
  summary.elapsed_seconds = cgminer_number(row, {"Elapsed"});
  summary.accepted = cgminer_number(row, {"Accepted"});
  summary.rejected = cgminer_number(row, {"Rejected"});
  summary.hardware_errors = cgminer_number(row, {"Hardware Errors"});
  summary.hardware_error_percent = cgminer_number(row, {"Device Hardware%"});
  summary.best_share = cgminer_number(row, {"Best Share"});
  return summary;
}

CgminerVersion cgminer_version(const CgminerReply& reply) {
  CgminerVersion version;
  const auto& rows = reply.rows("VERSION");
  if (rows.empty()) return version;
  version.type = cgminer_text(rows.front(), "Type").value_or("");
  for (const std::string_view name : {"BMMiner", "CGMiner", "BFGMiner", "SGMiner", "Miner"}) {
    const auto text = cgminer_text(rows.front(), name);
    if (!text) continue;
    version.program = fmt::format("{} {}", name, *text);
    break;
  }
  return version;
}

std::optional<double> cgminer_celsius(const CgminerReply& stats) {
  std::optional<double> hottest;
  for (const CgminerRow& row : stats.rows("STATS")) {
    for (const auto& [name, value] : row) {
      if (!name.starts_with("temp") || name == "temp_num" || name.starts_with("temp_max")) continue;
      const auto celsius = parse_number(value);
      if (celsius && *celsius > 0 && *celsius < 200) {
        hottest = std::max(hottest.value_or(0), *celsius);
      }
    }
  }
  return hottest;
}

Result<CgminerReply> ask_cgminer(const LanAddress& device, std::string_view command,
                                 std::string_view parameter, Patience patience) {
  const auto now = std::chrono::steady_clock::now();
  const Deadline deadline = now + patience.whole;
  const Deadline connect_by = now + std::min(patience.connect, patience.whole);
  CALX_ASSIGN(wire, connect_tcp(device.ip, device.port, connect_by, Origin::kDevice));
  const std::string request = cgminer_request(command, parameter);
  CALX_TRY(wire->write({reinterpret_cast<const std::uint8_t*>(request.data()), request.size()}));
  std::string text;
  std::array<std::uint8_t, 4096> buffer{};
  for (;;) {
    const auto count = wire->read(buffer, deadline);
    if (!count) break;  // the server closes behind its reply
    if (*count == 0) {
      return fail(ErrorCode::kDeadlineExceeded,
                  fmt::format("{}: no whole reply within {} ms", device.to_string(),
                              patience.whole.count()));
    }
    text.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
    if (text.back() == '\0') break;
    if (text.size() > kCgminerReplyBytesMax) break;
  }
  CALX_ASSIGN(reply, parse_cgminer_reply(text));
  if (reply.status == 'E' || reply.status == 'F') {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} answers to {}: {} (code {})", device.to_string(), command,
                            reply.message.empty() ? "an error" : reply.message, reply.code));
  }
  return std::move(reply);
}

}  // namespace calx::device
