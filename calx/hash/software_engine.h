// The engines of this processor, by the kernels in force.
#pragma once

#include "calx/hash/engine.h"

namespace calx::hash {

/// Threads an engine starts at most.
inline constexpr unsigned kEngineThreadsMax = 256;

/// Any thread may call at any time.
class SoftwareDigestEngine final : public DigestEngine {
 public:
  SoftwareDigestEngine();
  [[nodiscard]] const EngineInfo& info() const noexcept override { return info_; }
  Result<DigestReport> digest(std::span<const Message> messages, std::span<Digest> digests,
                              std::stop_token stop = {}) override;

 private:
  EngineInfo info_;
};

/// Any thread may call at any time. The report is the same for every number of threads but for
/// hashes_claimed, which counts what was tried beyond the last nonce too.
class SoftwareScanner final : public HeaderScanner {
 public:
  /// `threads` of each scan, the caller's included; 1 .. kEngineThreadsMax, else clamped.
  explicit SoftwareScanner(unsigned threads = 1);
  [[nodiscard]] const EngineInfo& info() const noexcept override { return info_; }
  Result<ScanReport> scan(const ScanRequest& request, std::stop_token stop = {}) override;

 private:
  EngineInfo info_;
  unsigned threads_;
};

}  // namespace calx::hash
