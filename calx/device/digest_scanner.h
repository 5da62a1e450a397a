// A header scanner made of a machine that hashes messages: two digests for every nonce.
#pragma once

#include "calx/hash/engine.h"

namespace calx::device {

/// Nonces whose headers go to the machine in one call.
inline constexpr std::size_t kDigestScanBatch = 2048;

/// Thread-safe if the engine is. What the engine says counts for nothing until it was hashed again
/// here: a nonce is listed only when software agrees, else it is counted as rejected. A nonce that
/// the engine hides is seen only by the engine's own spot checks, and not at all without them.
/// Cost: two round trips of 80 and of 32 bytes a nonce, so a scan shows that the machine hashes
/// what it is given; as a miner it is slow.
class DigestScanner final : public hash::HeaderScanner {
 public:
  /// `engine` must outlive the scanner and take messages of 80 bytes.
  explicit DigestScanner(hash::DigestEngine& engine);

  [[nodiscard]] const hash::EngineInfo& info() const noexcept override { return info_; }
  Result<hash::ScanReport> scan(const hash::ScanRequest& request, std::stop_token stop) override;

 private:
  hash::DigestEngine& engine_;
  hash::EngineInfo info_;
};

}  // namespace calx::device
