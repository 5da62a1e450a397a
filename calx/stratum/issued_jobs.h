// Which jobs one connection was given, under which ids and at which difficulty.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>

#include "calx/stratum/reply.h"
#include "calx/work/job.h"

namespace calx::stratum {

/// A job as every miner gets it; shared by all connections.
struct PublishedJob {
  explicit PublishedJob(work::Job asked);

  work::Job job;
  NotifyTemplate notify;
  int log2_difficulty_max;  // above it a miner could hold back a share that the job wants
  bool finished = false;    // its share is found: what follows is telemetry
};

struct IssuedJob {
  std::uint64_t id = 0;  // unique in the server: clients drop an id that they saw before
  std::shared_ptr<const PublishedJob> published = {};
  int log2_difficulty = 0;         // in force since this notify
  work::Target target = {};        // of that difficulty
  std::uint32_t version_mask = 0;  // what this miner may roll
};

/// Not thread-safe.
class IssuedJobs {
 public:
  static constexpr std::size_t kLiveMax = 16;      // older ones are stale
  static constexpr std::size_t kRetiredMax = 256;  // remembered as once issued

  void add(IssuedJob job);
  /// After a clean job: shares of all earlier ones are stale.
  void retire_all();

  /// The live job of this id as on the wire, or nullptr.
  [[nodiscard]] const IssuedJob* find(std::string_view id) const;
  /// Whether it was live once (of the last kRetiredMax).
  [[nodiscard]] bool is_retired(std::string_view id) const;

 private:
  void retire(std::uint64_t id);

  std::deque<IssuedJob> live_;
  std::array<std::uint64_t, kRetiredMax> retired_{};  // a ring; 0 is no id
  std::size_t next_retired_ = 0;
};

}  // namespace calx::stratum
