#include "calx/signal/cache.h"

#include <fmt/format.h>

#if CALX_HAS_LMDB

#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <new>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "calx/base/hex.h"

namespace calx::signal {
namespace {

constexpr std::uint64_t kMapBytes = 4 * kCacheBytesMax;  // of address space; the same everywhere
constexpr unsigned kReadersMax = 1024;                   // threads of all processes that read
constexpr std::size_t kTickBytes = 8;
// What an answer costs beside its bytes: its key twice, its place in the order twice.
constexpr std::uint64_t kPlaceBytes = 2 * (32 + kTickBytes);

using Bytes = std::span<const std::uint8_t>;
using Word = std::array<std::uint8_t, 8>;

MDB_val view(Bytes bytes) {
  return {bytes.size(), const_cast<std::uint8_t*>(bytes.data())};  // LMDB only reads it
}
Bytes view(const MDB_val& value) {
  return {static_cast<const std::uint8_t*>(value.mv_data), value.mv_size};
}

Word to_word(std::uint64_t value) {
  Word word;
  for (std::size_t i = 0; i < 8; ++i) word[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
  return word;
}
std::uint64_t from_word(Bytes bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(8, bytes.size()))) {
    value = value << 8 | byte;
  }
  return value;
}

// Thrown inside this file alone, where a transaction has to be left from its depth.
struct Refusal {
  int code;
};

void require(int code) {
  if (code != MDB_SUCCESS) throw Refusal{code};
}

// What opening a second time in one process would break: LMDB's locks belong to the process.
struct Opened {
  std::mutex mutex;
  std::set<std::array<std::uint64_t, 3>> folders;  // process, device, inode
};
Opened& opened() {
  static Opened folders;
  return folders;
}

// One transaction; aborted unless it is committed.
class Transaction {
 public:
  Transaction(MDB_env* env, unsigned flags) { require(mdb_txn_begin(env, nullptr, flags, &txn_)); }
  ~Transaction() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit() { require(mdb_txn_commit(std::exchange(txn_, nullptr))); }
  MDB_dbi table(const char* name, unsigned flags = 0) {
    MDB_dbi dbi = 0;
    require(mdb_dbi_open(txn_, name, flags, &dbi));
    return dbi;
  }
  std::optional<Bytes> get(MDB_dbi dbi, Bytes key) {
    MDB_val wanted = view(key), found{};
    const int code = mdb_get(txn_, dbi, &wanted, &found);
    if (code == MDB_NOTFOUND) return std::nullopt;
    require(code);
    return view(found);
  }
  void put(MDB_dbi dbi, Bytes key, Bytes value) {
    MDB_val where = view(key), what = view(value);
    require(mdb_put(txn_, dbi, &where, &what, 0));
  }
  void erase(MDB_dbi dbi, Bytes key) {
    MDB_val where = view(key);
    const int code = mdb_del(txn_, dbi, &where, nullptr);
    if (code != MDB_NOTFOUND) require(code);
  }
  // The first key and its value; nothing when the table is empty.
  std::optional<std::pair<Bytes, Bytes>> first(MDB_dbi dbi) {
    MDB_cursor* cursor = nullptr;
    require(mdb_cursor_open(txn_, dbi, &cursor));
    MDB_val key{}, value{};
    const int code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    mdb_cursor_close(cursor);
    if (code == MDB_NOTFOUND) return std::nullopt;
    require(code);
    return std::pair(view(key), view(value));
  }
  std::uint64_t size(MDB_dbi dbi) {
    MDB_stat status{};
    require(mdb_stat(txn_, dbi, &status));
    return status.ms_entries;
  }

 private:
  MDB_txn* txn_ = nullptr;
};

}  // namespace

