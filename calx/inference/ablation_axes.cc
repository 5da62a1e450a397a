// Axes of the method: controls, couplings, conditionings, interface sizes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "calx/inference/ablation_bench.h"
#include "calx/inference/agreement.h"
#include "calx/inference/dense_pair.h"
#include "calx/inference/substrate_mean.h"
#include "calx/thermo/interface_net.h"
#include "calx/thermo/published_pair.h"

namespace calx::inference {
namespace {

constexpr std::size_t kEncoder = 0, kDecoder = 1;
constexpr const char* kGramName = "Gram, as published";

std::vector<float> repeated(std::span<const double> row, std::size_t n) {
  std::vector<float> rows;
  rows.reserve(n * row.size());
  for (std::size_t i = 0; i < n; ++i) {
    for (const double value : row) rows.push_back(static_cast<float>(value));
  }
  return rows;
}

Result<thermo::Substrate> gram(const AblationBench& bench, bool normalise) {
  return thermo::published_pair(bench.task().encoder_weights, bench.task().decoder_weights,
                                bench.task().units, bench.arms().rank, {.normalise = normalise});
}

// The published pair with its encoder clamped and its decoder held at the fit's mean.
Result<void> add_clamped_gram(AblationBench& bench, std::string value, bool normalise) {
  const DecoderTask& task = bench.task();
  CALX_ASSIGN(pair, gram(bench, normalise));
  CALX_ASSIGN(dense, DensePair::of(pair));
  const std::vector<double> centre = row_mean(task.fit.decoder, task.units);
  const std::vector<float> row(centre.begin(), centre.end());
  const std::vector<float> held = dense.decoder_bias(row);
  pair.modules[kEncoder].clamped = true;
  pair.modules[kDecoder].bias.assign(held.begin(), held.end());
  return bench.add_mean(std::move(value), kGramName, pair, task.test.encoder);
}

Result<void> add_fit(
    AblationBench& bench, std::string value,
    const std::function<Result<thermo::LinearMap>(const thermo::PairStatistics&)>& fit) {
  const Carried& carried = bench.calibrated();
  CALX_ASSIGN(map, fit(carried.pairs));
  CALX_ASSIGN(substrate, thermo::clamped_pair(map, carried.pairs, thermo::Stiffening::kCalibrated,
                                              bench.arms().temperature_kt));
  if (map.rank() > 0) {
    return bench.add_mean(std::move(value), kCalibratedName, substrate, carried.clamps);
  }
  const std::size_t n = bench.task().test_rows();
  return bench.add(std::move(value), kCalibratedName, repeated(map.mean_d, n),
                   "no coupling: the decoder's own mean");
}

Result<std::vector<float>> solved(const AblationBench& bench, const thermo::Substrate& machine,
                                  std::span<const float> encoder, std::span<const float> decoder) {
  std::vector<ModuleBias> biases;
  if (!encoder.empty()) biases.push_back({kEncoder, encoder});
  if (!decoder.empty()) biases.push_back({kDecoder, decoder});
  return substrate_mean(machine, kDecoder, {}, biases, bench.task().test_rows(),
                        bench.arms().threads);
}

Result<thermo::InterfaceNet> trained(const AblationBench& bench, const thermo::NetShape& shape,
                                     std::span<const float> from, std::span<const float> to) {
  CALX_ASSIGN(net, thermo::InterfaceNet::create(shape, bench.source()));
  CALX_TRY(net.fit(from, to,
                   {.steps = bench.arms().interface_steps,
                    .batch = bench.arms().interface_batch,
                    .rate_first = 3e-3,
                    .rate_last = 1e-5,
                    .loss_scale = 100}));
  return std::move(net);
}

}  // namespace

Result<void> ablate_controls(AblationBench& bench) {
  const DecoderTask& task = bench.task();
  const Carried& carried = bench.calibrated();
  const std::size_t n = task.test_rows();
  CALX_TRY(bench.add("constant", "none", repeated(row_mean(task.fit.decoder, task.units), n),
                     "the mean of the fit, whatever the input"));
  CALX_TRY(
      bench.add_mean("the coupling itself", kCalibratedName, carried.substrate, carried.clamps));
  const std::vector<float> folded = carried.map.apply(carried.clamps);
  CALX_TRY(bench.add("folded", "none", folded, "the same map as digital multiply-adds"));
  CALX_ASSIGN(seed, noise::Seed::from_text("calx ablations"));
  CALX_ASSIGN(shuffled, permuted(folded, task.units, seed));
  CALX_TRY(bench.add("shuffled", "none", shuffled, "answers that belong to other pixels"));
  thermo::Substrate flipped = carried.substrate;
  for (double& strength : flipped.couplings.front().strength) strength = -strength;
  CALX_TRY(bench.add_mean("coupling of the other sign", kCalibratedName, flipped, carried.clamps));
  return bench.add_snapshot("the coupling itself", kCalibratedName, carried.substrate,
                            carried.clamps, bench.draws());
}

Result<void> ablate_coupling(AblationBench& bench) {
  const std::size_t rank = bench.arms().rank;
  const auto& skip = bench.task().skip_weights;
  CALX_TRY(add_fit(bench, "none", [](const auto& pairs) -> Result<thermo::LinearMap> {
    return thermo::fit_none(pairs);
  }));
  CALX_TRY(add_clamped_gram(bench, "gram, Frobenius norm", true));
  CALX_TRY(add_clamped_gram(bench, "gram, raw", false));
  CALX_TRY(add_fit(bench, "weights",
                   [&](const auto& pairs) { return thermo::fit_weights(pairs, skip, rank); }));
  CALX_TRY(add_fit(bench, "cca", [&](const auto& pairs) { return thermo::fit_cca(pairs, rank); }));
  CALX_TRY(add_fit(bench, "rrr", [&](const auto& pairs) { return thermo::fit_rrr(pairs, rank); }));
  return add_fit(bench, "full", [](const auto& pairs) { return thermo::fit_full(pairs); });
}

Result<void> ablate_conditioning(AblationBench& bench) {
  const DecoderTask& task = bench.task();
  const std::size_t n = task.test_rows();
  CALX_ASSIGN(pair, gram(bench, true));
  CALX_ASSIGN(dense, DensePair::of(pair));
  const std::vector<double> centre = row_mean(task.fit.decoder, task.units);
  const std::vector<float> held = dense.decoder_bias(repeated(centre, n));
  const std::vector<float> truth = dense.encoder_bias(task.test.encoder);
  const std::vector<float> naive = dense.coupled(task.test.encoder);
  const std::vector<float> nothing(n * task.units);
  const auto book = [&](std::string value, std::span<const float> encoder,
                        std::span<const float> decoder) -> Result<void> {
    CALX_ASSIGN(mean, solved(bench, pair, encoder, decoder));
    return bench.add(std::move(value), kGramName, mean, "M^-1 b");
  };
  CALX_TRY(book("none: no bias at all", {}, nothing));
  CALX_TRY(book("naive: b_dec = J^T x", {}, naive));
  CALX_TRY(book("ideal: b_enc = A x, b_dec = B d_mean", truth, held));
  CALX_ASSIGN(bottleneck, trained(bench, thermo::bottleneck_shape(task.units, false),
                                  task.fit.encoder, dense.encoder_bias(task.fit.encoder)));
  CALX_TRY(book("4-dimensional bottleneck, b_dec = B d_mean", bottleneck.apply(task.test.encoder),
                held));
  CALX_TRY(add_clamped_gram(bench, "clamp, b_dec = B d_mean", true));
  CALX_TRY(bench.add_mean("clamp", kCalibratedName, bench.calibrated().substrate,
                          bench.calibrated().clamps));
  CALX_ASSIGN(joint, thermo::joint_pair(bench.calibrated().map, bench.calibrated().pairs,
                                        bench.arms().temperature_kt));
  joint.modules[kEncoder].clamped = true;
  return bench.add_mean("clamp of a coupling in both directions", "M = kT (joint covariance)^-1",
                        joint, bench.calibrated().clamps);
}

Result<void> ablate_interface(AblationBench& bench) {
  const DecoderTask& task = bench.task();
  CALX_ASSIGN(pair, gram(bench, true));
  CALX_ASSIGN(dense, DensePair::of(pair));
  thermo::Substrate apart = pair;
  apart.couplings.clear();
  const std::vector<float> encoder = dense.encoder_bias(task.fit.encoder);
  const std::vector<float> decoder = dense.decoder_bias(task.fit.decoder);
  constexpr std::array<std::array<std::size_t, 2>, 9> kSizes = {
      {{1, 16}, {2, 16}, {4, 16}, {8, 16}, {16, 16}, {4, 4}, {4, 8}, {4, 32}, {4, 64}}};
  for (const auto& [narrow, hidden] : kSizes) {
    thermo::NetShape first = thermo::bottleneck_shape(task.units, false);
    thermo::NetShape second = thermo::transfer_shape(task.units, false);
    first.hidden = narrow;
    second.hidden = hidden;
    CALX_ASSIGN(bottleneck, trained(bench, first, task.fit.encoder, encoder));
    CALX_ASSIGN(transfer, trained(bench, second, encoder, decoder));
    const std::vector<float> guessed = bottleneck.apply(task.test.encoder);
    const std::vector<float> passed = transfer.apply(guessed);
    const std::string value = fmt::format("bottleneck {}, transfer {}: {} parameters", narrow,
                                          hidden, bottleneck.parameters() + transfer.parameters());
    CALX_ASSIGN(coupled, solved(bench, pair, guessed, passed));
    CALX_TRY(bench.add(value, kGramName, coupled, "M^-1 b"));
    CALX_ASSIGN(alone, solved(bench, apart, guessed, passed));
    CALX_TRY(bench.add(value, "none: folded digital", alone, "B^-1 in the transfer's last layer"));
  }
  return {};
}

}  // namespace calx::inference
