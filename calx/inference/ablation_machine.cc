// Axes of the machine: heat, quartic terms, bits, mismatch, dead wires, noise, steps and time.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "calx/hash/software_engine.h"
#include "calx/inference/ablation_bench.h"
#include "calx/inference/substrate_mean.h"
#include "calx/thermo/defects.h"
#include "calx/thermo/sha256d_noise.h"
#include "calx/thermo/stiffness.h"

namespace calx::inference {
namespace {

constexpr std::size_t kDecoder = 1;
// 2 J2 of the published code, whose kT is 1.
constexpr double kPublishedStiffness = 0.2;

struct Held {
  const char* name;
  const thermo::Substrate* machine;
};

std::array<Held, 2> both(const AblationBench& bench) {
  return {{{kCalibratedName, &bench.calibrated().substrate}, {kUniformName, &bench.uniform()}}};
}

Result<std::vector<float>> written(const Carried& carried, const thermo::Defects& defects) {
  const std::size_t units = carried.map.mean_x.size();
  const std::vector<double> exact(carried.clamps.begin(), carried.clamps.end());
  CALX_ASSIGN(
      conditioning,
      thermo::written_with(
          {.clamps = thermo::Matrix(exact.size() / units, units, exact), .bias = {}}, defects));
  std::vector<float> clamps(exact.size());
  std::ranges::transform(conditioning.clamps.values, clamps.begin(),
                         [](double value) { return static_cast<float>(value); });
  return clamps;
}

// The mean that the machine gives when it is built and written with those defects.
Result<void> add_defects(AblationBench& bench, const std::string& value,
                         const thermo::Defects& defects) {
  const Carried& carried = bench.calibrated();
  CALX_ASSIGN(clamps, written(carried, defects));
  for (const Held& held : both(bench)) {
    CALX_ASSIGN(built, thermo::built_with(*held.machine, defects, *bench.source()));
    if (defects.read_bits == 0) {
      CALX_TRY(bench.add_mean(value, held.name, built, clamps));
      continue;
    }
    CALX_ASSIGN(mean, substrate_mean(built, kDecoder, clamps, {}, bench.task().test_rows(),
                                     bench.arms().threads));
    CALX_ASSIGN(read, thermo::read_with(mean, bench.task().units, defects, *bench.source()));
    CALX_TRY(bench.add(value, held.name, read, "M^-1 b, read out"));
    break;  // the mean is the same under both stiffnesses
  }
  return {};
}

std::string percent(double share) { return fmt::format("{:g} %", 100 * share); }

}  // namespace

Result<void> ablate_temperature(AblationBench& bench) {
  const Carried& carried = bench.calibrated();
  CALX_ASSIGN(published,
              thermo::clamped_pair(carried.map, carried.pairs, thermo::Stiffening::kUniform,
                                   bench.arms().temperature_kt, kPublishedStiffness));
  for (const double kt : {1e-4, 1e-3, 1e-2, 1e-1, 1.0}) {
    SnapshotRequest request = bench.draws();
    request.temperature_kt = kt;
    const std::string value = fmt::format("kT = {:g}", kt);
    CALX_TRY(bench.add_snapshot(value, "B = C^-1, built for kT = 1", carried.substrate,
                                carried.clamps, request));
    request = bench.trajectory();
    request.temperature_kt = kt;
    CALX_TRY(bench.add_snapshot(value, "B = 0.2 I, as published (2 J2)", published, carried.clamps,
                                request));
  }
  return {};
}

Result<void> ablate_quartic(AblationBench& bench) {
  for (const double quartic : {0.0, 1e-4, 1e-3, 1e-2, 0.05, 0.1}) {
    thermo::Substrate machine = bench.uniform();
    if (quartic > 0) machine.modules[kDecoder].quartic = {quartic};
    CALX_TRY(bench.add_snapshot(fmt::format("J4 = {:g}", quartic), kUniformName, machine,
                                bench.calibrated().clamps, bench.trajectory()));
  }
  return {};
}

Result<void> ablate_bits(AblationBench& bench) {
  for (const unsigned bits : {4U, 6U, 8U, 10U, 12U}) {
    CALX_TRY(
        add_defects(bench, fmt::format("{} bits of clamps and biases", bits), {.bias_bits = bits}));
    CALX_TRY(add_defects(bench, fmt::format("{} bits of P and Q", bits), {.factor_bits = bits}));
    CALX_TRY(add_defects(bench, fmt::format("{} bits of the read-out", bits), {.read_bits = bits}));
  }
  return {};
}

Result<void> ablate_mismatch(AblationBench& bench) {
  for (const double spread : {0.0, 0.01, 0.02, 0.05, 0.1}) {
    CALX_TRY(add_defects(bench, percent(spread) + " of gain", {.mismatch = spread}));
  }
  return {};
}

Result<void> ablate_dead_wires(AblationBench& bench) {
  for (const double share : {0.0, 0.005, 0.01, 0.02, 0.05}) {
    CALX_TRY(add_defects(bench, percent(share) + " dead", {.dead_wires = share}));
  }
  return {};
}

Result<void> ablate_noise(AblationBench& bench) {
  const std::size_t chains = bench.task().test_rows(), units = bench.task().units;
  const auto& clamps = bench.calibrated().clamps;
  CALX_ASSIGN(seed, noise::Seed::from_text("calx ablations"));
  for (const auto& source : {thermo::philox_noise(seed), thermo::stream_noise(seed)}) {
    SnapshotRequest request = bench.draws();
    request.source = source;
    const std::string name(source->name());
    CALX_TRY(
        bench.add_snapshot(name, kCalibratedName, bench.calibrated().substrate, clamps, request));
    request = bench.trajectory();
    request.source = source;
    CALX_TRY(bench.add_snapshot(name, kUniformName, bench.uniform(), clamps, request));
    request.scheme = thermo::Scheme::kLatticeWalk;
    CALX_TRY(bench.add_snapshot(name, kUniformName, bench.uniform(), clamps, request));
  }
  const std::string prefix = "calx ablations";
  SnapshotRequest walk = bench.trajectory();
  walk.scheme = thermo::Scheme::kLatticeWalk;
  CALX_ASSIGN(hashed, thermo::sha256d_noise(prefix, static_cast<std::uint32_t>(chains),
                                            static_cast<std::uint32_t>(units)));
  walk.source = hashed;
  CALX_TRY(bench.add_snapshot("sha256d", kUniformName, bench.uniform(), clamps, walk));
  const auto steps = static_cast<std::uint64_t>(std::ceil(walk.burn_in_tau / walk.step_share));
  hash::SoftwareDigestEngine engine;
  CALX_ASSIGN(log,
              thermo::record_sha256d(engine, prefix,
                                     (steps + 1) * (chains * units / thermo::kDrawsPerDigest + 1)));
  CALX_ASSIGN(replayed, thermo::log_noise(std::move(log), static_cast<std::uint32_t>(chains),
                                          static_cast<std::uint32_t>(units)));
  walk.source = replayed;
  return bench.add_snapshot("a log of a software engine", kUniformName, bench.uniform(), clamps,
                            walk);
}

Result<void> ablate_integrator(AblationBench& bench) {
  for (const thermo::Scheme scheme : thermo::schemes()) {
    SnapshotRequest request = bench.trajectory();
    request.scheme = scheme;
    // Beyond a tenth of tau_fast an exact step would be a draw and no path.
    if (scheme == thermo::Scheme::kExactOu) request.step_share = 0.9 * thermo::kResolvedStepMax;
    CALX_TRY(bench.add_snapshot(std::string(to_string(scheme)), kUniformName, bench.uniform(),
                                bench.calibrated().clamps, request));
  }
  return {};
}

Result<void> ablate_relaxation(AblationBench& bench) {
  CALX_ASSIGN(stiffness, thermo::Stiffness::of(bench.calibrated().substrate));
  const thermo::Spectrum spectrum = stiffness.spectrum();
  for (const double tau : {0.5, 1.0, 2.0, 3.0, 5.0, 10.0}) {
    const std::string value = fmt::format("{:g} tau_slow", tau);
    SnapshotRequest request = bench.trajectory();
    request.burn_in_tau = tau;
    CALX_TRY(bench.add_snapshot(value, kUniformName, bench.uniform(), bench.calibrated().clamps,
                                request));
    request = bench.draws();
    request.burn_in_tau = tau;
    request.step_share = tau * spectrum.largest / spectrum.least;  // one exact step
    CALX_TRY(bench.add_snapshot(value, kCalibratedName, bench.calibrated().substrate,
                                bench.calibrated().clamps, request));
  }
  return {};
}

}  // namespace calx::inference
