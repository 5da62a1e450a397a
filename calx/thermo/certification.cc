#include "calx/thermo/certification.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <memory>

#include "calx/thermo/faulty_noise.h"

namespace calx::thermo {
namespace {

constexpr std::array kTwins = {Twin::kNone, Twin::kHeat, Twin::kDropped, Twin::kBiased,
                               Twin::kFlipped};
constexpr std::array<std::string_view, kTwins.size()> kWords = {"none", "heat", "dropped", "biased",
                                                                "flipped"};
constexpr double kTooHot = 1.05;

Result<std::shared_ptr<const NoiseSource>> source_of(const CertificationRequest& request,
                                                     std::size_t units) {
  std::shared_ptr<const NoiseSource> source;
  if (request.noise == "philox") {
    source = philox_noise(request.seed);
  } else if (request.noise == "calx-noise-1") {
    source = stream_noise(request.seed);
  } else if (request.noise == "sha256d") {
    CALX_ASSIGN(made, sha256d_noise(request.seed.to_string().substr(0, kNoisePrefixBytesMax),
                                    request.chains, static_cast<std::uint32_t>(units)));
    source = made;
  } else if (request.noise == "log") {
    CALX_ASSIGN(made, log_noise(request.log, request.chains, static_cast<std::uint32_t>(units)));
    source = made;
  } else {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("noise \"{}\": wanted philox, calx-noise-1, sha256d or log", request.noise));
  }
  if (request.twin == Twin::kDropped) {
    source = std::make_shared<FaultyNoise>(source, NoiseFault::kDropped);
  } else if (request.twin == Twin::kBiased) {
    source = std::make_shared<FaultyNoise>(source, NoiseFault::kBiased);
  }
  return source;
}

Result<std::vector<double>> rest_of(const Substrate& substrate) {
  CALX_ASSIGN(stiffness, Stiffness::of(substrate));
  CALX_ASSIGN(bias, effective_bias(substrate, {}, 1));
  return stiffness.solve(bias.values);
}

Result<void> judge(const CertificationRequest& request, const Sampler<float>& sampler,
                   Certification& done) {
  VirialMeter virial(sampler.units());
  CALX_TRY(virial.add(sampler));
  const auto independent = static_cast<double>(request.chains);
  done.virial = virial.figures(request.temperature_kt, independent);
  done.certificate = virial.judge(request.temperature_kt, independent);
  if (done.assessment.quartic) return {};
  const bool walk = request.scheme == Scheme::kLatticeWalk;
  done.law = request.own_law.value_or(walk) ? "scheme" : "equilibrium";
  CALX_ASSIGN(stiffness, dense_stiffness(request.substrate));
  Dynamics claimed = done.dynamics;
  claimed.temperature_kt = request.temperature_kt;
  CALX_ASSIGN(covariance, done.law == "scheme"
                              ? stationary_covariance(request.scheme, stiffness, claimed)
                              : equilibrium_covariance(stiffness, request.temperature_kt));
  CALX_ASSIGN(mean, rest_of(request.substrate));
  CALX_ASSIGN(gaussian, GaussianJudge::create(mean, covariance));
  for (std::size_t c = 0; c < request.chains; ++c) {
    gaussian.add(sampler.state().subspan(c * sampler.units(), sampler.units()));
  }
  done.figures = gaussian.figures(independent);
  done.certificate += gaussian.judge(independent, !walk);
  return {};
}

}  // namespace

std::string_view to_string(Twin twin) noexcept { return kWords[static_cast<std::size_t>(twin)]; }

std::span<const Twin> twins() noexcept { return kTwins; }

Result<Twin> parse_twin(std::string_view word) {
  for (const Twin twin : kTwins) {
    if (to_string(twin) == word) return twin;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("fault \"{}\": wanted one of {}", word, fmt::join(kWords, ", ")));
}

Result<Certification> certify(const CertificationRequest& request) {
  if (!(request.step_share > 0) || !std::isfinite(request.step_share)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("certify: a step of {} / (mu lambda_max), wanted a finite number above "
                            "0",
                            request.step_share));
  }
  Certification done;
  done.dynamics.temperature_kt = request.temperature_kt;
  CALX_ASSIGN(assessment, validate(request.substrate, done.dynamics));
  done.assessment = assessment;
  if (!assessment.positive_definite) {
    return fail(ErrorCode::kInvalidArgument,
                "certify: the quadratic part of the energy has no minimum, so there is no slowest "
                "relaxation time to wait for");
  }
  const Relaxation tau = assessment.relaxation;
  done.dynamics.step = request.step_share * tau.tau_fast;
  done.steps =
      static_cast<std::uint64_t>(std::ceil(kBurnInTauMin * tau.tau_slow / done.dynamics.step));
  done.label = label(request.scheme, done.dynamics, assessment.spectrum);
  CALX_ASSIGN(source, source_of(request, assessment.free_units));
  Substrate run = request.substrate;
  if (request.twin == Twin::kHeat) done.dynamics.temperature_kt *= kTooHot;
  if (request.twin == Twin::kFlipped) {
    for (Coupling& coupling : run.couplings) {
      coupling.strength.resize(coupling.rank(), 1.0);
      for (double& strength : coupling.strength) strength = -strength;
    }
  }
  CALX_ASSIGN(sampler, Sampler<float>::create(run, {},
                                              {.scheme = request.scheme,
                                               .dynamics = done.dynamics,
                                               .chains = request.chains,
                                               .threads = request.threads},
                                              source));
  CALX_TRY(sampler.advance(done.steps));
  done.noise = request.noise;
  done.origin = request.twin == Twin::kNone ? sampler.origin() : Origin::kModelled;
  done.sha256d_calls = sampler.noise().sha256d_calls();
  done.tally = sampler.tally();
  CALX_TRY(judge(request, sampler, done));
  return done;
}

std::string describe(const Certification& c) {
  std::string text = describe(c.assessment);
  text += fmt::format(
      "run               {} steps of {:.6g}, {:.0f} slowest relaxation times, {}\n"
      "noise             {}, origin {}, {} SHA-256d calls\n"
      "temperature       {:.5g} +- {:.2g}, wanted {:.5g}\n",
      c.steps, c.dynamics.step,
      static_cast<double>(c.steps) * c.dynamics.step / c.assessment.relaxation.tau_slow, c.label,
      c.noise, to_string(c.origin), c.sha256d_calls, c.virial.temperature_kt,
      c.virial.temperature_error, c.virial.wanted_kt);
  if (c.tally.clipped > 0 || c.tally.proposed > 0) {
    text += fmt::format("moves             {} clipped of {}; {} of {} proposals accepted\n",
                        c.tally.clipped, c.tally.unit_steps, c.tally.accepted, c.tally.proposed);
  }
  if (!c.law.empty()) {
    text += fmt::format("variances         {:.4f} of those of the {} law, {:.1f} sigma\n",
                        c.figures.trace_ratio, c.law, c.figures.trace_sigmas);
  }
  return text + "\n" + describe(c.certificate);
}

}  // namespace calx::thermo
