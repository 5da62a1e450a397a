// Whole images sampled through a substrate: the shipped network with its last decoder block
// replaced at every step of the sampler, beside its controls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/inference/batch_sampler.h"
#include "calx/inference/block_fit.h"
#include "calx/inference/picture_scores.h"
#include "calx/inference/report.h"
#include "calx/noise/seed.h"

namespace calx::inference {

/// The bar and the condition under which it was set.
inline constexpr double kSubstrateRatioBar = 1.25;  // FD-clf through the substrate over digital
inline constexpr double kDigitalOverFloor = 3;      // where digital lies within this of the floor
inline constexpr int kStepsWanted = 20;             // of a whole image

/// What stands in the place of the block in one arm.
struct PictureArm {
  std::string_view name;
  std::string_view what;  // in a few words, for tables
  bool digital = false;   // the block itself, no fit
  bool rank_zero = false;
  Wired wired = Wired::kBoth;
  Grouping grouping = Grouping::kTime;
  Readout readout = Readout::kMean;
  int reach = 0;
};

/// digital, mean, snapshot, white, k0, patch, patch-snapshot: those of every study; then folded,
/// shaped, skip, skip-snapshot, class, class-snapshot.
std::span<const PictureArm> picture_arms() noexcept;
/// The names of those of every study, by commas.
std::string default_arms();

struct WholeSettings {
  noise::Seed seed;
  std::size_t count = 5000;  // pictures an arm, at most half of the held-out ones
  std::size_t batch = 25;    // pictures of one forward pass; part of what fixes their bits
  std::string sampler = "dpmpp-2m";
  int steps = 20;
  double guidance = 1.5;
  std::size_t rank = 16;
  std::vector<std::string> arms;  // empty: default_arms()
  std::uint64_t replicates = 200;
  std::size_t wide_stride = 5;  // fit.stride of the fits with a reach
  BlockFitSettings fit;         // its seed, sampler and steps are taken from above
};

struct WholeRun {
  std::filesystem::path model, judge;  // weight files
  std::filesystem::path work;          // finished pictures are kept here
  std::string command;                 // as given, for the records
  int threads = 1;
};

/// A fit that was tried, whether or not an arm uses it.
struct FitRow {
  BlockFitPlan plan;
  double r2 = 0, r2_first = 0, r2_last = 0;  // all times; the noisiest; the last
  double condition_largest = 0;
  std::uint64_t programs = 0;  // reflashes a picture
  std::uint64_t wires = 0;     // of the couplings of one program
};

struct WholeResult {
  std::vector<PictureArm> arms;  // as in scores, followed there by the two real sets
  std::vector<Score> scores;     // arms, "the other real half", "training pictures"
  std::vector<FitRow> fits;
  double folded_difference = 0;  // largest difference of a pixel, 0..255, mean against folded
  std::size_t folded_pictures = 0;
  Report report;  // "whole-images"
};

/// Fits, samples, scores and describes. Pictures are those of `calx imagine` with the same seed up
/// to rounding: picture k of every arm starts from the same latent. Nothing is written but the kept
/// pictures.
/// Errors: kInvalidArgument (settings, an arm nobody knows); kNotFound and kDataLoss (weights);
/// kCancelled on a stop, finished pictures kept.
Result<WholeResult> study_whole_images(const diffusion::DigitSet& train,
                                       const diffusion::DigitSet& held_out,
                                       const WholeSettings& settings, const WholeRun& run,
                                       const Observer& observer, const std::stop_token& stop);

}  // namespace calx::inference
