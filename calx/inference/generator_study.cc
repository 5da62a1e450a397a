#include "calx/inference/generator_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "calx/eval/frechet.h"
#include "calx/eval/judge.h"
#include "calx/inference/generator.h"

namespace calx::inference {
namespace {

constexpr std::array<std::size_t, 3> kSets = {1, 5, 20};
constexpr std::size_t kShown = 16, kEnlarge = 3;
// "Equal": within this share of the Gaussian's own distance.
constexpr double kEqualShare = 0.1;

// Relaxation of a free unit takes 4 units of time in the first, 0.5 in the second; the wells of the
// third are 1.5 kT deep and are crossed in about 2.
const std::array<Noising, 3>& energies() {
  static const std::array<Noising, 3> all = {
      Noising{.name = "quadratic", .j2 = 0.125, .j4 = 0, .step = 0.08, .steps = 200, .periods = 20},
      Noising{.name = "quartic", .j2 = 0, .j4 = 0.5, .step = 0.01, .steps = 200, .periods = 20},
      Noising{
          .name = "two wells", .j2 = -3, .j4 = 1.5, .step = 0.025, .steps = 320, .periods = 20}};
  return all;
}

struct Arm {
  std::string name = {}, couplings = {}, heat = {};
  double distance = 0;
  MomentGap gap = {};
  std::size_t sets = 0;  // of couplings; 0: no substrate
  std::string energy = {};
  format::Image sheet = {};
};

Result<format::Image> sheet_of(std::span<const std::uint8_t> grey) {
  constexpr std::size_t kPixels = std::size_t{diffusion::kDigitSide} * diffusion::kDigitSide;
  std::vector<format::Image> tiles;
  for (std::size_t i = 0; i < std::min(kShown, grey.size() / kPixels); ++i) {
    const auto tile = grey.subspan(i * kPixels, kPixels);
    tiles.push_back({diffusion::kDigitSide, diffusion::kDigitSide, 1, {tile.begin(), tile.end()}});
  }
  CALX_ASSIGN(sheet, format::grid(tiles, kShown));
  return format::enlarge(sheet, kEnlarge);
}

class Study {
 public:
  Study(const GeneratorSettings& settings, const GeneratorRun& run, const Observer& observer)
      : settings_(settings), run_(run), observer_(observer) {}

  Result<Report> make(const diffusion::DigitSet& train, const diffusion::DigitSet& held_out);

 private:
  Result<eval::Gaussian> features_of(std::span<const std::uint8_t> grey);
  Result<void> add(Arm arm, std::span<const float> pictures);
  Result<void> add_energy(const Noising& noising);
  void step(const std::string& stage) const {
    if (observer_) observer_({stage, arms_.size(), 2 + energies().size() * kSets.size()});
  }
  [[nodiscard]] Report report(const diffusion::DigitSet& train,
                              const diffusion::DigitSet& held_out) const;
  void answer(Report& report) const;