// entries: key -> tick of its last use, entry.  order: tick -> key.  counters: name -> number.
struct Cache::Impl {
  explicit Impl(const CacheOptions& wanted) : options(wanted) {}
  ~Impl() {
    if (env != nullptr) mdb_env_close(env);
    if (!place) return;
    const std::scoped_lock lock(opened().mutex);
    opened().folders.erase(*place);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  CacheOptions options;
  MDB_env* env = nullptr;
  MDB_dbi entries = 0, order = 0, counters = 0;
  std::optional<std::array<std::uint64_t, 3>> place;
  std::mutex mutex;  // of what follows
  std::vector<hash::Digest> used;
  std::uint64_t missed = 0;

  [[nodiscard]] std::unexpected<Error> refused(std::string_view what, int code) const {
    ErrorCode error = ErrorCode::kUnavailable;
    if (code == ENOSPC || code == ENOMEM || code == MDB_MAP_FULL) {
      error = ErrorCode::kResourceExhausted;
    } else if (code == MDB_INVALID || code == MDB_VERSION_MISMATCH) {
      error = ErrorCode::kInvalidArgument;
    } else if (code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND) {
      error = ErrorCode::kDataLoss;
    }
    return fail(error, fmt::format("{} the cache {} fails: {}", what, options.folder.string(),
                                   mdb_strerror(code)));
  }

  Result<void> claim();
  Result<void> open();
  template <class Body>
  Result<void> change(std::string_view what, const Body& body);
  std::uint64_t counter(Transaction& change, std::string_view name) const;
  void add(Transaction& change, std::string_view name, std::uint64_t count) const;
  std::uint64_t next_tick(Transaction& change) const;
  void note_uses(Transaction& change);
  void erase(Transaction& change, Bytes key, Bytes value) const;
  std::uint64_t evict(Transaction& change, std::uint64_t bytes) const;
};

namespace {

Bytes name_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Result<void> Cache::Impl::claim() {
  struct ::stat status{};
  if (::stat(options.folder.c_str(), &status) != 0) return refused("opening", errno);
  const std::array<std::uint64_t, 3> here = {static_cast<std::uint64_t>(::getpid()),
                                             static_cast<std::uint64_t>(status.st_dev),
                                             static_cast<std::uint64_t>(status.st_ino)};
  const std::scoped_lock lock(opened().mutex);
  if (!opened().folders.insert(here).second) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the cache {} is open in this process", options.folder.string()));
  }
  place = here;
  return {};
}

Result<void> Cache::Impl::open() {
  if (options.bytes_max < kCacheBytesMin || options.bytes_max > kCacheBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a cache of {} bytes, wanted {} to {}", options.bytes_max,
                            kCacheBytesMin, kCacheBytesMax));
  }
  std::error_code error;
  if (options.create) {
    if (std::filesystem::create_directories(options.folder, error)) {
      std::filesystem::permissions(options.folder, std::filesystem::perms::owner_all, error);
    }
  } else if (!std::filesystem::exists(options.folder / "data.mdb", error)) {
    return fail(ErrorCode::kNotFound, fmt::format("no cache is in {}", options.folder.string()));
  }
  CALX_TRY(claim());
  try {
    require(mdb_env_create(&env));
    require(mdb_env_set_mapsize(env, kMapBytes));
    require(mdb_env_set_maxdbs(env, 3));
    require(mdb_env_set_maxreaders(env, kReadersMax));
    // NOTLS: a reader is a transaction, not a thread. NOMETASYNC: a crash of the machine may undo
    // the last changes, and damages nothing. NORDAHEAD: entries are read one by one.
    require(mdb_env_open(env, options.folder.c_str(), MDB_NOTLS | MDB_NOMETASYNC | MDB_NORDAHEAD,
                         0600));
    int dead = 0;
    require(mdb_reader_check(env, &dead));  // killed readers would keep old pages for ever
    Transaction first(env, 0);
    entries = first.table("entries", MDB_CREATE);
    order = first.table("order", MDB_CREATE);
    counters = first.table("counters", MDB_CREATE);
    first.commit();
  } catch (const Refusal& refusal) {
    return refused("opening", refusal.code);
  }
  return {};
}

