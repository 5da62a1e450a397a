#include "calx/hash/software_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>

namespace calx::hash {
namespace {

constexpr std::size_t kDigestBatch = 1024;        // messages between two looks at the stop token
constexpr std::uint64_t kChunkNonces = 1u << 15;  // nonces between two looks at clock and token

constexpr std::chrono::milliseconds kTimeoutMax = std::chrono::hours(24 * 365);

/// One scan, cut into chunks that threads take in order. A chunk once taken is finished, so that
/// the finished ones always form one range from the start.
class Search {
 public:
  Search(const ScanRequest& request, std::stop_token stop)
      : request_(request),
        stop_(std::move(stop)),
        deadline_(std::chrono::steady_clock::now() + std::min(request.timeout, kTimeoutMax)),
        next_(request.nonce_first) {}

  void work() {
    for (;;) {
      std::uint64_t first = 0, last = 0;
      {
        const std::scoped_lock lock(mutex_);
        if (next_ > request_.nonce_last || nonces_.size() >= request_.nonces_max) return;
        if (stop_.stop_requested() || std::chrono::steady_clock::now() >= deadline_) return;
        first = next_;
        last = std::min<std::uint64_t>(first + kChunkNonces - 1, request_.nonce_last);
        next_ = last + 1;
      }
      search(first, last);
    }
  }

  /// \pre no thread is working any more
  ScanReport report() && {
    ScanReport report{.nonces = std::move(nonces_),
                      .nonce_last_covered = std::nullopt,
                      .rejected = 0,
                      .hashes_claimed = hashes_,
                      .origin = Origin::kSoftware};
    std::ranges::sort(report.nonces);
    if (report.nonces.size() >= request_.nonces_max) {
      report.nonces.resize(request_.nonces_max);
      report.nonce_last_covered = report.nonces.back();
    } else if (next_ > request_.nonce_first) {
      report.nonce_last_covered = static_cast<std::uint32_t>(next_ - 1);
    }
    return report;
  }

 private:
  void search(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint32_t> found;
    std::uint64_t next = first;
    while (next <= last && found.size() < request_.nonces_max) {
      const auto nonce =
          find_nonce(request_.header, request_.target, static_cast<std::uint32_t>(next),
                     static_cast<std::uint32_t>(last));
      if (nonce) found.push_back(*nonce);
      next = nonce ? std::uint64_t{*nonce} + 1 : last + 1;
    }
    const std::scoped_lock lock(mutex_);
    nonces_.insert(nonces_.end(), found.begin(), found.end());
    hashes_ += next - first;
  }

  const ScanRequest& request_;
  std::stop_token stop_;
  std::chrono::steady_clock::time_point deadline_;
  std::mutex mutex_;
  std::uint64_t next_;
  std::uint64_t hashes_ = 0;
  std::vector<std::uint32_t> nonces_;
};

void start_threads(unsigned count, Search& search, std::vector<std::jthread>& threads) {
  try {
    for (unsigned i = 0; i < count; ++i) threads.emplace_back([&search] { search.work(); });
  } catch (const std::system_error&) {
    return;  // the system grants no more threads; those that run share the work
  }
}

}  // namespace

SoftwareDigestEngine::SoftwareDigestEngine()
    : info_{.name = "software",
            .origin = Origin::kSoftware,
            .batch_max = std::size_t{1} << 24,
            .message_bytes_max = std::uint64_t{1} << 32} {}

Result<DigestReport> SoftwareDigestEngine::digest(std::span<const Message> messages,
                                                  std::span<Digest> digests, std::stop_token stop) {
  if (messages.size() != digests.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("digest engine {}: room for {} digests, wanted {}", info_.name,
                            digests.size(), messages.size()));
  }
  if (messages.size() > info_.batch_max) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("digest engine {}: {} messages in one call, the limit is {}",
                            info_.name, messages.size(), info_.batch_max));
  }
  DigestReport report{.origin = info_.origin, .compressions = 0};
  for (const Message& message : messages) {
    if (message.size() > info_.message_bytes_max) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("digest engine {}: a message of {} bytes, the limit is {}",
                              info_.name, message.size(), info_.message_bytes_max));
    }
    report.compressions += (std::uint64_t{message.size()} + 8) / 64 + 1;
  }
  for (std::size_t first = 0; first < messages.size(); first += kDigestBatch) {
    if (stop.stop_requested()) {
      return fail(ErrorCode::kCancelled,
                  fmt::format("digest engine {}: stopped after {} of {} messages", info_.name,
                              first, messages.size()));
    }
    const std::size_t count = std::min(kDigestBatch, messages.size() - first);
    sha256_many(messages.subspan(first, count), digests.subspan(first, count));
  }
  return report;
}

SoftwareScanner::SoftwareScanner(unsigned threads)
    : info_{.name = "software", .origin = Origin::kSoftware},
      threads_(std::clamp(threads, 1u, kEngineThreadsMax)) {}

Result<ScanReport> SoftwareScanner::scan(const ScanRequest& request, std::stop_token stop) {
  if (request.nonce_first > request.nonce_last) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("header scan: nonces {} to {}, wanted an ascending range",
                            request.nonce_first, request.nonce_last));
  }
  if (request.nonces_max == 0 || request.nonces_max > kScanNoncesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("header scan: {} nonces asked, wanted 1 to {}", request.nonces_max,
                            kScanNoncesMax));
  }
  Search search(request, std::move(stop));
  {
    std::vector<std::jthread> others;
    start_threads(threads_ - 1, search, others);
    search.work();
  }
  return std::move(search).report();
}

}  // namespace calx::hash
