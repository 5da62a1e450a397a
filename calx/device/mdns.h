// The part of multicast DNS that finds a service: questions written, answers read. Pure functions
// over packets that anybody on the network may have sent.
//
// Sources: RFC 1035 section 4 (format), RFC 6762 (multicast DNS), RFC 6763 (service discovery);
// ESP-Miner components/connect/connect.c for what AxeOS announces.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calx/base/result.h"
#include "calx/device/lan_address.h"

namespace calx::device {

inline constexpr std::size_t kMdnsPacketBytesMax = 9000;  // RFC 6762 section 17
inline constexpr std::size_t kMdnsRecordsMax = 256;       // of one packet
inline constexpr std::size_t kMdnsNameBytesMax = 255, kMdnsLabelBytesMax = 63;
inline constexpr std::size_t kMdnsStoredMax = 4096;  // records of all packets of one search

/// The subtype that AxeOS announces itself under.
inline constexpr std::string_view kAxeosService = "_axeos._sub._http._tcp.local";

enum class DnsType : std::uint16_t { kA = 1, kPtr = 12, kTxt = 16, kSrv = 33 };

struct DnsQuestion {
  std::string name;
  DnsType type = DnsType::kPtr;

  friend auto operator<=>(const DnsQuestion&, const DnsQuestion&) = default;
};

/// One record of a type that is known here; others are skipped. Names are text with points between
/// labels; a point or backslash inside a label has a backslash before it. Letters A to Z are small,
/// for names are the same in both.
struct DnsRecord {
  std::string name = {};
  DnsType type = DnsType::kPtr;
  std::string target = {};              // PTR, SRV
  std::uint16_t port = 0;               // SRV
  std::string ip = {};                  // A
  std::vector<std::string> texts = {};  // TXT: "key=value"

  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};

/// A query for these, to be answered to its sender alone.
/// Errors: kInvalidArgument (a name that does not fit), kResourceExhausted (the packet).
Result<std::vector<std::uint8_t>> encode_mdns_query(std::span<const DnsQuestion> questions);

/// The records of a response: answers and additional ones together; none in a query.
/// Errors: kDataLoss (cut short, a name that points forwards or at itself, too long or too many).
Result<std::vector<DnsRecord>> parse_mdns(std::span<const std::uint8_t> packet);

struct MdnsService {
  std::string instance = {};  // "bitaxe gamma 601 (1a2b)", without the service's name
  std::string host = {};
  LanAddress address = {};
  std::vector<std::pair<std::string, std::string>> texts = {};  // of TXT

  friend bool operator==(const MdnsService&, const MdnsService&) = default;
};

/// What several packets said together.
class MdnsCatalog {
 public:
  explicit MdnsCatalog(std::string_view service) : service_(service) {}

  /// Keeps what is new, up to kMdnsStoredMax.
  void add(std::span<const DnsRecord> records);
  /// What an instance still lacks: its SRV and TXT, or the address of its host.
  [[nodiscard]] std::vector<DnsQuestion> missing() const;
  /// The instances whose address is known and is_lan(), in the order of their names.
  [[nodiscard]] std::vector<MdnsService> services() const;

 private:
  [[nodiscard]] const DnsRecord* find(const std::string& name, DnsType type) const;

  std::string service_;
  std::vector<DnsRecord> records_;
};

}  // namespace calx::device