// Runs `body` in one write transaction, once more with half of the answers evicted if it is full.
template <class Body>
Result<void> Cache::Impl::change(std::string_view what, const Body& body) {
  const std::scoped_lock lock(mutex);
  for (bool again = false;; again = true) {
    const auto noted = std::pair(used, missed);
    int code = 0;
    try {
      Transaction writing(env, 0);
      if (again) evict(writing, counter(writing, "bytes") / 2);
      note_uses(writing);
      body(writing);
      writing.commit();
      return {};
    } catch (const Refusal& refusal) {
      code = refusal.code;
    } catch (const std::bad_alloc&) {
      code = ENOMEM;
    }
    std::tie(used, missed) = noted;
    if (code != MDB_MAP_FULL || again) return refused(what, code);
  }
}

std::uint64_t Cache::Impl::counter(Transaction& change, std::string_view name) const {
  const auto found = change.get(counters, name_of(name));
  return found ? from_word(*found) : 0;
}

void Cache::Impl::add(Transaction& change, std::string_view name, std::uint64_t count) const {
  if (count != 0) change.put(counters, name_of(name), to_word(counter(change, name) + count));
}

std::uint64_t Cache::Impl::next_tick(Transaction& change) const {
  add(change, "tick", 1);
  return counter(change, "tick");
}

// Puts the used answers behind all others in the order of eviction.
void Cache::Impl::note_uses(Transaction& change) {
  add(change, "hits", used.size());
  add(change, "misses", missed);
  for (const hash::Digest& key : used) {
    const auto found = change.get(entries, key);
    if (!found || found->size() < kTickBytes) continue;
    std::vector<std::uint8_t> value(found->begin(), found->end());
    change.erase(order, Bytes(value).first(kTickBytes));
    const Word tick = to_word(next_tick(change));
    std::ranges::copy(tick, value.begin());
    change.put(entries, key, value);
    change.put(order, tick, key);
  }
  used.clear();
  missed = 0;
}

// `value` is that of `key` in `entries`; both may lie in the map.
void Cache::Impl::erase(Transaction& change, Bytes key, Bytes value) const {
  const std::vector<std::uint8_t> kept_key(key.begin(), key.end());
  const std::uint64_t size = value.size() + kPlaceBytes;
  Word tick{};
  std::ranges::copy(value.first(std::min(kTickBytes, value.size())), tick.begin());
  change.erase(order, tick);
  change.erase(entries, kept_key);
  const std::uint64_t bytes = counter(change, "bytes");
  change.put(counters, name_of("bytes"), to_word(bytes - std::min(bytes, size)));
}

// Oldest first, until at most `bytes` are left. Returns how many went.
std::uint64_t Cache::Impl::evict(Transaction& change, std::uint64_t bytes) const {
  std::uint64_t count = 0;
  while (counter(change, "bytes") > bytes) {
    const auto oldest = change.first(order);
    if (!oldest) break;
    const auto [tick, key] = *oldest;
    if (const auto value = change.get(entries, key)) {
      erase(change, key, *value);
      ++count;
    } else {  // no entry: only damage leaves such a place
      const std::vector<std::uint8_t> kept(tick.begin(), tick.end());
      change.erase(order, kept);
    }
  }
  add(change, "evicted", count);
  return count;
}

Cache::Cache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Cache::~Cache() {
  // A failure loses what a kill would lose: the order of the last uses.
  if (!impl_->used.empty() || impl_->missed > 0) {
    static_cast<void>(impl_->change("closing", [](Transaction&) {}).has_value());
  }
}

Result<std::unique_ptr<Cache>> Cache::open(const CacheOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  CALX_TRY(impl->open());
  return std::unique_ptr<Cache>(new Cache(std::move(impl)));
}

