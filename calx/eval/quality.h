// The quality study: are the pictures the digits asked for, how far are they from handwriting, are
// they copies of what was learnt, and does it matter where the noise came from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/eval/bootstrap.h"
#include "calx/format/image.h"
#include "calx/noise/seed.h"

namespace calx::eval {

/// The bars, set before anything was measured.
inline constexpr double kAccuracyBar = 0.97;    // of generated digits, by the judge
inline constexpr double kEqualityShare = 0.05;  // of the real-real distance, each way
inline constexpr double kNearShare = 0.01;      // "near": below this quantile of real pictures

struct QualitySettings {
  noise::Seed seed;
  std::size_t count = 5000;  // of every set; at most half of the held-out pictures
  std::string sampler = "dpmpp-2m";
  double guidance = 1.5;
  int steps = 20;
  std::uint64_t replicates = 1000;   // of the bootstrap
  std::uint64_t permutations = 500;  // of the two-sample test
};

struct QualityRun {
  std::filesystem::path model, judge;  // weight files
  std::filesystem::path work;          // finished samples wait here if stopped
  std::filesystem::path out;           // quality.md, quality.json, quality.html
  std::string command;                 // as given, for the records
  int threads = 1;
};

/// One set of pictures against the reference half.
struct QualitySet {
  std::string name;
  std::string digest;        // SHA-256 of the grey pixels; hex
  double distance = 0.0;     // FD-clf to the reference
  double deviation = 0.0;    // its standard error, by the bootstrap
  std::int64_t correct = 0;  // judged to be the class it is labelled with
  Interval accuracy;         // 95 %, Wilson
  std::vector<std::int64_t> correct_by_class, count_by_class;
};

/// How near a set comes to the training pictures.
struct NearnessRow {
  std::string name;
  std::int64_t pictures = 0;
  double least = 0.0, median = 0.0;  // distance to the nearest training picture, grey levels
  std::int64_t near = 0;             // nearer than kNearShare of the real held-out pictures
  Interval near_share;               // 95 %, Wilson
  std::int64_t copies = 0;           // eval::is_copy()
};

struct ClosePair {
  format::Image made, learnt;
  double distance = 0.0;
};

enum class Verdict : std::uint8_t { kHolds, kFails, kUndecided };

/// A question's answer, as the reports and the command line print it.
struct Answer {
  Verdict verdict = Verdict::kUndecided;
  std::string word;      // "yes", "no", "undecided"
  std::string sentence;  // the claim, with the figures that decide it
};

struct QualityReport {
  std::vector<std::pair<std::string, std::string>> facts;  // command, seed, digests, origin, ...
  std::string held_out;                                    // what the real pictures are
  std::size_t count = 0;
  // In this order: generated from hash noise, from torch noise, the other real half, training
  // pictures, plain noise.
  std::vector<QualitySet> sets;
  std::int64_t judge_correct = 0, judge_judged = 0;  // the judge on all held-out pictures
  double difference = 0.0;                           // FD-clf(hash) - FD-clf(torch)
  Interval difference_interval;                      // 95 %, paired bootstrap
  double equality_bound = 0.0;                       // kEqualityShare of the real-real distance
  double mutual = 0.0;                               // FD-clf between the two generated sets
  Interval mutual_by_chance;                         // middle 95 % if labels were exchanged
  double mutual_p = 1.0;                             // share of exchanges at least as far apart
  std::vector<NearnessRow> nearness;                 // hash, torch, real
  std::vector<ClosePair> closest;                    // of the pictures from hash noise
  std::vector<format::Image> examples;               // ten of each class from hash noise
  Verdict accuracy = Verdict::kUndecided, equality = Verdict::kUndecided,
          memory = Verdict::kUndecided;
  std::vector<Answer> answers;  // to the three
  double seconds = 0.0;
  std::filesystem::path markdown, json, page;
};

struct StudyProgress {
  std::string stage;
  std::size_t done = 0, count = 0;
  double seconds_left = -1.0;  // of this stage; negative: not known
};
using StudyObserver = std::function<void(const StudyProgress&)>;

/// Runs the whole study and writes its three files.
///
/// Reference: the first half of the held-out digits. Every other set has as many pictures and the
/// same classes. FD-clf from samples is too large by a bias of order 1/n, the same for all sets.
/// Equality of hash and torch noise holds only if the 95 % interval of the difference lies within
/// +-kEqualityShare of the real-real distance; it fails if the interval lies beyond; otherwise it
/// is undecided and the half-width says what could have been seen.
/// Errors: those of files, networks and samples; kCancelled on a stop, samples kept in run.work.
Result<QualityReport> study_quality(const diffusion::DigitSet& train,
                                    const diffusion::DigitSet& held_out,
                                    const QualitySettings& settings, const QualityRun& run,
                                    const StudyObserver& observer, const std::stop_token& stop);

/// The rules behind the answers: the bar of kAccuracyBar; the equality rule above; copies must not
/// be more common than among real pictures (95 % intervals of both shares overlap).
Verdict judge_accuracy(const QualityReport& report) noexcept;
Verdict judge_equality(const QualityReport& report) noexcept;
Verdict judge_memory(const QualityReport& report) noexcept;

/// quality.md / quality.json / quality.html. Errors: none but those of encoding.
std::string render_markdown(const QualityReport& report);
Result<std::string> render_json(const QualityReport& report);
Result<std::string> render_page(const QualityReport& report);

/// The three answers in words, from the figures of the report.
std::vector<Answer> answer(const QualityReport& report);

}  // namespace calx::eval
