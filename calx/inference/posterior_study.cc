#include "calx/inference/posterior_study.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "calx/diffusion/schedule.h"
#include "calx/inference/agreement.h"
#include "calx/nn/threads.h"
#include "calx/noise/stream.h"
#include "calx/thermo/conditioning.h"
#include "calx/thermo/stiffness.h"

namespace calx::inference {
namespace {

using Eigen::Index;
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double kTemperature = 1;
constexpr std::size_t kSigmasMax = 100, kRowsAtOnce = 64;

Result<std::vector<float>> draw(const PosteriorSettings& settings, const char* name,
                                std::size_t index, std::size_t pictures, std::size_t units) {
  CALX_ASSIGN(stream, noise::Stream::open(settings.seed, name, index));
  std::vector<float> values(pictures * units);
  noise::Region region;
  region.channels = static_cast<std::uint32_t>(pictures);
  region.columns = static_cast<std::uint32_t>(units);
  CALX_TRY(stream.normal(region, values));
  return values;
}

Result<std::vector<float>> posterior_mean(const thermo::Substrate& substrate,
                                          const thermo::Stiffness& stiffness,
                                          const thermo::Conditioning& given, std::size_t rows) {
  CALX_ASSIGN(bias, thermo::effective_bias(substrate, given, rows));
  std::vector<float> mean;
  for (std::size_t i = 0; i < rows; ++i) {
    CALX_ASSIGN(rest,
                stiffness.solve(std::span(bias.values).subspan(i * bias.columns, bias.columns)));
    mean.insert(mean.end(), rest.begin(), rest.end());
  }
  return mean;
}

// The network's own estimate of the clean pictures, held to [-1, 1].
Result<double> network_db(const nn::UNet& network, const diffusion::DigitSet& test,
                          std::span<const float> noisy, double sigma, bool told) {
  const double t = diffusion::time_of(sigma);
  const diffusion::NoiseLevel level = diffusion::noise_level(t);
  const auto alpha = static_cast<float>(level.alpha), s = static_cast<float>(level.sigma);
  const std::size_t units = noisy.size() / test.size();
  std::vector<float> found;
  for (std::size_t first = 0; first < test.size(); first += kRowsAtOnce) {
    const std::size_t rows = std::min(kRowsAtOnce, test.size() - first);
    std::vector<float> input(rows * units), velocity(rows * units);
    const auto part = noisy.subspan(first * units, rows * units);
    std::ranges::transform(part, input.begin(), [alpha](float y) { return alpha * y; });
    const std::vector<float> times(rows, static_cast<float>(t));
    std::vector<std::int32_t> classes(rows, network.config().classes);
    if (told)
      std::copy_n(test.labels.begin() + static_cast<std::ptrdiff_t>(first), rows, classes.begin());
    CALX_TRY(network.forward(input, times, classes, velocity));
    for (std::size_t p = 0; p < input.size(); ++p) {
      found.push_back(std::clamp(diffusion::picture(alpha, s, input[p], velocity[p]), -1.0F, 1.0F));
    }
  }
  return psnr_db(test.pictures, found);
}

Result<void> check(const PosteriorData& data, const nn::UNet* network,
                   const PosteriorSettings& settings) {
  const auto good = [](double sigma) { return sigma > 0 && std::isfinite(sigma); };
  if (settings.sigmas.empty() || settings.sigmas.size() > kSigmasMax ||
      !std::ranges::all_of(settings.sigmas, good) || settings.ranks.empty() ||
      !std::ranges::is_sorted(settings.ranks)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("posterior: {} sigmas and {} ranks, wanted 1 to {} sigmas above 0 and "
                            "rising ranks",
                            settings.sigmas.size(), settings.ranks.size(), kSigmasMax));
  }
  if (data.prior.size() < 2 || data.test.size() < 1) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("posterior: {} pictures for the prior and {} to denoise, wanted 2 and 1",
                    data.prior.size(), data.test.size()));
  }
  if (network != nullptr && network->config().side != diffusion::kDigitSide) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("network of side {}: wanted {}", network->config().side,
                            diffusion::kDigitSide));
  }
  return {};
}

}  // namespace

thermo::Prior truncated(const thermo::Prior& prior, std::size_t rank) {
  const std::size_t k = prior.variance.size(), n = prior.mean.size();
  thermo::Prior out{.mean = prior.mean, .axes = {}, .variance = {}, .floor = prior.floor};
  if (rank == n) return prior;
  double left = prior.floor * static_cast<double>(n - k);
  for (std::size_t j = rank; j < k; ++j) left += prior.variance[j];
  out.floor = left / static_cast<double>(n - rank);
  out.variance.assign(prior.variance.begin(),
                      prior.variance.begin() + static_cast<std::ptrdiff_t>(rank));
  if (rank == 0) return out;
  out.axes = thermo::Matrix(n, rank);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < rank; ++j) out.axes(i, j) = prior.axes(i, j);
  }
  return out;
}

void add_thermal(const thermo::Prior& prior, double sigma, std::span<const float> normals,
                 std::span<float> mean) {
  const auto n = static_cast<Index>(prior.mean.size());
  const auto rows = static_cast<Index>(mean.size()) / n;
  const auto deviation = [sigma](double s) {
    return std::sqrt(s * sigma * sigma / (s + sigma * sigma));
  };
  const Rows xi = Eigen::Map<const FloatRows>(normals.data(), rows, n).cast<double>();
  Rows noise = deviation(prior.floor) * xi;
  const auto k = static_cast<Index>(prior.variance.size());
  if (k > 0) {
    const Eigen::Map<const Rows> axes(prior.axes.values.data(), n, k);
    Rows along = xi * axes;
    for (Index j = 0; j < k; ++j) {
      along.col(j) *=
          deviation(prior.variance[static_cast<std::size_t>(j)]) - deviation(prior.floor);
    }
    noise += along * axes.transpose();
  }
  Eigen::Map<FloatRows>(mean.data(), rows, n) += noise.cast<float>();
}

