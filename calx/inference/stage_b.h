// Stage B of seed 003: the published headline, "trained, D = 64", as far as the public record goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/published_training.h"
#include "calx/inference/report.h"
#include "calx/inference/stage_a.h"
#include "calx/noise/seed.h"

namespace calx::inference {

struct StageBSettings {
  PublishedTraining training = stage_b_training();
  noise::Seed digits = noise::Seed::from_integer(std::int64_t{1});  // of draw_reference_digits
  noise::Seed seed = noise::Seed::from_integer(std::int64_t{42});   // of inputs and interfaces
  std::size_t training_pictures = 10'000;                           // digits 0 ..
  std::uint64_t fit_first = 11'000;  // digit inputs: from here, fit then test
  std::size_t fit = 256, test = 64;
  std::size_t units = 64;
  std::size_t rank = 16;
  std::vector<std::size_t> ranks{2, 4, 8, 16, 32};
  std::size_t interface_seeds = 5;
  double input_sigma = 0.1;  // noise on the digit inputs
  double onsite_j2 = 0.1;

  /// Seeds apart, all of the reference.
  [[nodiscard]] bool published() const;
};

/// A set-up of seconds: width 16, 64 images seen, 16 units.
StageBSettings quick_stage_b();

/// Trains the network (or reads the training back from run.work), then runs every arm on white
/// noise and on digits with several interface seeds. The report is "stage-b" ("stage-b-quick"
/// unless published()), not yet written.
/// Errors: kInvalidArgument (sizes that cannot be), those of train_published() and stage_a().
Result<Report> stage_b(const StageBSettings& settings, const StageRun& run,
                       const Observer& observer, const std::stop_token& stop);

}  // namespace calx::inference
