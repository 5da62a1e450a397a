#include "calx/signal/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>

#include "calx/signal/journal_file.h"
#include "calx/signal/journal_frame.h"
#include "calx/signal/stamp_bytes.h"

namespace calx::signal {
namespace {

constexpr std::size_t kAcceptedBytes = 64;  // id, commitment
constexpr std::size_t kLeafBytes = 80;      // id, commitment, salt

std::vector<std::uint8_t> record_head(std::uint8_t kind, std::size_t count) {
  const auto n = static_cast<std::uint32_t>(count);
  return {kind, static_cast<std::uint8_t>(n >> 24), static_cast<std::uint8_t>(n >> 16),
          static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
}

void append(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// What a stamp record says, whichever kind it is.
struct StampRecord {
  work::Stamp stamp = {};
  std::vector<RequestId> ids = {};
  std::vector<work::TreeLeaf> leaves = {};  // of the whole tree; else of one request, with its
  std::optional<work::TreePath> path = {};  // path
};

// Behind the kind and the count.
Result<StampRecord> take_stamp_record(ByteReader& reader, std::uint8_t kind, std::uint32_t count) {
  if (count > reader.left() / (kind == kAnsweredRecord ? kAcceptedBytes : kLeafBytes)) {
    return fail(ErrorCode::kDataLoss, "a stamp record lists more leaves than it has bytes");
  }
  StampRecord record;
  for (std::uint32_t i = 0; i < count; ++i) {
    record.ids.push_back(reader.take_array<32>());
    auto& leaf = record.leaves.emplace_back();
    leaf.commitment = reader.take_array<32>();
    if (kind == kStampedRecord) leaf.salt = reader.take_array<16>();
  }
  if (kind == kStampedRecord) {
    CALX_ASSIGN(stamp, take_stamp(reader));
    record.stamp = std::move(stamp);
    return record;
  }
  if (count != 1) return fail(ErrorCode::kDataLoss, "an answer record is for one request");
  CALX_ASSIGN(stamped, take_stamped(reader));
  record.stamp = *stamped.stamp;
  record.path = std::move(stamped.path);
  return record;
}

// The place of request `number` of the record, if its tree has the stamp's root.
Result<work::TreePath> place_of(const StampRecord& record, std::size_t number) {
  const auto lost =
      fail(ErrorCode::kDataLoss, "the journal's stamp does not belong to its requests");
  if (record.path) {
    const auto root =
        work::root_of(record.leaves[number].commitment, *record.path, record.stamp.leaves);
    if (!root || *root != record.stamp.root) return lost;
    return *record.path;
  }
  CALX_ASSIGN(tree, work::RequestTree::build(record.leaves));
  if (tree.root() != record.stamp.root) return lost;
  return tree.path(static_cast<std::uint32_t>(number));
}

}  // namespace

struct Journal::Impl {
  struct Entry {
    hash::Digest commitment{};
    std::uint64_t number = 0;    // in the order of acceptance
    std::uint64_t stamp_at = 0;  // file offset of its stamp record; 0: none
    std::uint64_t stamp_size = 0;
    bool recording = false;  // a stamp of it is on its way to the disk
  };
  struct Waiting {
    std::vector<std::uint8_t> record;
    std::uint64_t at = 0;  // file offset, set before it is written
    bool done = false;
  };

  Impl(JournalFile opened, StepHook hook) : file(std::move(opened)), step(std::move(hook)) {}

  JournalFile file;
  StepHook step;
  JournalRecovery recovery;
  mutable std::mutex mutex;
  std::condition_variable written;
  std::map<RequestId, Entry> entries;
  std::vector<Waiting*> queue;
  std::optional<Error> broken;
  bool writing = false;
  std::uint64_t size = 0, accepted = 0;

  void at_step(std::string_view name) const {
    if (step) step(name);
  }
  Result<void> recover();
  Result<void> replay(std::span<const std::uint8_t> records, std::uint64_t offset);
  Result<void> write_group(std::span<Waiting* const> group, std::uint64_t offset);
  Result<std::uint64_t> commit(std::unique_lock<std::mutex>& lock, Waiting waiting);
  Result<void> require_open(std::span<const AcceptedRequest> requests) const;
};

Result<void> Journal::Impl::replay(std::span<const std::uint8_t> records, std::uint64_t offset) {
  ByteReader reader(records);
  while (reader.left() > 0) {
    const std::uint64_t at = offset + (records.size() - reader.left());
    const auto kind = static_cast<std::uint8_t>(reader.take_integer(1));
    const std::uint32_t count = reader.take_integer(4);
    if (kind == kAcceptedRecord || kind == kDroppedRecord) {
      for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
        const auto id = reader.take_array<32>();
        if (kind == kDroppedRecord) {
          recovery.dropped += entries.erase(id);
          continue;
        }
        entries.try_emplace(id, Entry{.commitment = reader.take_array<32>(), .number = accepted++});
      }
    } else if (kind == kStampedRecord || kind == kAnsweredRecord) {
      CALX_ASSIGN(record, take_stamp_record(reader, kind, count));
      if (kind == kAnsweredRecord &&
          entries
              .try_emplace(record.ids[0],
                           Entry{.commitment = record.leaves[0].commitment, .number = accepted})
              .second) {
        ++accepted;
      }
      for (const RequestId& id : record.ids) {
        const auto found = entries.find(id);
        if (found == entries.end() || found->second.stamp_at != 0) {
          return fail(
              ErrorCode::kDataLoss,
              fmt::format("{} stamps an id twice, or one it never accepted", file.path().string()));
        }
        found->second.stamp_at = at;
      }
      const std::uint64_t end = offset + (records.size() - reader.left());
      for (const RequestId& id : record.ids) entries[id].stamp_size = end - at;
      recovery.stamped += record.ids.size();
    } else {
      return fail(ErrorCode::kDataLoss,
                  fmt::format("{} holds a record of kind {}", file.path().string(), kind));
    }
    if (!reader.ok()) {
      return fail(ErrorCode::kDataLoss,
                  fmt::format("{} holds a short record", file.path().string()));
    }
  }
  return {};
}

Result<void> Journal::Impl::recover() {
  const std::string path = file.path().string();
  CALX_ASSIGN(bytes_there, file.size());
  if (bytes_there > kJournalBytesMax) {
    return fail(ErrorCode::kResourceExhausted, path + " is larger than a journal may be");
  }
  CALX_ASSIGN(bytes, file.read(0, bytes_there));
  const std::span<const std::uint8_t> magic(
      reinterpret_cast<const std::uint8_t*>(kJournalMagic.data()), kJournalMagic.size());
  const auto head = std::span(bytes).first(std::min(bytes.size(), magic.size()));
  if (!std::ranges::equal(head, magic.first(head.size()))) {
    return fail(ErrorCode::kInvalidArgument, path + " is not a journal of calx");
  }
  if (head.size() < magic.size()) {  // new, or a crash while it was made
    CALX_TRY(file.write(magic, 0));
    CALX_TRY(file.sync());
    size = magic.size();
    return {};
  }
  size = magic.size();
  while (size < bytes.size()) {
    const auto rest = std::span<const std::uint8_t>(bytes).subspan(static_cast<std::size_t>(size));
    const auto records = whole_frame(rest);
    if (!records) {
      // A frame is written only after the one before it is on the disk.
      if (holds_frame(rest.subspan(1))) {
        return fail(ErrorCode::kDataLoss, fmt::format("{} is damaged at byte {}", path, size));
      }
      recovery.torn_bytes = rest.size();
      CALX_TRY(file.truncate(size));
      break;
    }
    CALX_TRY(replay(*records, size + kFrameHeadBytes));
    size += kFrameHeadBytes + records->size() + kFrameTailBytes;
  }
  recovery.accepted = accepted;
  return {};
}

Result<void> Journal::Impl::write_group(std::span<Waiting* const> group, std::uint64_t offset) {
  std::vector<std::uint8_t> records;
  for (Waiting* waiting : group) {
    waiting->at = offset + kFrameHeadBytes + records.size();
    append(records, waiting->record);
  }
  const auto frame = make_frame(records);
  at_step("journal.before_write");
  const std::span<const std::uint8_t> bytes(frame);
  const std::size_t half = step ? bytes.size() / 2 : 0;  // a hook sees a torn frame too
  CALX_TRY(file.write(bytes.first(half), offset));
  at_step("journal.half_written");
  CALX_TRY(file.write(bytes.subspan(half), offset + half));
  at_step("journal.before_sync");
  CALX_TRY(file.sync());
  at_step("journal.synced");
  return {};
}

// Waits until the record is on the disk; one of those who wait writes for all. Returns its offset.
Result<std::uint64_t> Journal::Impl::commit(std::unique_lock<std::mutex>& lock, Waiting waiting) {
  if (waiting.record.size() > kJournalFrameBytesMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("a journal record of {} bytes, at most {}", waiting.record.size(),
                            kJournalFrameBytesMax));
  }
  queue.push_back(&waiting);
  while (!waiting.done) {
    if (broken) {
      std::erase(queue, &waiting);
      return std::unexpected(*broken);
    }
    if (writing) {
      written.wait(lock);
      continue;
    }
    writing = true;
    std::vector<Waiting*> group;
    std::size_t bytes = 0;
    for (Waiting* one : queue) {
      if (!group.empty() && bytes + one->record.size() > kJournalFrameBytesMax) break;
      bytes += one->record.size();
      group.push_back(one);
    }
    queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(group.size()));
    lock.unlock();
    Result<void> result;
    if (size + bytes > kJournalBytesMax) {
      result = fail(ErrorCode::kResourceExhausted, file.path().string() + " is full");
    } else {
      result = write_group(group, size);
    }
    lock.lock();
    writing = false;
    if (!result) {
      broken = result.error();
    } else {
      size += kFrameHeadBytes + bytes + kFrameTailBytes;
      for (Waiting* one : group) one->done = true;
    }
    written.notify_all();
  }
  return waiting.at;
}

