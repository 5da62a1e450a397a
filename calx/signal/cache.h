// Answers to requests that were made before, on disk, for every process of this machine.
//
// What a kept stamp means: its tree binds the commitment, and the commitment binds the whole
// request, so the stamp still says "this work was spent after this very request existed". It was
// spent once: whoever asks again gets the same stamp, not new work. That is why a policy decides
// who may be answered from here (CacheUse), and why an answer keeps the origin of its stamp.
//
// Behind it stands LMDB: every change is one transaction, readers never see half of one, and a
// process that is killed anywhere leaves the last whole state. A crash of the whole machine may
// undo the last changes. Nothing is believed: what leaves is hashed again, and a damaged answer is
// dropped and named. It does not repair pages of the file that were damaged from outside, and it
// is not for network file systems. The journal, not this, keeps what was accepted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "calx/base/result.h"
#include "calx/signal/cache_entry.h"
#include "calx/signal/request.h"

namespace calx::signal {

/// Bytes of keys, answers and their places in the order of use; the file is a few times larger.
inline constexpr std::uint64_t kCacheBytesMin = std::uint64_t{64} << 10;
inline constexpr std::uint64_t kCacheBytesDefault = std::uint64_t{256} << 20;
inline constexpr std::uint64_t kCacheBytesMax = std::uint64_t{sizeof(void*) == 8 ? 1024 : 64} << 20;
/// Uses that are noted together: a killed process forgets at most so many.
inline constexpr std::size_t kUsesNotedMax = 1024;

struct CacheOptions {
  std::filesystem::path folder = {};             // made if absent, mode 0700
  std::uint64_t bytes_max = kCacheBytesDefault;  // the least of all processes counts
  bool create = true;                            // else an absent cache is kNotFound
};

struct CacheCounts {
  std::uint64_t entries = 0, bytes = 0;
  std::uint64_t hits = 0, misses = 0, evicted = 0, damaged = 0;  // since the cache was made
};

struct CacheItem {
  hash::Digest commitment{};
  StampedRequest stamped = {};
};

/// Any thread may call at any time, and any number of processes may have the folder open.
class Cache {
 public:
  /// Errors: kUnimplemented (built without LMDB), kInvalidArgument (bytes_max out of its limits;
  /// not a cache; open in this process already), kNotFound (no cache there and create is false),
  /// kUnavailable (the system refuses).
  static Result<std::unique_ptr<Cache>> open(const CacheOptions& options);
  /// Notes the last uses.
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  /// The kept answer of the strongest origin that is at least `origin_min`; nothing if there is
  /// none. Errors: kDataLoss (the answer was damaged: it is dropped, and the next call finds
  /// another or nothing), kUnavailable.
  Result<std::optional<StampedRequest>> find(const hash::Digest& commitment,
                                             const work::Target& target, Origin origin_min);

  /// Keeps all in one transaction, then evicts what was not used for longest until bytes_max
  /// holds. An answer whose place is taken stays as it is: the first one counts.
  /// Errors: kResourceExhausted (the disk), kUnavailable; then nothing is kept.
  Result<void> keep(std::span<const CacheItem> items);

  [[nodiscard]] Result<CacheCounts> counts();

  /// Evicts until at most `bytes` are left. Returns how many answers went.
  Result<std::uint64_t> prune(std::uint64_t bytes);

 private:
  struct Impl;
  explicit Cache(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace calx::signal
