// Stage A of seed 003: the published default run again, with every control that it leaves out.
//
// An untrained U-Net of width 128 sees white noise; x and d are its mean activations; the coupling
// is the published one. What is asked is whether the printed cosines come out, and whether they say
// anything about the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/report.h"
#include "calx/nn/published_unet.h"
#include "calx/noise/seed.h"

namespace calx::inference {

struct StageASettings {
  nn::PublishedUNetConfig network{.channels = 4, .width = 128, .side = 32};
  /// The published draws of weights and inputs, by LibTorch's generator; none: both from `seed`.
  struct TorchSeeds {
    std::uint64_t weights = 42, inputs = 0;
    friend bool operator==(const TorchSeeds&, const TorchSeeds&) = default;
  };
  std::optional<TorchSeeds> torch = TorchSeeds{};
  noise::Seed seed = noise::Seed::from_integer(std::int64_t{42});  // of all else
  std::size_t fit = 256, test = 64;                                // inputs
  std::size_t units = 128;                                         // channels taken
  std::size_t rank = 16;
  std::vector<std::size_t> ranks{2, 4, 8, 16, 32, 48, 64};
  double onsite_j2 = 0.1;
  std::size_t seeds = 6, signs = 20;  // of the table over seeds: draw_spread.h

  /// The seed apart, all of the reference: only then are rows judged.
  [[nodiscard]] bool published() const;
};

/// A set-up of seconds: width 32 at 16 x 16, 32 units.
StageASettings quick_stage_a();

/// What does not change the figures.
struct StageRun {
  std::filesystem::path work = {};  // keeps networks and activations; empty: nothing is kept
  std::string command = {};         // as given, for the records
  int threads = 1;
};

/// The report "stage-a" ("stage-a-quick" unless published()), not yet written.
/// Errors: kInvalidArgument (sizes that cannot be, a rank over the units), kDataLoss (a damaged
/// file in run.work), kCancelled on a stop: what is in run.work is used when it is run again.
Result<Report> stage_a(const StageASettings& settings, const StageRun& run,
                       const Observer& observer, const std::stop_token& stop);

}  // namespace calx::inference
