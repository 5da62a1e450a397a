// Packets of a multicast DNS responder for tests, written byte by byte and not by the code that
// reads them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace calx::device {

class MdnsPacket {
 public:
  /// The head of a response with so many answers and additional records.
  MdnsPacket(std::uint8_t answers, std::uint8_t additional)
      : bytes_{0, 0, 0x84, 0, 0, 0, 0, answers, 0, 0, 0, additional} {}

  MdnsPacket& label(const std::string& text) {
    bytes_.push_back(static_cast<std::uint8_t>(text.size()));
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }
  MdnsPacket& byte(unsigned value) {
    bytes_.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  MdnsPacket& end() { return byte(0); }
  MdnsPacket& pointer(std::size_t to) {
    return byte(0xc0U | static_cast<unsigned>(to >> 8)).byte(to & 255);
  }
  /// Type, class IN with the cache flush bit, time to live 120, and the length of the data.
  MdnsPacket& head(unsigned type, unsigned length) {
    return byte(0).byte(type).byte(0x80).byte(1).byte(0).byte(0).byte(0).byte(120).byte(0).byte(
        length);
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// A Bitaxe as ESP-IDF announces it: PTR, SRV, TXT and A, names compressed as in RFC 1035.
/// Without `whole` the PTR alone.
inline MdnsPacket bitaxe_packet(std::uint16_t port, bool whole) {
  MdnsPacket packet(1, whole ? 3 : 0);
  packet.label("_axeos").label("_sub");
  const std::size_t http = packet.size();
  packet.label("_http").label("_tcp");
  const std::size_t local = packet.size();
  packet.label("local").end();
  const std::string instance = "Bitaxe Gamma 601 (1A2B)";
  packet.head(12, static_cast<unsigned>(instance.size()) + 3);
  const std::size_t name = packet.size();
  packet.label(instance).pointer(http);
  if (!whole) return packet;
  packet.pointer(name).head(33, 15).byte(0).byte(0).byte(0).byte(0);
  packet.byte(port >> 8).byte(port & 255);
  const std::size_t host = packet.size();
  packet.label("bitaxe").pointer(local);
  packet.pointer(name).head(16, 27).label("asic=BM1370").label("fw_version=v2").byte(0);
  packet.pointer(host).head(1, 4).byte(127).byte(0).byte(0).byte(1);
  return packet;
}

}  // namespace calx::device
