// Two coupled modules written out as matrices: the algebra of the published experiment, where
// "equilibrium" is one dense solve.
//
//   M = [[A, J], [J^T, B]],  z = (x, y) at rest under biases (b_x, b_y):  M z = (b_x, b_y)
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/noise_source.h"
#include "calx/thermo/stiffness.h"
#include "calx/thermo/substrate.h"

namespace calx::inference {

/// Values of both modules, or biases of both, [n, D] each.
struct PairRows {
  std::vector<float> encoder, decoder;
};

/// Rows come and go as float; all arithmetic is in double.
/// \pre of all functions: sizes are whole rows of units(), the same number of both modules
class DensePair {
 public:
  /// Errors: kInvalidArgument unless the substrate has two free modules of equally many units, one
  /// coupling, no quartic term and a positive definite M (by Cholesky); those of
  /// thermo::dense_stiffness.
  static Result<DensePair> of(const thermo::Substrate& pair);
  DensePair(DensePair&&) noexcept;
  DensePair& operator=(DensePair&&) noexcept;
  ~DensePair();

  [[nodiscard]] std::size_t units() const noexcept;

  /// A x and B d: the published biases, which leave the coupling out.
  [[nodiscard]] std::vector<float> encoder_bias(std::span<const float> x) const;
  [[nodiscard]] std::vector<float> decoder_bias(std::span<const float> d) const;
  /// M z: the biases under which (x, d) is at rest.
  [[nodiscard]] PairRows consistent_bias(std::span<const float> x, std::span<const float> d) const;
  /// J x, the force of the encoder on the decoder that a naive bias would be.
  [[nodiscard]] std::vector<float> coupled(std::span<const float> x) const;

  /// M^-1 (b_x, b_y).
  [[nodiscard]] PairRows rest(std::span<const float> encoder, std::span<const float> decoder) const;
  /// B^-1 b_y: the decoder without its coupling, which is a linear layer and needs no substrate.
  [[nodiscard]] std::vector<float> decoder_alone(std::span<const float> decoder) const;

  /// The decoder's half of mean + sqrt(kT / n) L^-T xi, M = L L^T: for every row one draw from the
  /// exact law of the mean of n independent equilibrium samples, xi from draws kThermal of step
  /// `step`, one chain a row. No trajectory is run. Errors: the source's.
  [[nodiscard]] Result<std::vector<float>> snapshots(const PairRows& mean, double temperature_kt,
                                                     double n, const thermo::NoiseSource& source,
                                                     std::uint64_t step) const;

  /// Mean over rows of 1/2 z^T M z: the heat of applying the bias at once.
  [[nodiscard]] double heat(const PairRows& z) const;

  struct Spectra {
    thermo::Spectrum encoder, decoder, whole;  // of A, B and M
    double coupling_norm = 0;                  // |J|_2
    double coupling_frobenius = 0;             // |J|_F
  };
  [[nodiscard]] Spectra spectra() const;
  /// Mean of A's eigenvalues, tr A / D.
  [[nodiscard]] double encoder_mean() const;

 private:
  struct Parts;
  explicit DensePair(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace calx::inference
