// calx-hash-1: the frames between a host and a machine that really hashes messages, firmware or
// FPGA. docs/protocol/hash.md defines every byte. Pure functions over bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/hash/digest.h"

namespace calx::device {

inline constexpr std::uint16_t kDirectHashVersion = 1;
inline constexpr std::size_t kDirectHashHeadBytes = 16, kDirectHashCheckBytes = 4;
inline constexpr std::uint32_t kDirectHashBodyMax = 1u << 20;
inline constexpr std::uint32_t kDirectHashMessagesMax = 8192;
inline constexpr std::size_t kDirectHashNameMax = 64;

/// Host: the versions it speaks.
struct HashHello {
  std::uint16_t version_min = kDirectHashVersion, version_max = kDirectHashVersion;
};
/// Device: what it speaks and can take.
struct HashWelcome {
  std::uint16_t version = kDirectHashVersion;
  Origin origin = Origin::kModelled;  // as the device says
  std::uint32_t batch_max = 0, message_bytes_max = 0;
  std::string name = {};  // printable ASCII
};
/// Host: messages to hash.
struct HashBatch {
  std::vector<std::vector<std::uint8_t>> messages = {};
};
/// Device: their digests, in the same order.
struct HashDigests {
  std::vector<hash::Digest> digests = {};
};
/// Device: why it does not.
struct HashRefusal {
  ErrorCode code = ErrorCode::kInternal;
  std::string reason = {};
};

struct HashFrame {
  std::uint32_t id = 0;  // a reply has its request's
  std::variant<HashHello, HashWelcome, HashBatch, HashDigests, HashRefusal> body;
};

/// Errors: kResourceExhausted for a body above kDirectHashBodyMax.
Result<std::vector<std::uint8_t>> encode(const HashFrame& frame);

/// One whole frame. Errors: kDataLoss.
Result<HashFrame> parse_hash_frame(std::span<const std::uint8_t> bytes);

/// Cuts frames out of a stream; skips what has no right check.
class HashFrameStream {
 public:
  void push(std::span<const std::uint8_t> bytes);
  std::optional<HashFrame> next();
  [[nodiscard]] std::uint64_t bytes_skipped() const noexcept { return skipped_; }

 private:
  std::vector<std::uint8_t> pending_;
  std::uint64_t skipped_ = 0;
};

}  // namespace calx::device
