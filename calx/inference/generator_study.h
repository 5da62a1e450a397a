// `calx thermo generate`: pictures that substrates make by themselves, judged beside a fitted
// Gaussian and real digits.
#pragma once

#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <string>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/inference/report.h"
#include "calx/noise/seed.h"

namespace calx::inference {

struct GeneratorSettings {
  noise::Seed seed = {};
  std::size_t learnt = 10'000;  // training pictures that are noised
  std::size_t count = 5000;     // pictures of each arm and of the reference
  std::size_t metered = 500;    // of them, how many give their heat
};

struct GeneratorRun {
  std::filesystem::path judge = {};  // weight file
  std::string command = {};          // as given, for the records
  unsigned threads = 1;
  std::stop_token stop = {};
};

/// Three energies (quadratic, quartic with one well, with two), each with 1, 5 and 20 sets of
/// couplings, on 14 x 14 digits. FD-clf of every arm is to the same training pictures; held-out
/// ones give the floor, a Gaussian of equal mean and covariance what second moments alone can do.
/// The judge sees 14 x 14 pictures as 2 x 2 pixels with a border of two.
/// Errors: kInvalidArgument (fewer pictures than asked for), kCancelled, those of the judge's file.
/// Cost: minutes; it is not resumed.
Result<Report> study_generator(const diffusion::DigitSet& train,
                               const diffusion::DigitSet& held_out,
                               const GeneratorSettings& settings, const GeneratorRun& run,
                               const Observer& observer);

}  // namespace calx::inference
