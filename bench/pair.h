// One case of `calx bench`: the same work done by Calx and by a rival, timed in turns.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"

namespace calx::bench {

/// What one measurement took. \pre both above 0
struct Spent {
  double wall_seconds = 0;
  double cpu_seconds = 0;  // of the thread that worked; the mean where several did
};

/// Which time is compared.
enum class Clock {
  kCpu,   // CPU time of the one thread that works: other load does not enter
  kCore,  // wall time of pairs in which the threads had their cores to themselves
  kWall,  // wall time: whole processes, which also wait for the disk
};

/// One way of doing the work.
struct Side {
  std::string name;  // library and call style, or our kernel
  /// Does the work `rounds` times on inputs that follow from `salt`.
  std::function<Result<Spent>(std::uint64_t rounds, std::uint64_t salt)> run;
  std::uint64_t fixed_rounds = 0;  // rounds of one measurement; 0: as many as fill the slice
};

/// The work, who does it, and how much faster ours must be.
struct Case {
  std::string name;  // layer/operation/variant
  std::string item;  // what is counted: block, message, latent, process
  double items_per_round = 1;
  bool as_time = false;  // printed as time an item, not as items a second
  Clock clock = Clock::kCpu;
  Side ours, rival;
  double bar = 0;                    // least ratio (rival's time / our time); 0: shown, not judged
  bool judged_here = true;           // false where the bar does not apply to this CPU
  std::size_t pairs_max = SIZE_MAX;  // for sides that take seconds
  std::string missing;               // why the rival cannot run here, or empty
  std::function<Result<void>()> check;  // both sides give the right answer; before any timing
  std::function<std::string()> remark;  // one line for the report, after the timing; may be empty
};

/// Least share of its cores that either side of a pair must have had, by Clock::kCore; other pairs
/// are tried again, and when too many were disturbed there is no verdict.
inline constexpr double kCoreShareMin = 0.95;

/// How long to measure.
struct Effort {
  std::size_t pairs;     // measurements of each side
  double slice_seconds;  // least time of one measurement
  bool judge;            // false: too short for a verdict
};

enum class Verdict {
  kMet,
  kMissed,
  kShown,        // no bar, or none for this CPU, or too short a run, or a busy machine
  kUnavailable,  // the rival is not on this machine
  kWrong,        // the answers differ or a side failed: nothing was timed
};

std::string_view to_string(Verdict verdict) noexcept;

/// How much faster ours is: the quotient of the medians, and the range over the pairs.
struct Ratio {
  double of_medians = 0, pair_min = 0, pair_max = 0;
};

struct Outcome {
  std::string name, item, ours_name, rival_name{};
  bool as_time = false;
  Clock clock = Clock::kCpu;
  double bar = 0;
  std::vector<double> ours{}, rival{};  // seconds an item, pair by pair
  Ratio ratio{};
  double core_share = 0;      // CPU time over wall time of the worse-off side, median
  std::size_t disturbed = 0;  // pairs below kCoreShareMin
  bool busy = false;          // too many of them
  Verdict verdict = Verdict::kShown;
  std::string detail{};  // what is missing, what went wrong, or the remark
};

/// \pre values is not empty. The mean of the middle two where the count is even.
double median(std::vector<double> values);

/// \pre ours.size() == rival.size() > 0, every value above 0.
Ratio compare(std::span<const double> ours, std::span<const double> rival);

/// Checks, then times ours and rival in turns, the first of a pair alternating (A B, B A, ...),
/// every measurement with a new salt: a predictor that learned one input must not decide.
Outcome measure(const Case& work, const Effort& effort);

/// What `work` took in the calling thread.
Spent timed(const std::function<void()>& work);

}  // namespace calx::bench