Result<std::vector<PosteriorRow>> study_posterior(const PosteriorData& data,
                                                  const nn::UNet* network,
                                                  const PosteriorSettings& settings, int threads,
                                                  const Observer& observer,
                                                  const std::stop_token& stop) {
  CALX_TRY(check(data, network, settings));
  nn::set_threads(threads);
  const diffusion::DigitSet& test = data.test;
  const std::size_t units = test.pictures.size() / test.size();
  const std::size_t cells = settings.sigmas.size() * settings.ranks.size();
  if (observer) observer({fmt::format("prior of {}", data.name), 0, cells});
  CALX_ASSIGN(prior, thermo::fit_prior(data.prior.pictures, units, settings.ranks.back(),
                                       settings.variance_floor));
  std::vector<PosteriorRow> rows;
  for (std::size_t s = 0; s < settings.sigmas.size(); ++s) {
    PosteriorRow row{.sigma = settings.sigmas[s], .cells = {}, .network_db = {}, .told_db = {}};
    CALX_ASSIGN(noisy, draw(settings, "posterior/noise", s, test.size(), units));
    CALX_ASSIGN(thermal, draw(settings, "posterior/thermal", s, test.size(), units));
    for (std::size_t i = 0; i < noisy.size(); ++i) {
      noisy[i] = test.pictures[i] + static_cast<float>(row.sigma) * noisy[i];
    }
    row.noisy_db = psnr_db(test.pictures, noisy);
    for (const std::size_t rank : settings.ranks) {
      if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the study was stopped");
      if (observer) {
        observer({fmt::format("posterior of {}", data.name),
                  s * settings.ranks.size() + row.cells.size(), cells});
      }
      const thermo::Prior part = truncated(prior, rank);
      CALX_ASSIGN(substrate, thermo::posterior_substrate(part, row.sigma, kTemperature));
      CALX_ASSIGN(stiffness, thermo::Stiffness::of(substrate));
      CALX_ASSIGN(given, thermo::posterior_bias(part, noisy, row.sigma, kTemperature));
      CALX_ASSIGN(mean, posterior_mean(substrate, stiffness, given, test.size()));
      PosteriorCell cell;
      const thermo::Spectrum spectrum = stiffness.spectrum();
      cell.condition = spectrum.largest / spectrum.least;
      cell.mean_db = psnr_db(test.pictures, mean);
      add_thermal(part, row.sigma, thermal, mean);
      cell.sample_db = psnr_db(test.pictures, mean);
      row.cells.push_back(cell);
    }
    if (network != nullptr) {
      CALX_ASSIGN(blind, network_db(*network, test, noisy, row.sigma, false));
      CALX_ASSIGN(told, network_db(*network, test, noisy, row.sigma, true));
      row.network_db = blind;
      row.told_db = told;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Report posterior_report(std::span<const PosteriorPart> parts, const PosteriorSettings& settings,
                        std::vector<std::pair<std::string, std::string>> facts) {
  Report report;
  report.name = "posterior";
  report.title = "Denoising by a substrate alone";
  report.summary =
      "A Gaussian prior of rank k wired into a substrate, the noisy picture as its only bias "
      "(kT y / sigma^2): how clean is its mean, and one thermal sample, beside the shipped network "
      "at the same noise?";
  report.facts = std::move(facts);
  double least = 0, largest = 0;
  bool first = true;
  for (const PosteriorPart& part : parts) {
    Table table;
    table.title = part.data->name;
    table.note = fmt::format(
        "PSNR in dB of all pixels together (peak 2): posterior mean / one thermal sample, an exact "
        "draw at kT = 1. Prior from {} pictures ({}), {} others denoised. cond: of M. The network "
        "{} pictures of this kind; \"told\" also reads the class.",
        part.data->prior.size(), part.data->prior.source, part.data->test.size(),
        part.data->network_knows ? "learnt from" : "never saw");
    table.columns = {"sigma", "noisy"};
    for (const std::size_t rank : settings.ranks)
      table.columns.push_back(fmt::format("k = {}", rank));
    for (const std::size_t rank : settings.ranks) {
      table.columns.push_back(fmt::format("cond at {}", rank));
    }
    table.columns.insert(table.columns.end(), {"network", "network, told"});
    for (const PosteriorRow& row : part.rows) {
      std::vector<std::string> line = {fmt::format("{:.1f}", row.sigma),
                                       fmt::format("{:.2f}", row.noisy_db)};
      for (const PosteriorCell& cell : row.cells) {
        line.push_back(fmt::format("{:.2f} / {:.2f}", cell.mean_db, cell.sample_db));
        const double cost = cell.mean_db - cell.sample_db;
        least = first ? cost : std::min(least, cost);
        largest = first ? cost : std::max(largest, cost);
        first = false;
      }
      for (const PosteriorCell& cell : row.cells) {
        line.push_back(fmt::format("{:.3g}", cell.condition));
      }
      line.push_back(row.network_db ? fmt::format("{:.2f}", *row.network_db) : "-");
      line.push_back(row.told_db ? fmt::format("{:.2f}", *row.told_db) : "-");
      table.rows.push_back(std::move(line));
    }
    report.tables.push_back(std::move(table));
  }
  report.answers.push_back(
      {Verdict::kNotJudged,
       fmt::format("One thermal sample costs {:.2f} to {:.2f} dB against the mean; 3.01 dB in "
                   "expectation where the prior is the truth.",
                   least, largest)});
  return report;
}

}  // namespace calx::inference
