// A whole certified run: assess a substrate, run it, judge what it sampled. With a fault put in,
// the same run must fail by name; a certificate that never fails certifies nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/noise/seed.h"
#include "calx/thermo/certificate.h"
#include "calx/thermo/gaussian_judge.h"
#include "calx/thermo/sampler.h"
#include "calx/thermo/sha256d_noise.h"
#include "calx/thermo/validate.h"
#include "calx/thermo/virial.h"

namespace calx::thermo {

/// What is wrong with the run; the law that it is held against stays that of the substrate.
enum class Twin : std::uint8_t {
  kNone,
  kHeat,     // 5 % too much temperature
  kDropped,  // every sixteenth unit gets no noise
  kBiased,   // words of noise lean upwards by 1/64 of their range
  kFlipped,  // the couplings have the other sign
};
/// "none", "heat", "dropped", "biased", "flipped".
std::string_view to_string(Twin twin) noexcept;
Result<Twin> parse_twin(std::string_view word);
std::span<const Twin> twins() noexcept;

struct CertificationRequest {
  Substrate substrate;  // nothing clamped
  Scheme scheme = Scheme::kLeimkuhlerMatthews;
  std::string noise =
      "philox";       // "philox", "calx-noise-1", or for the lattice walk "sha256d", "log"
  NoiseLog log = {};  // what "log" reads
  noise::Seed seed;
  double step_share = 0.4;  // a = h mu lambda_max; the exact scheme takes any
  double temperature_kt = 1;
  std::uint32_t chains = 4000;  // one snapshot each, so all samples are independent
  unsigned threads = 1;
  Twin twin = Twin::kNone;
  /// Hold the run against its scheme's own law at this step, not against kT M^-1. None: the lattice
  /// walk against its own, all others against kT M^-1.
  std::optional<bool> own_law = {};
};

struct Certification {
  Assessment assessment;
  Dynamics dynamics;
  std::uint64_t steps = 0;  // kBurnInTauMin slowest relaxation times from a cold start
  std::string_view label;   // "trajectory" or "exact draws"
  std::string_view law;     // "equilibrium" or "scheme"
  std::string noise;
  Origin origin = Origin::kModelled;  // of the noise; modelled when a fault was put in
  std::uint64_t sha256d_calls = 0;
  Tally tally;
  GaussianFigures figures;  // all 0 with quartic terms: then there is no closed law
  VirialFigures virial;
  Certificate certificate;
};

/// Errors: those of validate(), Sampler::create and its noise; kInvalidArgument (an unknown noise,
/// a step_share not above 0, a quadratic part without a minimum, units over kExactUnitsMax).
Result<Certification> certify(const CertificationRequest& request);

/// The run and its certificate in lines of text.
std::string describe(const Certification& certification);

}  // namespace calx::thermo
