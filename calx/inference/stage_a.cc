#include "calx/inference/stage_a.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "calx/inference/dense_pair.h"
#include "calx/inference/draw_spread.h"
#include "calx/inference/mean_activations.h"
#include "calx/inference/published_arms.h"
#include "calx/inference/reference_table.h"
#include "calx/nn/threads.h"
#include "calx/nn/torch_noise.h"
#include "calx/thermo/noise_source.h"

namespace calx::inference {
namespace {

constexpr double kCosineTolerance = 0.002;  // of the reference, for another generator
constexpr double kOwnShare = 0.05;          // ours, of quantities without a stated tolerance
constexpr double kBoltzmannJ = 1.380649e-23, kRoomK = 300;
constexpr double kPublishedSteps = 400;  // Euler-Maruyama at h = 0.1, relaxing to 1e-3
constexpr double kPublishedGpuJ = 0.008;
constexpr double kSnapshotCounts[] = {1, 10, 100, 1000, 10'000};

struct SnapshotRow {
  double kt;
  double reference[5];
};
constexpr SnapshotRow kSnapshots[] = {{1, {.191, .503, .877, .986, .9985}},
                                      {0.01, {.877, .986, .9986, .9999, 1.0000}},
                                      {1e-4, {.9985, .9999, 1.0000, 1.0000, 1.0000}}};

struct ShiftReference {
  std::size_t rank;
  const char* untrained;
  const char* paper;
};
constexpr ShiftReference kShifts[] = {
    {2, "21.3", "32.1"}, {4, "12.5", "21.1"}, {8, "8.8", "15.0"}, {16, "7.46", "12.74"},
    {32, "9.0", "12.6"}, {48, "9.0", "-"},    {64, "9.0", "-"}};

// All that the rows are computed from.
struct Set {
  const StageASettings& settings;
  GramSource gram;
  ChannelPairs fit, test;
};

Result<void> check(const StageASettings& s) {
  CALX_TRY(nn::check(s.network));
  const auto width = static_cast<std::size_t>(s.network.width);
  if (s.units == 0 || s.units > width || s.fit < 2 || s.test < 2 ||
      s.fit + s.test > static_cast<std::size_t>(nn::kPublishedBatchMax)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("stage A: {} units of {} channels, {} fit and {} test inputs; wanted "
                            "units up to the channels, 2 of both and up to {} inputs",
                            s.units, width, s.fit, s.test, nn::kPublishedBatchMax));
  }
  const auto bad = std::ranges::find_if(s.ranks, [&](auto k) { return k == 0 || k > s.units; });
  if (s.rank != 0 && s.rank <= s.units && bad == s.ranks.end()) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("stage A: rank {}, wanted 1 to the {} units",
                          bad == s.ranks.end() ? s.rank : *bad, s.units));
}

Result<std::vector<float>> inputs(const StageASettings& settings) {
  const auto& shape = settings.network;
  const std::size_t count = settings.fit + settings.test;
  if (!settings.torch) return white_images(settings.seed, 0, count, shape);
  std::vector<float> images(count * static_cast<std::size_t>(shape.channels) *
                            static_cast<std::size_t>(shape.side * shape.side));
  CALX_TRY(nn::torch_normal(settings.torch->inputs, images));
  return images;
}

Result<Set> prepare(const StageASettings& settings, const StageRun& run, const Observer& observer,
                    const std::stop_token& stop) {
  const auto& [shape, torch] = std::tie(settings.network, settings.torch);
  CALX_ASSIGN(network, torch ? nn::PublishedUNet::create_as_torch(shape, torch->weights)
                             : nn::PublishedUNet::create(shape, settings.seed));
  CALX_ASSIGN(images, inputs(settings));
  CALX_ASSIGN(pairs, mean_activations(network, images, settings.units, run.work, observer, stop));
  CALX_ASSIGN(gram, gram_source(network, settings.units, settings.onsite_j2));
  return Set{settings, std::move(gram), pairs.part(0, settings.fit),
             pairs.part(settings.fit, settings.test)};
}

double deviation(const std::vector<float>& values) {
  double sum = 0, square = 0;
  for (const float v : values) sum += double{v};
  const double mean = sum / static_cast<double>(values.size());
  for (const float v : values) square += (double{v} - mean) * (double{v} - mean);
  return std::sqrt(square / static_cast<double>(values.size()));
}

void add_cosines(ReferenceTable& rows, const std::vector<ArmScore>& fixed,
                 const std::vector<ArmScore>& biased, const std::vector<ArmScore>& plain) {
  const auto cosine = [&](std::string name, const Agreement& a, double reference) {
    rows.near(std::move(name), a.published, reference, kCosineTolerance);
  };
  cosine("oracle", of(fixed, Arm::kOracle), .9966);
  cosine("encoder + oracle decoder bias", of(biased, Arm::kEncoderOracle), .9966);
  cosine("full pipeline, 5,396 parameters", of(biased, Arm::kFull), .9955);
  cosine("full pipeline, 5,120 parameters", of(plain, Arm::kFull), .9954);
  rows.below("skip only", of(biased, Arm::kSkipOnly).published, 0.05, ".0137-.015");
  cosine("control: constant predictor", of(fixed, Arm::kConstant), .9989);
  rows.near("control: constant predictor, raw cosine", of(fixed, Arm::kConstant).raw, .9991,
            kCosineTolerance);
  cosine("control: full, inputs shuffled", of(biased, Arm::kShuffled), .9955);
  cosine("control: folded digital, no substrate", of(biased, Arm::kFolded), .9989);
  cosine("control: b_enc = 0, b_dec = B d_mean, J kept", of(fixed, Arm::kNoEncoder), .9987);
  cosine("consistent oracle b = M z*", of(fixed, Arm::kConsistentOracle), 1.0000);
  const Agreement& full = of(biased, Arm::kFull);
  rows.near("centred cosine of full (each about its own mean)", full.deviation_cosine, .003,
            3 * .016, "3 x the reference's spread .016");
  rows.near("R2 of full, mean-corrected, 5,396", full.deviation_r2, -.02, .1, "ours");
  rows.near("R2 of full, mean-corrected, 5,120", of(plain, Arm::kFull).deviation_r2, -.08, .1,
            "ours");
}

void add_matrices(ReferenceTable& rows, const DensePair& pair, const Set& set) {
  const auto s = pair.spectra();
  const double onsite = 2 * set.settings.onsite_j2;
  const auto share = [&](const char* name, double value, double reference) {
    rows.near(name, value, reference, kOwnShare * std::abs(reference), "ours, 5 %");
  };
  share("largest eigenvalue of J_enc", (s.encoder.largest - onsite) / 2, .0342);
  share("mean eigenvalue of J_enc", (pair.encoder_mean() - onsite) / 2, .0093);
  share("A: least eigenvalue", s.encoder.least, .2000);
  share("A: largest eigenvalue", s.encoder.largest, .2684);
  share("B: least eigenvalue", s.decoder.least, .2000);
  share("B: largest eigenvalue", s.decoder.largest, .2230);
  share("M: least eigenvalue", s.whole.least, .1655);
  share("M: largest eigenvalue", s.whole.largest, .3259);
  share("condition of M", s.whole.largest / s.whole.least, 1.97);
  share("Euler-Maruyama steps of h = 0.1 to 1e-3",
        std::log(1e-3) / std::log(1 - 0.1 * s.whole.least), 414);
}

void add_targets(ReferenceTable& rows, const DensePair& pair, const Set& set) {
  const auto& test = set.test;
  rows.near("decoder shift at the rank, %", shift_percent(pair, test), 7.46, 1);
  rows.near("pairwise cosine among test targets", pairwise_cosine(test.d, test.units), .9978,
            kCosineTolerance);
  rows.near("spread / mean norm of d", spread_over_mean(test.d, test.units), .042, .005, "ours");
  const auto signal = pair.encoder_bias(test.x), force = pair.coupled(test.x);
  rows.shown("sd of A x over sd of J^T x", deviation(signal) / deviation(force), "13",
             "no tolerance; the published label says 2,600");
}

Result<void> add_ridges(ReferenceTable& rows, const Set& set) {
  for (const double ridge : {1e-5, 1e-3, 1e-2, 1e-1, 1.0}) {
    CALX_ASSIGN(r2, ridge_r2(set.fit, set.test, ridge));
    rows.shown(fmt::format("R2 of ridge regression x -> d, ridge {:g}", ridge), r2, "-.17",
               "the reference states no ridge");
  }
  return {};
}

void add_energy(ReferenceTable& rows, const DensePair& pair, const Set& set) {
  const double kt = kBoltzmannJ * kRoomK;
  const double units = 2 * static_cast<double>(set.settings.units);
  const double published = kt * units * kPublishedSteps;
  const auto share = [&](const char* name, double value, double reference, double part) {
    rows.near(name, value, reference, part * reference,
              part < kOwnShare ? "ours, 1 %" : "ours, 5 %");
  };
  share("published substrate energy, kT x units x 400, J", published, 4.24e-16, .01);
  share("published raw gain, 0.008 J over that", kPublishedGpuJ / published, 1.89e13, .01);
  share("the same after the published 1e3 for converters", kPublishedGpuJ / published / 1e3, 1.9e10,
        .01);
  const double heat = pair.heat({set.test.x, set.test.d});
  share("relaxation heat 1/2 z*^T M z*, kT", heat, 4.69, kOwnShare);
  share("relaxation heat per unit, kT", heat / units, .018, kOwnShare);
}

Result<void> add_snapshots(Report& report, ReferenceTable& rows, const DensePair& pair,
                           const Set& set) {
  const auto source = thermo::philox_noise(set.settings.seed);
  Table table{"Mean of n independent equilibrium samples",
              "Published cosine of the decoder's mean under the consistent oracle's bias, here "
              "(reference). Each cell is one draw for every test input from the exact law of such "
              "a mean, N(z*, kT M^-1 / n); no trajectory was run. J stays while kT varies.",
              {"kT"},
              {}};
  for (const double n : kSnapshotCounts) table.columns.push_back(fmt::format("n = {:g}", n));
  format::Chart chart{.title = "How many thermal samples the published cosine needs",
                      .x_label = "log10 n",
                      .y_label = "cosine",
                      .series = {}};
  const auto centre = row_mean(set.fit.d, set.fit.units);
  std::uint64_t step = 0;
  for (const SnapshotRow& row : kSnapshots) {
    std::vector<std::string> cells{fmt::format("{:g}", row.kt)};
    format::ChartSeries series{
        .name = fmt::format("kT = {:g}", row.kt), .x = {}, .y = {}, .dots = true};
    for (std::size_t i = 0; i < std::size(kSnapshotCounts); ++i) {
      const double n = kSnapshotCounts[i];
      CALX_ASSIGN(y, pair.snapshots({set.test.x, set.test.d}, row.kt, n, *source, step++));
      CALX_ASSIGN(a, agree(y, set.test.d, set.test.units, centre));
      // Both figures are one draw for every test input.
      const double error = a.published_sd / std::sqrt(static_cast<double>(set.test.count()));
      rows.near(fmt::format("mean of {:g} snapshots at kT = {:g}", n, row.kt), a.published,
                row.reference[i], kCosineTolerance + 3 * std::sqrt(2.0) * error,
                "reference + 3 s.e. of the two");
      cells.push_back(fmt::format("{:.4f} ({:.4g})", a.published, row.reference[i]));
      series.x.push_back(std::log10(n));
      series.y.push_back(a.published);
    }
    table.rows.push_back(std::move(cells));
    chart.series.push_back(std::move(series));
  }
  report.tables.push_back(std::move(table));
  report.charts.push_back(std::move(chart));
  return {};
}

std::vector<std::string> line_of(const std::string& name, const Agreement& a, std::size_t count) {
  const double root = std::sqrt(static_cast<double>(count));
  return {name,
          fmt::format("{:.4f}", a.published),
          fmt::format("{:.4f}", a.raw),
          fmt::format("{:.3f} +- {:.3f}", a.centred, a.centred_sd / root),
          fmt::format("{:.3f}", a.r2),
          fmt::format("{:.3f} +- {:.3f}", a.deviation_cosine, a.deviation_cosine_sd / root),
          fmt::format("{:.3f}", a.deviation_r2)};
}

Table arms_table(const std::vector<ArmScore>& fixed, const std::vector<ArmScore>& biased,
                 const std::vector<ArmScore>& plain, std::size_t count) {
  Table table{"Every arm in every measure",
              "Centred: the fit's mean target is taken from both. Deviation: each about its own "
              "mean over the test, which forgives an offset common to all inputs. +- is one "
              "standard error over the test inputs. A measure that tells inputs apart is 0 for a "
              "predictor that ignores them.",
              {"arm", "published", "raw", "centred", "R2", "deviation", "deviation R2"},
              {}};
  for (const auto& score : fixed) {
    table.rows.push_back(line_of(std::string(to_string(score.arm)), score.agreement, count));
  }
  for (const auto& [scores, name] : {std::pair{&biased, "with biases"}, {&plain, "no biases"}}) {
    for (const auto& score : *scores) {
      table.rows.push_back(
          line_of(fmt::format("{}, {}", to_string(score.arm), name), score.agreement, count));
    }
  }
  return table;
}

Result<void> add_ranks(Report& report, const Set& set, const InterfaceOutput& interface) {
  Table table{"Rank of the coupling",
              "Shift: how far the coupling moves the decoder from its target, in per cent of the "
              "target: an error, published as a benefit. |J|_F is 0.25 at every rank by the "
              "published normalisation. Figure 2c was read by eye and is of the trained network.",
              {"k", "shift %", "reference", "figure 2c", "shift % without normalising",
               "full pipeline", "oracle", "|J|_2", "|J|_F", "least eigenvalue of M"},
              {}};
  format::ChartSeries series{.name = "here, untrained", .x = {}, .y = {}, .dots = true};
  for (const std::size_t rank : set.settings.ranks) {
    CALX_ASSIGN(pair, set.gram.pair(rank));
    CALX_ASSIGN(raw, set.gram.pair(rank, false));
    CALX_ASSIGN(fixed, score_fixed(pair, set.fit, set.test));
    CALX_ASSIGN(scores, score_interface(pair, set.fit, set.test, interface));
    const auto spectra = pair.spectra();
    const double shift = shift_percent(pair, set.test);
    const auto known = std::ranges::find(kShifts, rank, &ShiftReference::rank);
    const bool found = known != std::end(kShifts) && set.settings.published();
    table.rows.push_back({fmt::format("{}", rank), fmt::format("{:.2f}", shift),
                          found ? known->untrained : "-", found ? known->paper : "-",
                          fmt::format("{:.3f}", shift_percent(raw, set.test)),
                          figure(of(scores, Arm::kFull).published),
                          figure(of(fixed, Arm::kOracle).published), figure(spectra.coupling_norm),
                          figure(spectra.coupling_frobenius), figure(spectra.whole.least)});
    series.x.push_back(static_cast<double>(rank));
    series.y.push_back(shift);
  }
  report.tables.push_back(std::move(table));
  report.charts.push_back({.title = "Decoder shift against the rank of the coupling",
                           .x_label = "k",
                           .y_label = "shift, % of |d|",
                           .series = {std::move(series)}});
  return {};
}

std::vector<std::pair<std::string, std::string>> facts(const Set& set, const StageRun& run,
                                                       const InterfaceOutput& biased,
                                                       const InterfaceOutput& plain) {
  const auto& s = set.settings;
  return {
      {"command", run.command},
      {"seed", s.seed.to_string()},
      {"network", fmt::format("untrained U-Net, width {}, {} channels, {} x {}", s.network.width,
                              s.network.channels, s.network.side, s.network.side)},
      {"inputs", fmt::format("white noise, {} fit and {} test", s.fit, s.test)},
      {"substrate",
       fmt::format("2 modules of {} units, rank {}, J2 = {:g}", s.units, s.rank, s.onsite_j2)},
      {"interface parameters",
       fmt::format("{} with biases, {} without", biased.parameters, plain.parameters)},
      {"weights and inputs", s.torch ? fmt::format("LibTorch's generator, seeds {} and {}",
                                                   s.torch->weights, s.torch->inputs)
                                     : std::string("calx-noise-1")},
      {"noise", "philox (interface, snapshots)"},
      {"origin of the noise", "software"},
      {"substrate's origin", "modelled: dense Cholesky solves and exact draws"},
      {"LibTorch", nn::torch_version()}};
}

void conclude(Report& report, const std::vector<ArmScore>& fixed,
              const std::vector<ArmScore>& biased, bool judged) {
  const double full = of(biased, Arm::kFull).published;
  const double constant = of(fixed, Arm::kConstant).published;
  const double shuffled = of(biased, Arm::kShuffled).published;
  const bool tells = full > constant && full > shuffled + kCosineTolerance;
  report.answers.push_back(
      {judged ? (tells ? Verdict::kHolds : Verdict::kMissed) : Verdict::kNotJudged,
       fmt::format("the published cosine says something about the input: full pipeline {:.4f}, "
                   "the same with shuffled inputs {:.4f}, a constant {:.4f}",
                   full, shuffled, constant)});
}

}  // namespace

