#include "calx/inference/stage_arms.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "calx/base/assert.h"
#include "calx/inference/agreement.h"
#include "calx/inference/substrate_mean.h"
#include "calx/noise/stream.h"

namespace calx::inference {
namespace {

constexpr std::size_t kDecoder = 1;  // module of thermo::clamped_pair

std::vector<float> repeated(std::span<const double> row, std::size_t n) {
  std::vector<float> rows;
  rows.reserve(n * row.size());
  for (std::size_t i = 0; i < n; ++i) {
    for (const double value : row) rows.push_back(static_cast<float>(value));
  }
  return rows;
}

Result<Carried> carry(
    const DecoderTask& task, Port port, double temperature_kt,
    const std::function<Result<thermo::LinearMap>(const thermo::PairStatistics&)>& fit) {
  const std::size_t inputs = task.units * (port == Port::kSkip        ? 1
                                           : port == Port::kUpsampled ? 2
                                                                      : 3);
  CALX_ASSIGN(pairs, thermo::pair_statistics(inputs_of(task.fit, task.units, port), inputs,
                                             task.fit.decoder, task.units));
  CALX_ASSIGN(map, fit(pairs));
  CALX_ASSIGN(substrate,
              thermo::clamped_pair(map, pairs, thermo::Stiffening::kCalibrated, temperature_kt));
  const std::uint64_t wires = thermo::wiring(substrate).coupling_wires;
  return Carried{std::move(pairs), std::move(map), std::move(substrate),
                 inputs_of(task.test, task.units, port), wires};
}

Result<std::vector<float>> mean_of(const Carried& carried, std::size_t n, unsigned threads) {
  return substrate_mean(carried.substrate, kDecoder, carried.clamps, {}, n, threads);
}

}  // namespace

std::vector<float> inputs_of(const nn::BlockActivations& blocks, std::size_t units, Port port) {
  if (port == Port::kSkip) return blocks.encoder;
  if (port == Port::kUpsampled) return blocks.upsampled;
  const std::size_t n = blocks.encoder.size() / units;
  std::vector<float> rows;
  rows.reserve(n * 3 * units);
  for (std::size_t i = 0; i < n; ++i) {
    const auto skip = std::span(blocks.encoder).subspan(i * units, units);
    const auto up = std::span(blocks.upsampled).subspan(2 * i * units, 2 * units);
    rows.insert(rows.end(), skip.begin(), skip.end());
    rows.insert(rows.end(), up.begin(), up.end());
  }
  return rows;
}

Result<void> ArmBook::book(StageRow row, std::span<const float> answers) {
  CALX_ASSIGN(figures, judge(task_, answers));
  row.figures = figures;
  if (keeper_) keeper_(row.key, answers);
  rows_.push_back(std::move(row));
  return {};
}

Result<void> book_controls(ArmBook& book) {
  const DecoderTask& task = book.task();
  CALX_TRY(book.book({.key = "digital"}, task.test.decoder));
  CALX_TRY(book.book({.key = "constant"},
                     repeated(row_mean(task.fit.decoder, task.units), task.test_rows())));
  return {};
}

Result<Carried> carry_rrr(const DecoderTask& task, Port port, std::size_t rank,
                          double temperature_kt) {
  return carry(task, port, temperature_kt, [rank](const thermo::PairStatistics& pairs) {
    return thermo::fit_rrr(pairs, rank);
  });
}

Result<double> book_couplings(ArmBook& book, const ArmSettings& settings, const noise::Seed& seed) {
  const DecoderTask& task = book.task();
  const std::size_t n = task.test_rows();
  const double kt = settings.temperature_kt;
  const auto weights = [&](const thermo::PairStatistics& pairs) {
    return thermo::fit_weights(pairs, task.skip_weights, settings.rank);
  };
  const auto cca = [&](const thermo::PairStatistics& pairs) {
    return thermo::fit_cca(pairs, settings.rank);
  };
  CALX_ASSIGN(by_weights, carry(task, Port::kSkip, kt, weights));
  CALX_ASSIGN(by_weights_mean, mean_of(by_weights, n, settings.threads));
  CALX_TRY(book.book({.key = fmt::format("weights-{}", settings.rank), .wires = by_weights.wires},
                     by_weights_mean));
  CALX_ASSIGN(by_cca, carry(task, Port::kSkip, kt, cca));
  CALX_ASSIGN(by_cca_mean, mean_of(by_cca, n, settings.threads));
  CALX_TRY(
      book.book({.key = fmt::format("cca-{}", settings.rank), .wires = by_cca.wires}, by_cca_mean));
  double difference = 0;
  for (const std::size_t rank : settings.ranks) {
    CALX_ASSIGN(carried, carry_rrr(task, Port::kSkip, rank, kt));
    CALX_ASSIGN(mean, mean_of(carried, n, settings.threads));
    CALX_TRY(book.book({.key = fmt::format("rrr-{}", rank), .wires = carried.wires}, mean));
    if (rank != settings.rank) continue;
    const std::vector<float> folded = carried.map.apply(carried.clamps);
    difference = largest_difference(mean, folded);
    CALX_TRY(book.book({.key = fmt::format("rrr-{}-folded", rank)}, folded));
    CALX_ASSIGN(shuffled, permuted(mean, task.units, seed));
    CALX_TRY(
        book.book({.key = fmt::format("rrr-{}-shuffled", rank), .wires = carried.wires}, shuffled));
  }
  for (const auto& [port, name] :
       {std::pair{Port::kBoth, "both"}, std::pair{Port::kUpsampled, "upsampled"}}) {
    CALX_ASSIGN(carried, carry_rrr(task, port, settings.rank, kt));
    CALX_ASSIGN(mean, mean_of(carried, n, settings.threads));
    CALX_TRY(book.book({.key = fmt::format("{}-{}", name, settings.rank), .wires = carried.wires},
                       mean));
  }
  if (difference <= kFoldedDifferenceMax) return difference;
  return fail(ErrorCode::kInternal,
              fmt::format("the substrate's mean and the same digital map differ by {:.3g} of the "
                          "activations' size, wanted at most {}",
                          difference, kFoldedDifferenceMax));
}

Result<std::vector<NamedCertificate>> book_snapshots(
    ArmBook& book, const ArmSettings& settings,
    const std::shared_ptr<const thermo::NoiseSource>& source) {
  const DecoderTask& task = book.task();
  const std::size_t n = task.test_rows();
  std::vector<NamedCertificate> certificates;
  SnapshotRequest request{
      .temperature_kt = settings.temperature_kt, .source = source, .threads = settings.threads};
  const auto run = [&](const Carried& carried, const std::string& name) -> Result<void> {
    CALX_ASSIGN(done, run_snapshots(carried.substrate, carried.clamps, n, request));
    for (std::size_t i = 0; i < request.counts.size(); ++i) {
      CALX_TRY(book.book({.key = fmt::format("{}-{}", name, request.counts[i]),
                          .wires = carried.wires,
                          .manner = done.manner},
                         done.means[i]));
    }
    certificates.push_back({name, done.manner, done.figures, done.certificate});
    return {};
  };
  CALX_ASSIGN(carried, carry_rrr(task, Port::kSkip, settings.rank, settings.temperature_kt));
  request.counts = settings.counts;
  CALX_TRY(run(carried, fmt::format("rrr-{}-draws", settings.rank)));
  request.counts = {1};
  CALX_ASSIGN(low, carry_rrr(task, Port::kSkip, settings.low_rank, settings.temperature_kt));
  CALX_TRY(run(low, fmt::format("rrr-{}-draws", settings.low_rank)));
  CALX_ASSIGN(both, carry_rrr(task, Port::kBoth, settings.rank, settings.temperature_kt));
  CALX_TRY(run(both, fmt::format("both-{}-draws", settings.rank)));
  // The same noise power as the calibrated stiffness has, spread evenly over the units.
  CALX_ASSIGN(uniform, uniform_pair(carried, settings.temperature_kt));
  carried.substrate = std::move(uniform);
  request.scheme = thermo::Scheme::kLeimkuhlerMatthews;
  request.step_share = kTrajectoryStepShare;
  request.counts.clear();
  std::ranges::copy_if(settings.counts, std::back_inserter(request.counts),
                       [](std::uint32_t count) { return count <= kTrajectoryReadsMax; });
  CALX_TRY(run(carried, fmt::format("rrr-{}-uniform", settings.rank)));
  return certificates;
}

Result<thermo::Substrate> uniform_pair(const Carried& carried, double temperature_kt) {
  const thermo::Matrix c = thermo::residual_covariance(carried.pairs, carried.map);
  double trace = 0;
  for (std::size_t i = 0; i < c.rows; ++i) trace += c(i, i);
  return thermo::clamped_pair(carried.map, carried.pairs, thermo::Stiffening::kUniform,
                              temperature_kt, temperature_kt * static_cast<double>(c.rows) / trace);
}

Result<std::vector<float>> permuted(std::span<const float> rows, std::size_t units,
                                    const noise::Seed& seed) {
  const std::size_t n = rows.size() / units;
  CALX_ASSERT(n > 0 && rows.size() == n * units && n <= noise::kElementsMax);
  std::vector<std::uint32_t> words(n);
  CALX_ASSIGN(stream, noise::Stream::open(seed, "thermo/shuffle", 0));
  CALX_TRY(stream.bits({.columns = static_cast<std::uint32_t>(n)}, words));
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = n - 1; i > 0; --i) {
    std::swap(order[i], order[std::uint64_t{words[i]} * (i + 1) >> 32]);
  }
  std::vector<float> result(rows.size());
  for (std::size_t i = 0; i < n; ++i) {
    std::ranges::copy(rows.subspan(order[i] * units, units),
                      result.begin() + static_cast<std::ptrdiff_t>(i * units));
  }
  return result;
}

}  // namespace calx::inference
