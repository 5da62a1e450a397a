// A substrate that makes pictures by itself: couplings fitted to noising trajectories, then run
// from noise (thermo/reversal.h), and what its samples and their heat are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/noise/seed.h"
#include "calx/thermo/reversal.h"
#include "calx/thermo/substrate.h"

namespace calx::inference {

inline constexpr int kSmallSide = 14;
inline constexpr std::size_t kSmallUnits = std::size_t{kSmallSide} * kSmallSide;

/// The 28 x 28 inside a digit's border, each 2 x 2 averaged: [n, 14, 14] in [-1, 1]. `count`
/// pictures spread evenly over the set, for some sets are sorted by class; all if there are fewer.
std::vector<float> small_pictures(const diffusion::DigitSet& digits, std::size_t count);

/// Grey bytes [n, 32, 32] as the judge wants them: each pixel of [n, 14, 14], clipped to [-1, 1],
/// becomes 2 x 2, with a border of two background pixels.
/// \pre pictures.size() a multiple of kSmallUnits
std::vector<std::uint8_t> judged_pictures(std::span<const float> pictures);

/// How pictures dissolve: free units of one energy, kT = 1, mobility 1, Euler-Maruyama.
struct Noising {
  std::string name = {};
  double j2 = 0.125, j4 = 0;  // of every unit
  double step = 0.08;         // h
  std::uint64_t steps = 200;  // a multiple of `periods`
  std::size_t periods = 20;   // equal times, each with sums of its own
};

struct GeneratorTask {
  noise::Seed seed = {};
  unsigned threads = 1;
  std::stop_token stop = {};
};

/// Runs every picture once and adds every step to the sums of its period, first period first.
/// Errors: kInvalidArgument (no whole pictures, steps that periods do not divide), kCancelled, and
/// those of the sampler. Cost: 4 units^2 a picture and step.
Result<std::vector<thermo::ReversalFit>> noise_pictures(std::span<const float> pictures,
                                                        std::size_t units, const Noising& noising,
                                                        const GeneratorTask& task);

/// The best substrates for `sets` equal times, first time first: 1 is one set of couplings that
/// never changes, as Whitelam's; more must be written into the machine as it runs.
/// Errors: kInvalidArgument (sets that do not divide the periods), those of ReversalFit.
Result<std::vector<thermo::Substrate>> reversed_substrates(
    std::span<const thermo::ReversalFit> fits, std::size_t sets);

struct Generated {
  std::vector<float> pictures = {};  // [count, units], not clipped
  double heat = 0;                   // given to the bath, kT a sample, by Sekimoto's sum
  double heat_error = 0;             // standard error over the samples that were metered
  std::size_t metered = 0;
};

/// Starts `count` chains where free units are at rest and runs them through the substrates, last
/// time first. Couplings change between times; that is work, and not in the heat.
/// Errors: kInvalidArgument (no substrates), kCancelled, those of the sampler: a step beyond
/// stability, an energy without a minimum. The same samples for any number of threads.
Result<Generated> generate(std::span<const thermo::Substrate> substrates, const Noising& noising,
                           std::size_t count, std::size_t metered, const GeneratorTask& task);

/// Draws of the Gaussian with the pictures' own mean and covariance, [count, units].
/// Errors: kInvalidArgument (no whole pictures).
Result<std::vector<float>> gaussian_draws(std::span<const float> pictures, std::size_t units,
                                          std::size_t count, const noise::Seed& seed);

/// How far the first two moments of `made` are from those of `real`: |difference| / |real|, of the
/// mean and (Frobenius) of the covariance.
struct MomentGap {
  double mean = 0, covariance = 0;
};
MomentGap moment_gap(std::span<const float> made, std::span<const float> real, std::size_t units);

}  // namespace calx::inference
