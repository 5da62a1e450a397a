// What was accepted and what became of it: an append-only file that survives any crash.
//
// A request stands in it before its caller hears "accepted", and its stamp before anybody gets it;
// each id has at most one stamp. docs/protocol/journal.md has the bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/signal/request.h"

namespace calx::signal {

inline constexpr std::uint64_t kJournalBytesMax = std::uint64_t{1} << 36;
inline constexpr std::size_t kJournalFrameBytesMax = std::size_t{1} << 28;

struct JournalRecovery {
  std::uint64_t accepted = 0, stamped = 0, dropped = 0;  // requests
  std::uint64_t torn_bytes = 0;  // of a frame that a crash left unfinished, cut off
};

struct JournalEntry {
  hash::Digest commitment{};
  bool stamped = false;
};

/// Any thread may call at any time. Calls that wait for the disk together share one fsync.
class Journal {
 public:
  /// Opens or creates the file (mode 0600), locks it against other processes and reads it. A torn
  /// tail is cut off; a damaged frame that is followed by a whole one is not a torn tail.
  /// Errors: kUnavailable (locked by another process, or the system refuses), kInvalidArgument (not
  /// a journal), kDataLoss (damaged inside, or two stamps for one id; nothing is changed then).
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& path,
                                               StepHook step = {});
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  [[nodiscard]] const JournalRecovery& recovery() const noexcept;

  /// On the disk when it returns. Errors: kInvalidArgument (an id that is there already),
  /// kResourceExhausted (kJournalBytesMax, kJournalFrameBytesMax), kUnavailable (the disk; then
  /// every later call fails too, because what the file holds is not known any more).
  Result<void> accept(std::span<const AcceptedRequest> requests);

  /// `stamp` and the leaves of its tree, in their order. On the disk when it returns.
  /// Errors: as accept(); kInvalidArgument for an id that is not accepted or has a stamp.
  Result<void> record_stamp(const work::Stamp& stamp, std::span<const AcceptedRequest> requests,
                            std::span<const work::Salt> salts);

  /// A stamp from elsewhere (a cache), with the request's place under it; the request need not be
  /// accepted before. On the disk when it returns, both or neither.
  /// Errors: as record_stamp(), but for ids that are not accepted.
  Result<void> record_answer(const AcceptedRequest& request, const StampedRequest& stamped);

  /// Forgets requests that were withdrawn before their stamp; their ids may come again.
  /// Errors: as record_stamp().
  Result<void> drop(std::span<const RequestId> ids);

  [[nodiscard]] std::optional<JournalEntry> find(const RequestId& id) const;

  /// Reads the stamp back and builds its tree again. Cost: that of RequestTree::build.
  /// Errors: kNotFound (no stamp for this id), kDataLoss.
  [[nodiscard]] Result<StampedRequest> stamped(const RequestId& id) const;

  /// Accepted and not stamped, in the order of acceptance.
  [[nodiscard]] std::vector<AcceptedRequest> pending() const;

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace calx::signal
