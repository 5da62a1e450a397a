#include "calx/device/mdns.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace calx::device {
namespace {

constexpr std::size_t kHeadBytes = 12, kRecordHeadBytes = 10;
constexpr std::uint16_t kClassInternet = 1, kUnicastAnswer = 0x8000;
constexpr std::uint8_t kResponseBit = 0x80, kPointerBits = 0xc0;
constexpr unsigned kPointersMax = 32;  // in one name

std::unexpected<Error> broken(const char* what, std::size_t at) {
  return fail(ErrorCode::kDataLoss, fmt::format("mDNS packet: {} at byte {}", what, at));
}

void put16(std::vector<std::uint8_t>& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value & 255));
}

Result<void> put_name(std::vector<std::uint8_t>& out, std::string_view name) {
  const std::size_t start = out.size();
  std::string label;
  const auto flush = [&]() -> bool {
    if (label.empty() || label.size() > kMdnsLabelBytesMax) return false;
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
    label.clear();
    return true;
  };
  bool right = true;
  for (std::size_t i = 0; right && i < name.size(); ++i) {
    if (name[i] == '.') {
      right = flush();
      continue;
    }
    if (name[i] == '\\' && i + 1 < name.size()) ++i;
    label += name[i];
  }
  right = right && flush();
  out.push_back(0);
  if (right && out.size() - start <= kMdnsNameBytesMax) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("DNS name \"{}\", wanted labels of 1 to {} bytes, {} together", name,
                          kMdnsLabelBytesMax, kMdnsNameBytesMax));
}

char small(std::uint8_t byte) {
  const char c = static_cast<char>(byte);
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> packet) : packet_(packet) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t left() const { return packet_.size() - at_; }
  [[nodiscard]] bool skip(std::size_t bytes) {
    if (left() < bytes) return false;
    at_ += bytes;
    return true;
  }
  // \pre left() >= 2
  std::uint16_t take16() {
    const auto value = static_cast<std::uint16_t>(packet_[at_] << 8 | packet_[at_ + 1]);
    at_ += 2;
    return value;
  }

  // A pointer leads only to what stands before every byte of the name so far, so that no chain of
  // them can have a loop (RFC 1035, 4.1.4: "a prior occurrence").
  Result<std::string> take_name() {
    std::string name;
    std::size_t cursor = at_, floor = at_, bytes = 1;
    std::optional<std::size_t> behind;  // the end of the name where it stands
    for (unsigned pointers = 0;;) {
      if (cursor >= packet_.size()) return broken("a name is cut short", cursor);
      const std::uint8_t length = packet_[cursor];
      if ((length & kPointerBits) == kPointerBits) {
        if (cursor + 1 >= packet_.size()) return broken("a pointer is cut short", cursor);
        const std::size_t target =
            static_cast<std::size_t>(length & ~kPointerBits) << 8 | packet_[cursor + 1];
        if (!behind) behind = cursor + 2;
        if (target >= floor || target < kHeadBytes || ++pointers > kPointersMax) {
          return broken("a name points where it must not", cursor);
        }
        cursor = floor = target;
        continue;
      }
      if (length > kMdnsLabelBytesMax) return broken("a label of unknown kind", cursor);
      if (length == 0) {
        at_ = behind.value_or(cursor + 1);
        return name;
      }
      bytes += 1 + std::size_t{length};
      if (bytes > kMdnsNameBytesMax) return broken("a name is too long", cursor);
      if (packet_.size() - cursor <= length) return broken("a label is cut short", cursor);
      if (!name.empty()) name += '.';
      for (const std::uint8_t byte : packet_.subspan(cursor + 1, length)) {
        if (byte == '.' || byte == '\\') name += '\\';
        name += small(byte);
      }
      cursor += 1 + std::size_t{length};
    }
  }

 private:
  std::span<const std::uint8_t> packet_;
  std::size_t at_ = 0;
};

// The texts of a TXT record; one that runs over the end is dropped with what follows it.
std::vector<std::string> texts_of(std::span<const std::uint8_t> data) {
  std::vector<std::string> texts;
  while (!data.empty()) {
    const std::size_t length = data[0];
    if (data.size() <= length) break;
    const auto text = data.subspan(1, length);
    if (!text.empty()) texts.emplace_back(text.begin(), text.end());
    data = data.subspan(1 + length);
  }
  return texts;
}

