#include "calx/device/digest_scanner.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/hash/sha256.h"

namespace calx::device {
namespace {

using std::chrono::steady_clock;

// Headers of one call, their digests, and the digests of those.
struct Batch {
  std::vector<hash::Header> headers = {};
  std::vector<hash::Digest> once = {}, twice = {};

  void fill(const hash::ScanRequest& request, std::uint32_t first, std::size_t count) {
    headers.clear();
    for (std::size_t i = 0; i < count; ++i) {
      headers.push_back(hash::with_nonce(request.header, first + static_cast<std::uint32_t>(i)));
    }
    once.assign(count, {});
    twice.assign(count, {});
  }
};

template <typename Bytes>
std::vector<hash::Message> messages_of(const std::vector<Bytes>& all) {
  return {all.begin(), all.end()};
}

}  // namespace

DigestScanner::DigestScanner(hash::DigestEngine& engine) : engine_(engine) {
  info_ = {.name = engine.info().name, .origin = engine.info().origin};
}

Result<hash::ScanReport> DigestScanner::scan(const hash::ScanRequest& request,
                                             std::stop_token stop) {
  if (request.nonce_first > request.nonce_last || request.nonces_max == 0 ||
      request.nonces_max > hash::kScanNoncesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a scan from {} to {} for {} nonces, wanted a range and 1 to {}",
                            request.nonce_first, request.nonce_last, request.nonces_max,
                            hash::kScanNoncesMax));
  }
  const auto deadline = steady_clock::now() + request.timeout;
  hash::ScanReport report;
  report.origin = info_.origin;
  Batch batch;
  const std::size_t most =
      std::min(kDigestScanBatch, std::max<std::size_t>(engine_.info().batch_max, 1));
  for (std::uint64_t first = request.nonce_first; first <= request.nonce_last;) {
    if (stop.stop_requested() || steady_clock::now() >= deadline) return report;
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(most, request.nonce_last - first + 1));
    batch.fill(request, static_cast<std::uint32_t>(first), count);
    for (const bool again : {false, true}) {
      const auto messages = again ? messages_of(batch.once) : messages_of(batch.headers);
      const auto told = engine_.digest(messages, again ? batch.twice : batch.once, stop);
      if (!told && told.error().code == ErrorCode::kCancelled) return report;
      if (!told) return std::unexpected(told.error());
      report.origin = combine(report.origin, told->origin);
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!hash::meets_target(batch.twice[i], request.target)) continue;
      if (!hash::meets_target(hash::sha256d(batch.headers[i]), request.target)) {
        ++report.rejected;
        continue;
      }
      const auto nonce = static_cast<std::uint32_t>(first + i);
      report.nonces.push_back(nonce);
      report.nonce_last_covered = nonce;
      if (report.nonces.size() == request.nonces_max) {
        report.hashes_claimed += i + 1;
        return report;
      }
    }
    report.hashes_claimed += count;
    first += count;
    report.nonce_last_covered = static_cast<std::uint32_t>(first - 1);
  }
  return report;
}

}  // namespace calx::device