Result<std::optional<StampedRequest>> Cache::find(const hash::Digest& commitment,
                                                  const work::Target& target, Origin origin_min) {
  CacheQuestion question{commitment, target, Origin::kDevice};
  std::vector<std::uint8_t> bytes;
  try {
    Transaction reading(impl_->env, MDB_RDONLY);
    for (auto origin = static_cast<int>(Origin::kDevice); origin >= static_cast<int>(origin_min);
         --origin) {
      question.origin = static_cast<Origin>(origin);
      const auto found = reading.get(impl_->entries, cache_key(question));
      if (!found) continue;
      bytes.assign(found->begin(), found->end());
      break;
    }
  } catch (const Refusal& refusal) {
    return impl_->refused("reading", refusal.code);
  }
  const hash::Digest key = cache_key(question);
  auto answer = bytes.size() < kTickBytes ? fail(ErrorCode::kDataLoss, "the entry is too short")
                                          : read_entry(question, Bytes(bytes).subspan(kTickBytes));
  if (!bytes.empty() && !answer) {
    CALX_TRY(impl_->change("writing", [&](Transaction& change) {
      const auto found = change.get(impl_->entries, key);
      if (!found || !std::ranges::equal(*found, bytes)) return;  // another one dropped it
      impl_->erase(change, key, *found);
      impl_->add(change, "damaged", 1);
    }));
    return fail(
        ErrorCode::kDataLoss,
        fmt::format("the kept answer for commitment {} in {} was damaged and is dropped: "
                    "{}",
                    to_hex(commitment), impl_->options.folder.string(), answer.error().message));
  }
  bool full = false;
  {
    const std::scoped_lock lock(impl_->mutex);
    if (bytes.empty()) {
      ++impl_->missed;
    } else {
      impl_->used.push_back(key);
    }
    full = impl_->used.size() >= kUsesNotedMax || impl_->missed >= kUsesNotedMax;
  }
  if (full) CALX_TRY(impl_->change("writing", [](Transaction&) {}));
  if (bytes.empty()) return std::optional<StampedRequest>();
  return std::optional(std::move(*answer));
}

Result<void> Cache::keep(std::span<const CacheItem> items) {
  return impl_->change("writing", [&](Transaction& change) {
    std::uint64_t added = 0;
    for (const CacheItem& item : items) {
      const work::Stamp& stamp = *item.stamped.stamp;
      const CacheQuestion question{item.commitment, stamp.target, stamp.origin};
      const hash::Digest key = cache_key(question);
      if (change.get(impl_->entries, key)) continue;
      const Word tick = to_word(impl_->next_tick(change));
      std::vector<std::uint8_t> value(tick.begin(), tick.end());
      const auto entry = encode_entry(question, item.stamped);
      value.insert(value.end(), entry.begin(), entry.end());
      change.put(impl_->entries, key, value);
      change.put(impl_->order, tick, key);
      added += value.size() + kPlaceBytes;
    }
    impl_->add(change, "bytes", added);
    impl_->evict(change, impl_->options.bytes_max);
  });
}

Result<CacheCounts> Cache::counts() {
  CacheCounts counts;
  try {
    Transaction reading(impl_->env, MDB_RDONLY);
    counts.entries = reading.size(impl_->entries);
    counts.bytes = impl_->counter(reading, "bytes");
    counts.hits = impl_->counter(reading, "hits");
    counts.misses = impl_->counter(reading, "misses");
    counts.evicted = impl_->counter(reading, "evicted");
    counts.damaged = impl_->counter(reading, "damaged");
  } catch (const Refusal& refusal) {
    return impl_->refused("reading", refusal.code);
  }
  const std::scoped_lock lock(impl_->mutex);
  counts.hits += impl_->used.size();
  counts.misses += impl_->missed;
  return counts;
}

Result<std::uint64_t> Cache::prune(std::uint64_t bytes) {
  std::uint64_t count = 0;
  CALX_TRY(
      impl_->change("writing", [&](Transaction& change) { count = impl_->evict(change, bytes); }));
  return count;
}

}  // namespace calx::signal

#else

namespace calx::signal {
namespace {

std::unexpected<Error> absent() {
  return fail(ErrorCode::kUnimplemented,
              "this calx was built without LMDB, so it keeps no cache: build it with liblmdb-dev");
}

}  // namespace

struct Cache::Impl {};

Cache::Cache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cache::~Cache() = default;
Result<std::unique_ptr<Cache>> Cache::open(const CacheOptions&) { return absent(); }
Result<std::optional<StampedRequest>> Cache::find(const hash::Digest&, const work::Target&,
                                                  Origin) {
  return absent();
}
Result<void> Cache::keep(std::span<const CacheItem>) { return absent(); }
Result<CacheCounts> Cache::counts() { return absent(); }
Result<std::uint64_t> Cache::prune(std::uint64_t) { return absent(); }

}  // namespace calx::signal

#endif