Result<void> Journal::Impl::require_open(std::span<const AcceptedRequest> requests) const {
  for (const AcceptedRequest& request : requests) {
    const auto found = entries.find(request.id);
    if (found == entries.end() || found->second.stamp_at != 0 || found->second.recording) {
      return fail(ErrorCode::kInvalidArgument,
                  "a request of the stamp has a stamp already or was never accepted");
    }
  }
  return {};
}

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& path, StepHook step) {
  CALX_ASSIGN(file, JournalFile::open(path));
  auto impl = std::make_unique<Impl>(std::move(file), std::move(step));
  CALX_TRY(impl->recover());
  return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

const JournalRecovery& Journal::recovery() const noexcept { return impl_->recovery; }

Result<void> Journal::accept(std::span<const AcceptedRequest> requests) {
  if (requests.empty()) return {};
  std::unique_lock lock(impl_->mutex);
  Impl::Waiting waiting{.record = record_head(kAcceptedRecord, requests.size())};
  waiting.record.reserve(waiting.record.size() + kAcceptedBytes * requests.size());
  std::size_t entered = 0;
  Result<void> result;
  for (const AcceptedRequest& request : requests) {
    const Impl::Entry entry{.commitment = request.commitment, .number = impl_->accepted};
    if (!impl_->entries.try_emplace(request.id, entry).second) {
      result = fail(ErrorCode::kInvalidArgument, "the journal holds this request id already");
      break;
    }
    ++entered, ++impl_->accepted;
    append(waiting.record, request.id);
    append(waiting.record, request.commitment);
  }
  if (result) {
    const auto at = impl_->commit(lock, std::move(waiting));
    if (at) return {};
    result = std::unexpected(at.error());
  }
  for (const auto& request : requests.first(entered)) impl_->entries.erase(request.id);
  return result;
}

Result<void> Journal::record_stamp(const work::Stamp& stamp,
                                   std::span<const AcceptedRequest> requests,
                                   std::span<const work::Salt> salts) {
  if (requests.size() != salts.size() || requests.size() != stamp.leaves) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a stamp of {} leaves with {} requests and {} salts", stamp.leaves,
                            requests.size(), salts.size()));
  }
  std::unique_lock lock(impl_->mutex);
  CALX_TRY(impl_->require_open(requests));
  Impl::Waiting waiting{.record = record_head(kStampedRecord, requests.size())};
  waiting.record.reserve(waiting.record.size() + kLeafBytes * requests.size() + 1024);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    append(waiting.record, requests[i].id);
    append(waiting.record, requests[i].commitment);
    append(waiting.record, salts[i]);
    impl_->entries[requests[i].id].recording = true;
  }
  append_stamp(waiting.record, stamp);
  const std::uint64_t size = waiting.record.size();
  const auto at = impl_->commit(lock, std::move(waiting));
  for (const auto& request : requests) {
    Impl::Entry& entry = impl_->entries[request.id];
    entry.recording = false;
    if (at) entry.stamp_at = *at, entry.stamp_size = size;
  }
  if (!at) return std::unexpected(at.error());
  return {};
}