bool StageASettings::published() const {
  const StageASettings reference;
  return network == reference.network && fit == reference.fit && test == reference.test &&
         units == reference.units && rank == reference.rank && onsite_j2 == reference.onsite_j2 &&
         torch == reference.torch;
}

StageASettings quick_stage_a() {
  StageASettings settings;
  settings.network = {.channels = 4, .width = 32, .side = 16};
  settings.fit = 96;
  settings.test = 32;
  settings.units = 32;
  settings.rank = 8;
  settings.ranks = {2, 4, 8, 16, 32};
  settings.seeds = 3;
  settings.signs = 4;
  return settings;
}

Result<Report> stage_a(const StageASettings& settings, const StageRun& run,
                       const Observer& observer, const std::stop_token& stop) {
  CALX_TRY(check(settings));
  nn::set_threads(run.threads);
  CALX_ASSIGN(set, prepare(settings, run, observer, stop));
  CALX_ASSIGN(pair, set.gram.pair(settings.rank));
  const auto interface = [&](bool biases) {
    return run_interface(pair, set.fit, set.test, {.biases = biases, .seed = settings.seed});
  };
  if (observer) observer({"interface networks", 0, 0});
  CALX_ASSIGN(biased, interface(true));
  CALX_ASSIGN(plain, interface(false));
  CALX_ASSIGN(fixed, score_fixed(pair, set.fit, set.test));
  CALX_ASSIGN(biased_scores, score_interface(pair, set.fit, set.test, biased));
  CALX_ASSIGN(plain_scores, score_interface(pair, set.fit, set.test, plain));
  CALX_ASSIGN(spread, draw_spread({.network = settings.network,
                                   .seed = settings.seed,
                                   .seeds = settings.seeds,
                                   .signs = settings.signs,
                                   .fit = settings.fit,
                                   .test = settings.test,
                                   .units = settings.units,
                                   .rank = settings.rank,
                                   .onsite_j2 = settings.onsite_j2,
                                   .judged = settings.published()},
                                  run.work, observer, stop));

  Report report;
  report.name = settings.published() ? "stage-a" : "stage-a-quick";
  report.title = "Stage A: the published default run and its controls";
  report.summary =
      "arXiv 2604.14332's public code, again: an untrained U-Net under white noise, its mean "
      "activations, the published coupling, one dense solve. Do the printed cosines come out, and "
      "do they say anything about the input?";
  ReferenceTable rows("Every quantity beside the reference",
                      "The reference measured the public code. Weights and inputs are drawn as it "
                      "draws them, by LibTorch from its seeds; interface networks and snapshots "
                      "have draws of their own. A row that misses is left standing.",
                      settings.published());
  add_cosines(rows, fixed, biased_scores, plain_scores);
  add_targets(rows, pair, set);
  add_matrices(rows, pair, set);
  CALX_TRY(add_ridges(rows, set));
  add_energy(rows, pair, set);
  if (observer) observer({"snapshots and ranks", 0, 0});
  CALX_TRY(add_snapshots(report, rows, pair, set));
  CALX_TRY(add_ranks(report, set, biased));
  report.answers = rows.answers();
  report.answers.push_back(std::move(spread.answer));
  conclude(report, fixed, biased_scores, settings.published());
  report.tables.insert(report.tables.begin(),
                       {rows.table(), std::move(spread.table),
                        arms_table(fixed, biased_scores, plain_scores, set.test.count())});
  report.facts = facts(set, run, biased, plain);
  return report;
}

}  // namespace calx::inference
