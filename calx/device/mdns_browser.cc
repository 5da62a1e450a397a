#include "calx/device/mdns_browser.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <set>

#include "calx/device/datagram.h"

namespace calx::device {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kInterfacesMax = 32;
constexpr std::size_t kQuestionsAtOnce = 4;  // names of 255 bytes still fit one packet

std::vector<std::string> multicast_interfaces() {
  std::vector<std::string> ips;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return ips;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    constexpr unsigned kWanted = IFF_UP | IFF_MULTICAST;
    if ((entry->ifa_flags & kWanted) != kWanted || ips.size() == kInterfacesMax) continue;
    const auto* address = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
    const std::string ip = ipv4_text(ntohl(address->sin_addr.s_addr));
    if (std::ranges::find(ips, ip) == ips.end()) ips.push_back(ip);
  }
  ::freeifaddrs(list);
  return ips;
}

class Browser {
 public:
  Browser(const MdnsOptions& options, DatagramSocket socket)
      : options_(options), socket_(std::move(socket)), catalog_(options.service) {
    if (!options.responder) interfaces_ = multicast_interfaces();
  }

  Result<std::vector<MdnsService>> run(const std::stop_token& stop) {
    if (!options_.responder && interfaces_.empty()) {
      return fail(ErrorCode::kUnavailable, "mDNS: no interface here carries multicast");
    }
    const DnsQuestion who{options_.service, DnsType::kPtr};
    const auto start = steady_clock::now(), end = start + options_.wait;
    auto again = start + options_.wait / 3;  // one packet may be lost
    CALX_TRY(ask({&who, 1}));
    std::array<std::uint8_t, kMdnsPacketBytesMax> buffer;
    for (std::size_t packets = 0; packets < kMdnsPacketsMax;) {
      const auto packet = socket_.receive(buffer, std::min(end, again), stop);
      if (packet) {
        ++packets;
        if (is_lan(packet->from)) CALX_TRY(take(std::span(buffer).first(packet->size)));
        continue;
      }
      if (packet.error().code == ErrorCode::kCancelled) break;
      if (packet.error().code != ErrorCode::kDeadlineExceeded) {
        return std::unexpected(packet.error());
      }
      if (steady_clock::now() >= end) break;
      CALX_TRY(ask({&who, 1}));
      again = end;
    }
    return catalog_.services();
  }

 private:
  Result<void> take(std::span<const std::uint8_t> bytes) {
    const auto records = parse_mdns(bytes);
    if (!records) return {};
    catalog_.add(*records);
    std::vector<DnsQuestion> questions;
    for (DnsQuestion& question : catalog_.missing()) {
      if (asked_.size() == kMdnsQuestionsMax || questions.size() == kQuestionsAtOnce) break;
      if (asked_.insert(question).second) questions.push_back(std::move(question));
    }
    if (questions.empty()) return {};
    return ask(questions);
  }

  // Through every interface; enough if one of them takes it.
  Result<void> ask(std::span<const DnsQuestion> questions) {
    const auto query = encode_mdns_query(questions);
    if (!query) return {};  // a name that somebody made up and that cannot be asked for
    if (options_.responder) return socket_.send(*query, *options_.responder);
    Result<void> last = {};
    bool sent = false;
    for (const std::string& ip : interfaces_) {
      last = socket_.send_through(ip, *query, options_.group);
      sent = sent || last.has_value();
    }
    if (sent) return {};
    return last;
  }

  const MdnsOptions& options_;
  DatagramSocket socket_;
  MdnsCatalog catalog_;
  std::vector<std::string> interfaces_;
  std::set<DnsQuestion> asked_;
};

}  // namespace

Result<std::vector<MdnsService>> browse_mdns(const MdnsOptions& options, std::stop_token stop) {
  CALX_ASSIGN(socket, DatagramSocket::open({"0.0.0.0", 0}));
  return Browser(options, std::move(socket)).run(stop);
}

}  // namespace calx::device