Result<void> Journal::record_answer(const AcceptedRequest& request, const StampedRequest& stamped) {
  std::unique_lock lock(impl_->mutex);
  const auto [place, fresh] = impl_->entries.try_emplace(
      request.id, Impl::Entry{.commitment = request.commitment, .number = impl_->accepted});
  if (fresh) ++impl_->accepted;
  CALX_TRY(impl_->require_open({&request, 1}));
  place->second.recording = true;
  Impl::Waiting waiting{.record = record_head(kAnsweredRecord, 1)};
  append(waiting.record, request.id);
  append(waiting.record, request.commitment);
  append_stamped(waiting.record, stamped);
  const std::uint64_t size = waiting.record.size();
  const auto at = impl_->commit(lock, std::move(waiting));
  Impl::Entry& entry = impl_->entries[request.id];
  entry.recording = false;
  if (at) {
    entry.stamp_at = *at, entry.stamp_size = size;
    return {};
  }
  if (fresh) impl_->entries.erase(request.id);
  return std::unexpected(at.error());
}

Result<void> Journal::drop(std::span<const RequestId> ids) {
  if (ids.empty()) return {};
  std::unique_lock lock(impl_->mutex);
  Impl::Waiting waiting{.record = record_head(kDroppedRecord, ids.size())};
  for (const RequestId& id : ids) {
    CALX_TRY(impl_->require_open(std::array{AcceptedRequest{.id = id}}));
    append(waiting.record, id);
  }
  const auto at = impl_->commit(lock, std::move(waiting));
  if (!at) return std::unexpected(at.error());
  for (const RequestId& id : ids) impl_->entries.erase(id);
  return {};
}

