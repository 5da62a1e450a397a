// The coupling of arXiv 2604.14332 as its public code builds it, defects included, so that its
// figures can be reproduced and its controls shown.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/matrix.h"
#include "calx/thermo/noise_source.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

struct PublishedOptions {
  double onsite_j2 = 0.1;
  double coupling_kt = 1.0;  // the 1 / (4 kT) of the couplings; not the temperature of a run
  bool normalise = true;     // divide the skip coupling by its Frobenius norm, as published
};

/// From the first convolutions of the encoder's and the decoder's block, each [out, in * 9]
/// row-major with the tap fastest: W is cut to its first `units` rows and columns, so its columns
/// are (input channel, tap) and not the channels that the activations are; the skip weights are
/// never read.
///   J = W^T W / (4 kT),   A = 2 J2 I + J_enc + J_enc^T,   B likewise
///   J_skip = N / (|N|_F + 1e-8) / (4 kT),   N = U_e S_e^1/2 (U_d S_d^1/2)^T over k singular pairs
/// Modules "encoder" and "decoder" of `units` units, one coupling of rank k, no bias. Each pair of
/// singular vectors is given the sign that makes its largest component positive: the published code
/// leaves it to the linear algebra library.
/// Errors: kInvalidArgument (shapes, a rank over units, a number not finite, no weight but 0). It
/// may return an indefinite energy, which Stiffness::of refuses: rank 1 can be one.
Result<Substrate> published_pair(const Matrix& encoder_weights, const Matrix& decoder_weights,
                                 std::size_t units, std::size_t rank,
                                 const PublishedOptions& options = {});

/// The pair of a network that was never trained: width `channels`, first convolutions of fan-in 9
/// channels (encoder) and 27 channels (decoder), weights uniform on +-1/sqrt(fan-in) from draws
/// kBuild of the source, `units` = channels.
/// Errors: as published_pair; the source's.
Result<Substrate> untrained_pair(std::size_t channels, std::size_t rank, const NoiseSource& source,
                                 const PublishedOptions& options = {});

/// Mean over rows of |y_with - y_without| / |d|, in per cent: the published "decoder shift", which
/// is an error relative to the target. All [n, units].
/// \pre equal sizes, no row of d is 0
double decoder_shift_percent(std::span<const double> with, std::span<const double> without,
                             std::span<const double> d, std::size_t units);

}  // namespace calx::thermo
