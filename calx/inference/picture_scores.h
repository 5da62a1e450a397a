// How near sets of pictures come to real ones: FD-clf with errors, its curve over the number of
// pictures, precision and recall, classes, copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/eval/bootstrap.h"
#include "calx/eval/held_out.h"
#include "calx/eval/manifold.h"
#include "calx/inference/report.h"
#include "calx/nn/classifier.h"
#include "calx/noise/seed.h"

namespace calx::inference {

struct PictureSet {
  std::string name;
  eval::Gallery gallery;
};

struct ScoreSettings {
  noise::Seed seed;
  std::uint64_t replicates = 200;  // of the bootstrap
  std::vector<std::size_t> curve;  // numbers of pictures, each at most the reference's
  std::size_t base = 0;            // the set that others are compared with
  int threads = 1;
};

struct Score {
  std::string name;
  std::string digest;             // SHA-256 of the grey pixels; hex
  double distance = 0;            // FD-clf to the reference
  double deviation = 0;           // its standard error
  double ratio = 1;               // FD-clf over that of the base set
  eval::Interval ratio_interval;  // middle 95 % of the paired bootstrap
  std::vector<double> curve;      // FD-clf of evenly spread subsets, the same of the reference
  std::int64_t correct = 0;       // judged to be the class that was asked for
  eval::Interval accuracy;
  eval::ManifoldReport manifold;
  double nearest = 0;       // median distance to the nearest training picture, grey levels
  std::int64_t copies = 0;  // eval::is_copy()
};

/// Every set has as many pictures as `reference`. Sets of the same class at every place are drawn
/// at the same places by a replicate; the reference is drawn anew too.
/// Errors: kInvalidArgument (sets of another size, replicates under 20, a curve past the
/// reference); kCancelled; those of the judge.
Result<std::vector<Score>> score_pictures(const nn::Classifier& judge,
                                          const eval::Gallery& reference,
                                          std::span<const PictureSet> sets,
                                          std::span<const std::uint8_t> training_pictures,
                                          const ScoreSettings& settings, const Observer& observer,
                                          const std::stop_token& stop);

}  // namespace calx::inference