std::optional<JournalEntry> Journal::find(const RequestId& id) const {
  const std::scoped_lock lock(impl_->mutex);
  const auto found = impl_->entries.find(id);
  if (found == impl_->entries.end()) return std::nullopt;
  return JournalEntry{found->second.commitment, found->second.stamp_at != 0};
}

Result<StampedRequest> Journal::stamped(const RequestId& id) const {
  std::uint64_t at = 0, size = 0;
  {
    const std::scoped_lock lock(impl_->mutex);
    const auto found = impl_->entries.find(id);
    if (found != impl_->entries.end()) at = found->second.stamp_at, size = found->second.stamp_size;
  }
  if (at == 0) return fail(ErrorCode::kNotFound, "the journal has no stamp for this request id");
  CALX_ASSIGN(bytes, impl_->file.read(at, size));
  ByteReader reader(bytes);
  const auto kind = static_cast<std::uint8_t>(reader.take_integer(1));
  const std::uint32_t count = reader.take_integer(4);
  CALX_ASSIGN(record, take_stamp_record(reader, kind, count));
  CALX_TRY(work::check(record.stamp));
  const auto number = std::ranges::find(record.ids, id) - record.ids.begin();
  if (static_cast<std::size_t>(number) == record.ids.size()) {
    return fail(ErrorCode::kDataLoss, "the journal's stamp record does not list its request");
  }
  CALX_ASSIGN(place, place_of(record, static_cast<std::size_t>(number)));
  return StampedRequest{std::make_shared<const work::Stamp>(std::move(record.stamp)),
                        std::move(place)};
}

std::vector<AcceptedRequest> Journal::pending() const {
  const std::scoped_lock lock(impl_->mutex);
  std::map<std::uint64_t, AcceptedRequest> ordered;
  for (const auto& [id, entry] : impl_->entries) {
    if (entry.stamp_at == 0) ordered.emplace(entry.number, AcceptedRequest{id, entry.commitment});
  }
  std::vector<AcceptedRequest> list;
  for (const auto& [number, request] : ordered) list.push_back(request);
  return list;
}

}  // namespace calx::signal
