// What the rest of the system may ask of anything that computes SHA-256.
//
// Two interfaces, because there are two kinds of machine. A DigestEngine hashes the bytes it is
// given. A HeaderScanner searches nonces: a mining ASIC takes an 80-byte header and returns only
// nonces whose double hash meets a target. It cannot hash chosen data, so it must not claim the
// first interface.
//
// An engine is used by one thread at a time unless it says otherwise.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/hash/bulk.h"
#include "calx/hash/digest.h"
#include "calx/hash/scan.h"

namespace calx::hash {

struct EngineInfo {
  std::string name;                     // as in `--engine software` and in every bench name
  Origin origin = Origin::kModelled;    // set once by the engine, never raised
  std::size_t batch_max = 0;            // messages a call, at most (DigestEngine)
  std::uint64_t message_bytes_max = 0;  // bytes a message, at most (DigestEngine)
};

/// Digests of one call and where they were computed.
struct DigestReport {
  Origin origin = Origin::kModelled;
  std::uint64_t compressions = 0;  // 64-byte blocks, padding included
};

class DigestEngine {
 public:
  virtual ~DigestEngine() = default;
  [[nodiscard]] virtual const EngineInfo& info() const noexcept = 0;

  /// digests[i] = SHA-256(messages[i]), any length up to info().message_bytes_max.
  /// After an error no element of `digests` may be read.
  /// Errors: kInvalidArgument (sizes differ), kResourceExhausted (a limit of info()), kCancelled,
  /// kUnavailable, kDataLoss (a spot check failed).
  virtual Result<DigestReport> digest(std::span<const Message> messages, std::span<Digest> digests,
                                      std::stop_token stop = {}) = 0;
};

/// Nonces a scan reports at most; a request for more is refused.
inline constexpr std::size_t kScanNoncesMax = 4096;

struct ScanRequest {
  Header header{};       // its nonce, bytes 76..79, is ignored
  TargetBytes target{};  // what the double hash may not exceed
  std::uint32_t nonce_first = 0;
  std::uint32_t nonce_last = 0xffffffff;  // inclusive
  std::size_t nonces_max = 1;             // stop after so many, 1 .. kScanNoncesMax
  std::chrono::milliseconds timeout = std::chrono::hours(24);
};

struct ScanReport {
  /// Ascending; each one hashed again on the host before it is listed. Empty: none found.
  std::vector<std::uint32_t> nonces;
  /// Every nonce from nonce_first to this one was tried, and those that meet the target are
  /// listed; nothing when not even the first was.
  std::optional<std::uint32_t> nonce_last_covered;
  std::uint64_t rejected = 0;        // nonces a device sent that did not meet the target
  std::uint64_t hashes_claimed = 0;  // by the scanner's own count; not verified for a device
  Origin origin = Origin::kModelled;
};

class HeaderScanner {
 public:
  virtual ~HeaderScanner() = default;
  [[nodiscard]] virtual const EngineInfo& info() const noexcept = 0;

  /// Searches the nonces of the request in order until nonces_max are found, the range ends, the
  /// time is up or `stop` is asked. Neither of the last two is an error: the report says how far
  /// it came. A software scanner's nonces are the lowest there are; a device may skip some, and
  /// then leaves nonce_last_covered empty.
  /// Errors: kInvalidArgument (empty range, nonces_max), kUnavailable, kDataLoss.
  virtual Result<ScanReport> scan(const ScanRequest& request, std::stop_token stop = {}) = 0;
};

}  // namespace calx::hash