  const GeneratorSettings& settings_;
  const GeneratorRun& run_;
  const Observer& observer_;
  std::optional<eval::Judge> judge_;
  std::vector<float> learnt_;
  eval::Gaussian reference_;
  std::vector<Arm> arms_;
};

Result<eval::Gaussian> Study::features_of(std::span<const std::uint8_t> grey) {
  CALX_ASSIGN(judgement,
              eval::judge_pictures(judge_->network, grey, static_cast<int>(run_.threads)));
  return eval::fit_gaussian(judgement.features,
                            static_cast<std::size_t>(judge_->network.config().features));
}

Result<void> Study::add(Arm arm, std::span<const float> pictures) {
  const auto grey = judged_pictures(pictures);
  CALX_ASSIGN(features, features_of(grey));
  CALX_ASSIGN(distance, eval::frechet_distance(features, reference_));
  CALX_ASSIGN(sheet, sheet_of(grey));
  arm.distance = distance;
  arm.sheet = std::move(sheet);
  arm.gap = moment_gap(pictures, learnt_, kSmallUnits);
  arms_.push_back(std::move(arm));
  return {};
}

Result<void> Study::add_energy(const Noising& noising) {
  const GeneratorTask task{.seed = settings_.seed, .threads = run_.threads, .stop = run_.stop};
  step(noising.name + ": noising");
  CALX_ASSIGN(fits, noise_pictures(learnt_, kSmallUnits, noising, task));
  for (const std::size_t sets : kSets) {
    step(fmt::format("{}: {} sets", noising.name, sets));
    CALX_ASSIGN(substrates, reversed_substrates(fits, sets));
    const auto made = generate(substrates, noising, settings_.count, settings_.metered, task);
    if (!made && made.error().code == ErrorCode::kCancelled) return std::unexpected(made.error());
    Arm arm{.name = fmt::format("{}, {} set{}", noising.name, sets, sets == 1 ? "" : "s"),
            .couplings = fmt::format("J2 {}, J4 {}, {} steps of {}", noising.j2, noising.j4,
                                     noising.steps, noising.step),
            .sets = sets,
            .energy = noising.name};
    if (!made) {
      // What cannot run is a finding of this study.
      arm.heat = made.error().message;
      arm.distance = -1;
      arms_.push_back(std::move(arm));
      continue;
    }
    arm.heat = fmt::format("{:.0f} +- {:.0f}", made->heat, made->heat_error);
    CALX_TRY(add(std::move(arm), made->pictures));
  }
  return {};
}

Result<Report> Study::make(const diffusion::DigitSet& train, const diffusion::DigitSet& held_out) {
  if (train.size() < std::max(settings_.learnt, settings_.count) ||
      held_out.size() < settings_.count || settings_.count < 2 * kShown) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("generator: {} training and {} held-out pictures, wanted at least {} "
                    "and {}, and {} an arm",
                    train.size(), held_out.size(), std::max(settings_.learnt, settings_.count),
                    settings_.count, 2 * kShown));
  }
  CALX_ASSIGN(judge, eval::load_judge(run_.judge));
  judge_ = std::move(judge);
  learnt_ = small_pictures(train, settings_.learnt);
  CALX_ASSIGN(reference, features_of(judged_pictures(small_pictures(train, settings_.count))));
  reference_ = std::move(reference);
  step("real digits");
  CALX_TRY(add({.name = "held-out digits (the floor)"}, small_pictures(held_out, settings_.count)));
  step("Gaussian");
  CALX_ASSIGN(drawn, gaussian_draws(learnt_, kSmallUnits, settings_.count, settings_.seed));
  CALX_TRY(add({.name = "Gaussian of equal mean and covariance"}, drawn));
  for (const Noising& noising : energies()) CALX_TRY(add_energy(noising));
  Report made = report(train, held_out);
  answer(made);
  return made;
}

Report Study::report(const diffusion::DigitSet& train, const diffusion::DigitSet& held_out) const {
  Report report;
  report.name = "generator";
  report.title = "A substrate that makes digits by itself";
  report.summary =
      "Couplings are fitted so that a substrate's own motion retraces noising trajectories of 14 x "
      "14 digits, then it runs from noise. Does that make digits, better than a Gaussian of the "
      "same first two moments would?";
  report.facts = {
      {"command", run_.command},
      {"seed", settings_.seed.to_string()},
      {"learnt from", fmt::format("{} of {}, spread evenly", settings_.learnt, train.source)},
      {"digest of the training digits", train.digest},
      {"floor", fmt::format("{} of {}, spread evenly", settings_.count, held_out.source)},
      {"digest of the held-out digits", held_out.digest},
      {"judge", judge_->digest},
      {"pictures an arm", fmt::format("{}", settings_.count)},
      {"noise", "philox, origin software"},
      {"integrator", "Euler-Maruyama, kT = 1, mobility 1"}};
  Table table{
      .title = "Arms",
      .note = fmt::format(
          "FD-clf on {} features of a classifier of 32 x 32 digits, to training digits; 14 x 14 "
          "pictures reach it as 2 x 2 pixels with a border of two, clipped to [-1, 1]; it compares "
          "with no other FD-clf or FID. Sets: how often couplings are written during one run, 1 is "
          "never. Moments: relative distance of mean and covariance from those of the training "
          "digits. Heat: kT a sample, Sekimoto's sum over {} samples; the work of changing "
          "couplings is not in it, nor any converter.",
          judge_->network.config().features, settings_.metered),
      .columns = {"arm", "FD-clf", "mean", "covariance", "heat in kT", "energy and steps"},
      .rows = {}};
  for (const Arm& arm : arms_) {
    const bool ran = arm.distance >= 0;
    table.rows.push_back({arm.name, ran ? fmt::format("{:.2f}", arm.distance) : "does not run",
                          ran ? fmt::format("{:.4f}", arm.gap.mean) : "",
                          ran ? fmt::format("{:.4f}", arm.gap.covariance) : "", arm.heat,
                          arm.couplings});
    if (ran) report.pictures.push_back({arm.name, arm.sheet});
  }
  report.tables = {table};
  format::Chart chart{.title = "Distance by sets of couplings",
                      .x_label = "sets of couplings in one run",
                      .y_label = "FD-clf",
                      .series = {}};
  for (const Noising& noising : energies()) {
    format::ChartSeries series{.name = noising.name, .x = {}, .y = {}, .dots = true};
    for (const Arm& arm : arms_) {
      if (arm.energy != noising.name || arm.distance < 0) continue;
      series.x.push_back(static_cast<double>(arm.sets));
      series.y.push_back(arm.distance);
    }
    chart.series.push_back(series);
  }
  chart.series.push_back({.name = "Gaussian",
                          .x = {1, static_cast<double>(kSets.back())},
                          .y = {arms_[1].distance, arms_[1].distance}});
  report.charts = {chart};
  return report;
}

