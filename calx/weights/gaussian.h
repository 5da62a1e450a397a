// What a code costs and gives on the one source whose limit is known: independent normal weights.
#pragma once

#include <cstdint>

#include "calx/base/result.h"
#include "calx/weights/coded_tensor.h"

namespace calx::weights {

struct GaussianFigures {
  std::uint64_t samples = 0;
  double relative_mse = 0;     // sum of squared errors / sum of squares
  double standard_error = 0;   // of relative_mse, from blocks of 1,024
  double bits_per_weight = 0;  // codes and scales
  double seconds = 0;          // of encoding, on this machine
  /// 10 log10(relative_mse / 2^(-2 bits_per_weight)): decibels above Shannon's bound at the same
  /// bytes, scales counted.
  [[nodiscard]] double gap_db() const noexcept;
};

inline constexpr std::uint64_t kGaussianSamplesMin = 2 * kBlockWeights;

/// Encodes `samples` normal values of calx-noise-1 (seed text "calx-weights-1", stream "gaussian",
/// index 0) and decodes them again. The figures are those of the file form, rounding included.
/// Errors: those of encode_tensor; kInvalidArgument under kGaussianSamplesMin samples.
Result<GaussianFigures> measure_gaussian(const Coding& coding, std::uint64_t samples,
                                         const EncodeOptions& options = {});

/// 2^(-2 R): the least relative mean squared error at R bits a weight.
double gaussian_bound(double bits) noexcept;

}  // namespace calx::weights
