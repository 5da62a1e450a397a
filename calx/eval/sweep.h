// Which guidance and how many steps to ship: small sets, judged, for each pair of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calx/eval/quality.h"

namespace calx::eval {

struct SweepSettings {
  noise::Seed seed;
  std::size_t count = 500;  // pictures of each pair
  std::string sampler = "dpmpp-2m";
  std::vector<double> guidances{1.0, 1.5, 2.0, 3.0};
  std::vector<int> steps{10, 20, 25};
};

struct SweepRow {
  double guidance = 1.0;
  int steps = 0;  // 0: no generated pictures but the training pictures that they stand for
  std::int64_t correct = 0;
  double distance = 0.0;  // FD-clf to the other training pictures
  std::string digest;     // SHA-256 of the grey pixels; hex
};

/// The classes are those of `count` training pictures spread over the set, and these pictures are
/// the first row: what can be reached with so few, whose figures carry a bias. Accuracy by the
/// judge; FD-clf against the remaining *training* pictures, so that the held-out ones stay
/// untouched by the choice.
/// Writes quality_sweep.md and quality_sweep.json into run.out. Errors: those of study_quality().
Result<std::vector<SweepRow>> sweep_sampling(const diffusion::DigitSet& train,
                                             const SweepSettings& settings, const QualityRun& run,
                                             const StudyObserver& observer,
                                             const std::stop_token& stop);

}  // namespace calx::eval
