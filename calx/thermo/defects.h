// What a real machine would do to a substrate: few bits, gains that differ, wires that are dead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/conditioning.h"
#include "calx/thermo/noise_source.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

inline constexpr unsigned kConverterBitsMax = 24;

/// All at their defaults: a machine without defects. A model, so whatever it touches is of Origin
/// modelled.
struct Defects {
  unsigned factor_bits = 0;  // of the couplings' factors P, Q; 0: exact
  unsigned bias_bits = 0;    // of biases and clamps (DAC); 0: exact
  unsigned read_bits = 0;    // of states that are read out (ADC); 0: exact
  double mismatch = 0;       // standard deviation of each wire's gain about 1
  double read_gain = 0;      // standard deviation of each read-out's gain about 1
  double read_offset = 0;    // standard deviation of each read-out's offset, in units of x
  double read_noise = 0;     // standard deviation of noise in each reading
  double dead_wires = 0;     // share of coupling wires that carry nothing, 0 to 1
};

/// Errors: kInvalidArgument (bits over kConverterBitsMax or of 1, a share outside 0..1, a negative
/// or infinite spread).
Result<void> check(const Defects& defects);

/// The nearest of 2^bits - 1 evenly spaced levels on [-full, full], 0 among them; `value` itself
/// for 0 bits. Values beyond are held at the ends.
double quantise(double value, double full, unsigned bits) noexcept;

/// The substrate as the machine would be built: each factor element quantised on its matrix's
/// largest magnitude, then scaled by its wire's gain, or 0 if the wire is dead; biases quantised on
/// their module's largest. Which wires are bad follows from draws kBuild of the source: chain =
/// coupling, a machine is one seed. J2, J4 and K stay exact: they are single components that can be
/// trimmed.
/// Errors: as check() of both; the noise source's. The energy may have lost its minimum:
/// Stiffness::of says so.
Result<Substrate> built_with(const Substrate& substrate, const Defects& defects,
                             const NoiseSource& source);

/// The conditioning as the converters would write it, each matrix on its own largest magnitude.
Result<Conditioning> written_with(const Conditioning& conditioning, const Defects& defects);

/// States x [n, units] as read out: gain and offset of each unit (draws kBuild, chain 2^32 - 1),
/// noise of each reading (draws kRead, chain = row), then quantised on the largest magnitude of
/// all. Errors: kInvalidArgument (sizes), the source's.
Result<std::vector<float>> read_with(std::span<const float> x, std::size_t units,
                                     const Defects& defects, const NoiseSource& source);

}  // namespace calx::thermo
