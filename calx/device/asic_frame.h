// calx-asic-1: the frames between a host and the agent on a miner's controller, which carries
// packets to and from /dev/bitmain-asic. docs/protocol/asic-stream.md defines every byte. Pure
// functions over bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"

namespace calx::device {

inline constexpr std::uint16_t kAsicVersion = 1;
inline constexpr std::size_t kAsicBodyMax = 2048;
inline constexpr std::size_t kAsicPacketMax = 1100;  // of one packet to the device
inline constexpr std::size_t kAsicFrameBytesMax = 8 + kAsicBodyMax + 4;

enum class AsicType : std::uint8_t {
  kChallenge = 1,  // agent: versions, its nonce
  kHello,          // host: version, its nonce, its proof
  kWelcome,        // agent: version, heartbeat, its proof
  kPacket,         // host: one packet to the device
  kData,           // agent: what the device sent; packets may be cut anywhere
  kPing,           // both
  kPong,           // both: the body of the ping
  kEnd,            // both: the last frame: a code and a sentence
};

enum class AsicEnd : std::uint8_t { kStopping, kToken, kVersion, kBusy, kFrame, kDevice, kSilent };

struct AsicFrame {
  AsicType type{};
  std::vector<std::uint8_t> body = {};
};

using AsicNonce = std::array<std::uint8_t, 32>;

struct AsicChallenge {
  std::uint16_t version_min = kAsicVersion, version_max = kAsicVersion;
  AsicNonce nonce{};
};
struct AsicWelcome {
  std::uint16_t version = kAsicVersion;
  std::uint32_t heartbeat_ms = 0;
  hash::Digest proof{};
};

/// \pre frame.body.size() <= kAsicBodyMax
std::vector<std::uint8_t> encode(const AsicFrame& frame, std::uint32_t sequence);

/// Cuts frames out of one direction of a connection. TCP loses nothing, so whatever is wrong ends
/// it: next() gives kDataLoss then, and again for ever.
class AsicFrameStream {
 public:
  void push(std::span<const std::uint8_t> bytes);
  /// Nothing while bytes are missing. Errors: kDataLoss for a wrong first byte, a type that does
  /// not exist, a length above kAsicBodyMax, a frame that was skipped or repeated, a wrong CRC-32.
  Result<std::optional<AsicFrame>> next();

 private:
  std::vector<std::uint8_t> pending_;
  std::uint32_t sequence_ = 0;
};

/// Errors: kDataLoss for another length.
Result<AsicChallenge> parse_challenge(const AsicFrame& frame);
Result<AsicWelcome> parse_welcome(const AsicFrame& frame);
/// What a peer gave as its reason, as an error: kInvalidArgument for the token, kDataLoss for a
/// frame, else kUnavailable. Bytes that are no printable ASCII are shown as '?'.
Error end_reason(const AsicFrame& frame, std::string_view who);

AsicFrame hello_frame(std::string_view token, const AsicNonce& agent, const AsicNonce& host);

enum class AsicRole : std::uint8_t { kHost, kAgent };

/// HMAC-SHA-256(token, "calx-asic-1 host" or "calx-asic-1 agent", version, both nonces).
hash::Digest asic_proof(std::string_view token, AsicRole role, std::uint16_t version,
                        const AsicNonce& agent, const AsicNonce& host);

/// FIPS 198-1 over hash::sha256.
hash::Digest hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> message);

/// In a time that does not depend on where they differ.
bool equal_in_constant_time(const hash::Digest& a, const hash::Digest& b) noexcept;

}  // namespace calx::device
