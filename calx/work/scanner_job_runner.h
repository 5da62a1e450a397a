// Any header scanner as a job runner: rolls extranonce 2 whenever the nonces run out.
#pragma once

#include "calx/work/job_runner.h"

namespace calx::hash {
class HeaderScanner;
}

namespace calx::work {

/// Extranonce 1 is zero; extranonce 2 counts from 0, little-endian; nonces from 0. With a scanner
/// that reports the lowest nonce of a range, the share is the lowest there is.
class ScannerJobRunner final : public JobRunner {
 public:
  /// `scanner` must outlive the runner.
  explicit ScannerJobRunner(hash::HeaderScanner& scanner) noexcept : scanner_(scanner) {}

  [[nodiscard]] Origin origin() const noexcept override;
  Result<FoundShare> run(const Job& job, std::stop_token stop) override;

 private:
  hash::HeaderScanner& scanner_;
};

/// The embedded default: the fastest software scanner of this machine, origin `software`.
/// Thread-safe.
JobRunner& software_runner();

}  // namespace calx::work
