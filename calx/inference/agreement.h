// How well estimates y agree with targets d, in the published measure and in those that a predictor
// which ignores its input cannot please.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "calx/base/result.h"

namespace calx::inference {

/// All of [n, units] estimates against as many targets. Sums in double; a row of zeros has the
/// cosine 0 with everything.
struct Agreement {
  double published = 0;     // published_cosine()
  double published_sd = 0;  // standard deviations here are over the rows, 0 for one row
  double raw = 0;           // mean over rows of the cosine
  double centred = 0;       // the same after taking `centre` from both
  double centred_sd = 0;
  double r2 = 0;  // 1 - SSE / SST, SST about the targets' own mean, over all units
  // After taking from each its own mean over these rows: what is left when an offset that is the
  // same for every input is forgiven.
  double deviation_cosine = 0, deviation_cosine_sd = 0;
  double deviation_r2 = 0;
};

/// `centre` [units]: the mean of the targets that something was fitted to, never of those tested.
/// Errors: kInvalidArgument (sizes that do not fit, no row, a number that is not finite, targets
/// that are all the same so that R2 means nothing).
Result<Agreement> agree(std::span<const float> y, std::span<const float> d, std::size_t units,
                        std::span<const double> centre);

/// The metric of arXiv 2604.14332: one mean and one (unbiased) standard deviation over the whole
/// batch, z = (t - mean) / (sd + 1e-8) for y and for d, then the mean over rows of their cosine.
/// It is near 1 for any constant vector that resembles the targets' mean.
/// \pre sizes as agree()
double published_cosine(std::span<const float> y, std::span<const float> d, std::size_t units);

/// Mean over rows of the cosine. \pre sizes as agree()
double raw_cosine(std::span<const float> y, std::span<const float> d, std::size_t units);

/// Of every pair of different rows, averaged: 1 if all targets are the same vector.
/// \pre d.size() a multiple of units, 2 rows or more. Cost: n^2 units.
double pairwise_cosine(std::span<const float> d, std::size_t units);

/// Mean of the rows, shape [units]. \pre d.size() a multiple of units, 1 row or more
std::vector<double> row_mean(std::span<const float> d, std::size_t units);

/// Root mean square of |d - mean| over |mean|. \pre as row_mean(), a mean that is not 0
double spread_over_mean(std::span<const float> d, std::size_t units);

/// 10 log10(4 / MSE) in dB, for images in [-1, 1]; infinite when they are the same.
/// \pre equal sizes above 0
double psnr_db(std::span<const float> image, std::span<const float> reference);

}  // namespace calx::inference