void Study::answer(Report& report) const {
  const double floor = arms_[0].distance, gaussian = arms_[1].distance;
  const Arm *schedule = nullptr, *best = nullptr, *still = nullptr;
  for (const Arm& arm : arms_) {
    if (arm.sets == 0 || arm.distance < 0) continue;
    if (arm.energy == "quadratic" && arm.sets == kSets.back()) schedule = &arm;
    if (arm.sets == 1 && (still == nullptr || arm.distance < still->distance)) still = &arm;
    if (arm.energy != "quadratic" && (best == nullptr || arm.distance < best->distance)) {
      best = &arm;
    }
  }
  const auto say = [&report](bool yes, std::string sentence) {
    report.answers.push_back(
        {Verdict::kNotJudged, fmt::format("{}: {}", yes ? "Yes" : "No", std::move(sentence))});
  };
  report.answers.push_back(
      {Verdict::kNotJudged,
       fmt::format("Real digits lie at {:.2f}, the Gaussian of equal moments at {:.2f}.", floor,
                   gaussian)});
  if (schedule == nullptr) {
    say(false, "the quadratic substrate does not run; see its row.");
  } else {
    const double share = schedule->distance / gaussian - 1;
    say(std::abs(share) <= kEqualShare,
        fmt::format("a quadratic substrate with {} sets of couplings does what the Gaussian does: "
                    "{:.2f}, {:+.1f} % of the Gaussian's distance. Its law can be nothing else "
                    "than a Gaussian.",
                    schedule->sets, schedule->distance, 100 * share));
  }
  if (best != nullptr) {
    say(best->distance < (1 - kEqualShare) * gaussian,
        fmt::format("a quartic energy is better than the Gaussian: {} at {:.2f}, {:.2f} times the "
                    "Gaussian's distance.",
                    best->name, best->distance, best->distance / gaussian));
  }
  if (still != nullptr) {
    say(still->distance < (1 - kEqualShare) * gaussian,
        fmt::format("couplings that never change suffice: the best of them, {}, at {:.2f}, {:.2f} "
                    "times the Gaussian's distance.",
                    still->name, still->distance, still->distance / gaussian));
  }
  report.answers.push_back(
      {Verdict::kNotJudged,
       "Hidden units are not among the arms: noised independently of the pixels, they get no "
       "coupling from this cost (calx/thermo/reversal.h, ReversalTest)."});
}

}  // namespace

Result<Report> study_generator(const diffusion::DigitSet& train,
                               const diffusion::DigitSet& held_out,
                               const GeneratorSettings& settings, const GeneratorRun& run,
                               const Observer& observer) {
  return Study(settings, run, observer).make(train, held_out);
}

}  // namespace calx::inference