// Reads the data of a record of a known type; the names in it may point back into the packet.
Result<bool> read_data(std::span<const std::uint8_t> packet, std::size_t at, std::size_t length,
                       std::uint16_t type, DnsRecord& record) {
  // Names may reach back, but none may reach over the end of the record.
  Reader data(packet.first(at + length));
  static_cast<void>(data.skip(at));
  switch (static_cast<DnsType>(type)) {
    case DnsType::kPtr: {
      CALX_ASSIGN(target, data.take_name());
      record.target = std::move(target);
      return true;
    }
    case DnsType::kSrv: {
      constexpr std::size_t kPriorityAndWeight = 4;
      if (length < kPriorityAndWeight + 2) return broken("an SRV record is too short", at);
      static_cast<void>(data.skip(kPriorityAndWeight));
      record.port = data.take16();
      CALX_ASSIGN(target, data.take_name());
      record.target = std::move(target);
      return true;
    }
    case DnsType::kA:
      if (length != 4) return broken("an address has not 4 bytes", at);
      record.ip =
          fmt::format("{}.{}.{}.{}", packet[at], packet[at + 1], packet[at + 2], packet[at + 3]);
      return true;
    case DnsType::kTxt:
      record.texts = texts_of(packet.subspan(at, length));
      return true;
  }
  return false;
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_mdns_query(std::span<const DnsQuestion> questions) {
  std::vector<std::uint8_t> packet(4, 0);  // id 0, no flags: a standard query
  put16(packet, static_cast<std::uint16_t>(std::min<std::size_t>(questions.size(), 0xffff)));
  packet.resize(kHeadBytes, 0);
  for (const DnsQuestion& question : questions) {
    CALX_TRY(put_name(packet, question.name));
    put16(packet, static_cast<std::uint16_t>(question.type));
    put16(packet, kClassInternet | kUnicastAnswer);
  }
  constexpr std::size_t kQueryBytesMax = 1472;  // one frame of Ethernet
  if (packet.size() <= kQueryBytesMax) return packet;
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("mDNS query of {} bytes, at most {}", packet.size(), kQueryBytesMax));
}

Result<std::vector<DnsRecord>> parse_mdns(std::span<const std::uint8_t> packet) {
  if (packet.size() < kHeadBytes || packet.size() > kMdnsPacketBytesMax) {
    return fail(ErrorCode::kDataLoss, fmt::format("mDNS packet of {} bytes, wanted {} to {}",
                                                  packet.size(), kHeadBytes, kMdnsPacketBytesMax));
  }
  std::vector<DnsRecord> records;
  if ((packet[2] & kResponseBit) == 0) return records;
  Reader reader(packet);
  static_cast<void>(reader.skip(4));
  const std::size_t questions = reader.take16();
  std::size_t count = 0;
  for (int section = 0; section < 3; ++section) count += reader.take16();
  if (questions + count > kMdnsRecordsMax) return broken("too many records are announced", 4);
  for (std::size_t i = 0; i < questions; ++i) {
    CALX_TRY(reader.take_name());
    if (!reader.skip(4)) return broken("a question is cut short", reader.at());
  }
  for (std::size_t i = 0; i < count; ++i) {
    DnsRecord record;
    CALX_ASSIGN(name, reader.take_name());
    record.name = std::move(name);
    if (reader.left() < kRecordHeadBytes) return broken("a record is cut short", reader.at());
    const std::uint16_t type = reader.take16();
    static_cast<void>(reader.skip(6));  // class, time to live
    const std::size_t length = reader.take16(), at = reader.at();
    if (!reader.skip(length)) return broken("a record's data is cut short", at);
    CALX_ASSIGN(known, read_data(packet, at, length, type, record));
    record.type = static_cast<DnsType>(type);
    if (known) records.push_back(std::move(record));
  }
  return records;
}

void MdnsCatalog::add(std::span<const DnsRecord> records) {
  for (const DnsRecord& record : records) {
    if (records_.size() == kMdnsStoredMax) return;
    if (std::ranges::find(records_, record) == records_.end()) records_.push_back(record);
  }
}

const DnsRecord* MdnsCatalog::find(const std::string& name, DnsType type) const {
  const auto found = std::ranges::find_if(records_, [&](const DnsRecord& record) {
    return record.type == type && record.name == name;
  });
  return found == records_.end() ? nullptr : &*found;
}

std::vector<DnsQuestion> MdnsCatalog::missing() const {
  std::vector<DnsQuestion> questions;
  for (const DnsRecord& pointer : records_) {
    if (pointer.type != DnsType::kPtr || pointer.name != service_) continue;
    const DnsRecord* server = find(pointer.target, DnsType::kSrv);
    if (server == nullptr) {
      questions.push_back({pointer.target, DnsType::kSrv});
      questions.push_back({pointer.target, DnsType::kTxt});
    } else if (find(server->target, DnsType::kA) == nullptr) {
      questions.push_back({server->target, DnsType::kA});
    }
  }
  return questions;
}

std::vector<MdnsService> MdnsCatalog::services() const {
  std::vector<MdnsService> services;
  for (const DnsRecord& pointer : records_) {
    if (pointer.type != DnsType::kPtr || pointer.name != service_) continue;
    const DnsRecord* server = find(pointer.target, DnsType::kSrv);
    const DnsRecord* host = server == nullptr ? nullptr : find(server->target, DnsType::kA);
    if (host == nullptr || server->port == 0) continue;
    auto address = parse_lan_address(host->ip, server->port);
    if (!address) continue;
    MdnsService service{.instance = pointer.target.substr(0, pointer.target.find("._")),
                        .host = server->target,
                        .address = std::move(*address)};
    if (const DnsRecord* texts = find(pointer.target, DnsType::kTxt)) {
      for (const std::string& text : texts->texts) {
        const std::size_t equals = text.find('=');
        service.texts.emplace_back(text.substr(0, equals),
                                   equals == std::string::npos ? "" : text.substr(equals + 1));
      }
    }
    services.push_back(std::move(service));
  }
  std::ranges::sort(services, {}, &MdnsService::instance);
  return services;
}

}  // namespace calx::device
