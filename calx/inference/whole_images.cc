#include "calx/inference/whole_images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/base/origin.h"
#include "calx/diffusion/model_file.h"
#include "calx/diffusion/training_page.h"
#include "calx/eval/judge.h"
#include "calx/eval/sample_set.h"
#include "calx/hash/sha256.h"
#include "calx/inference/picture_store.h"
#include "calx/inference/whole_report.h"
#include "calx/nn/threads.h"

namespace calx::inference {
namespace {

constexpr std::size_t kPixels = std::size_t{diffusion::kDigitSide} * diffusion::kDigitSide;
constexpr std::size_t kDefaultArms = 7;
constexpr std::array<std::size_t, 5> kCurve = {250, 500, 1000, 2000, 5000};

constexpr std::array<PictureArm, 13> kArms = {{
    {.name = "digital", .what = "the block itself", .digital = true},
    {.name = "mean", .what = "substrate, mean"},
    {.name = "snapshot",
     .what = "substrate, one thermal snapshot (exact draws)",
     .readout = Readout::kSnapshot},
    {.name = "white",
     .what = "the block plus white noise of the snapshot's variance",
     .readout = Readout::kWhite},
    {.name = "k0", .what = "substrate without coupling (k = 0), mean", .rank_zero = true},
    {.name = "patch", .what = "substrate wired to 3 x 3 pixels, mean", .reach = 1},
    {.name = "patch-snapshot",
     .what = "substrate wired to 3 x 3 pixels, one snapshot (exact draws)",
     .readout = Readout::kSnapshot,
     .reach = 1},
    {.name = "folded", .what = "the digital map of the same rank", .readout = Readout::kFolded},
    {.name = "shaped",
     .what = "the block plus the snapshot's own noise",
     .readout = Readout::kShaped},
    {.name = "skip", .what = "substrate wired to the skip alone, mean", .wired = Wired::kSkip},
    {.name = "skip-snapshot",
     .what = "substrate wired to the skip alone, one snapshot (exact draws)",
     .wired = Wired::kSkip,
     .readout = Readout::kSnapshot},
    {.name = "class",
     .what = "a substrate for each time and class, mean",
     .grouping = Grouping::kClass},
    {.name = "class-snapshot",
     .what = "a substrate for each time and class, one snapshot (exact draws)",
     .grouping = Grouping::kClass,
     .readout = Readout::kSnapshot},
}};

Result<std::vector<PictureArm>> chosen_arms(const std::vector<std::string>& names) {
  std::vector<PictureArm> chosen;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(kArms, name, &PictureArm::name);
    if (found == kArms.end()) {
      std::vector<std::string_view> known;
      for (const PictureArm& arm : kArms) known.push_back(arm.name);
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("arm {}: wanted one of {}", name, fmt::join(known, ", ")));
    }
    if (std::ranges::find(chosen, name, &PictureArm::name) == chosen.end())
      chosen.push_back(*found);
  }
  if (names.empty()) chosen.assign(kArms.begin(), kArms.begin() + kDefaultArms);
  // Ratios are to the digital arm.
  if (!chosen.front().digital)
    std::erase_if(chosen, [](const PictureArm& arm) { return arm.digital; });
  if (!chosen.front().digital) chosen.insert(chosen.begin(), kArms.front());
  return chosen;
}

BlockFitPlan plan_of(const PictureArm& arm, std::size_t rank) {
  return {arm.rank_zero ? 0 : rank, arm.wired, arm.grouping, arm.reach};
}

class Study {
 public:
  Study(const diffusion::DigitSet& train, const diffusion::DigitSet& held_out,
        const WholeSettings& settings, const WholeRun& run, const Observer& observer,
        const std::stop_token& stop)
      : train_(train),
        held_out_(held_out),
        settings_(settings),
        run_(run),
        observer_(observer),
        stop_(stop) {}

  Result<WholeResult> run() {
    CALX_TRY(load());
    CALX_TRY(fit());
    CALX_TRY(try_plans());
    for (const PictureArm& arm : result_.arms) CALX_TRY(make(arm));
    CALX_TRY(check_folded());
    CALX_TRY(score());
    CALX_TRY(describe());
    return std::move(result_);
  }

 private:
  Result<void> load();
  Result<void> fit();
  Result<void> try_plans();
  Result<void> make(const PictureArm& arm);
  Result<void> check_folded();
  Result<void> score();
  Result<void> describe();
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> facts() const;

  Result<BatchRecipe> recipe_of(const PictureArm& arm);
  Result<std::vector<std::uint8_t>> batch(const BatchRecipe& recipe, std::size_t first,
                                          std::size_t count) const;
  [[nodiscard]] std::string plan_text(const PictureArm& arm) const;
  [[nodiscard]] const BlockStatistics& statistics_for(const BlockFitPlan& plan) const {
    return plan.reach > 0 ? *wide_ : *statistics_;
  }
  [[nodiscard]] bool guided() const noexcept { return settings_.guidance != 1.0; }

  const diffusion::DigitSet& train_;
  const diffusion::DigitSet& held_out_;
  const WholeSettings& settings_;
  const WholeRun& run_;
  const Observer& observer_;
  const std::stop_token& stop_;
  eval::SamplePlan pictures_;
  std::optional<nn::UNet> network_;
  std::optional<eval::Judge> judge_;
  eval::Halves halves_;
  std::vector<hash::Digest> seeds_;
  std::optional<BlockStatistics> statistics_, wide_;  // of reach 0 and 1
  std::map<std::string, BlockMachines> machines_;     // by describe(plan)
  std::vector<PictureSet> sets_;
  WholeResult result_;
};

Result<void> Study::load() {
  CALX_ASSIGN(arms, chosen_arms(settings_.arms));
  result_.arms = std::move(arms);
  if (settings_.batch < 1 || settings_.batch > kBatchPicturesMax ||
      !(settings_.guidance >= 0 && settings_.guidance <= eval::kGuidanceMax)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("batch {} and guidance {}: wanted 1 to {} and 0 to {}", settings_.batch,
                            settings_.guidance, kBatchPicturesMax, eval::kGuidanceMax));
  }
  nn::set_threads(1);
  CALX_ASSIGN(bytes, read_file(run_.model, diffusion::kModelBytesMax));
  CALX_ASSIGN(model, diffusion::parse_model(bytes));
  CALX_ASSIGN(network, nn::UNet::load(model.config, model.parameters));
  network_.emplace(std::move(network));
  CALX_ASSIGN(judge, eval::load_judge(run_.judge));
  judge_.emplace(std::move(judge));
  CALX_ASSIGN(halves, eval::split_halves(held_out_, settings_.count));
  halves_ = std::move(halves);
  pictures_ = {hash::sha256(std::span<const std::uint8_t>(bytes)),
               settings_.seed,
               eval::InitialNoise::kHash,
               settings_.sampler,
               settings_.guidance,
               settings_.steps,
               halves_.first.labels};
  CALX_ASSIGN(seeds, eval::picture_seeds(pictures_, network_->config().side));
  seeds_ = std::move(seeds);
  return {};
}

Result<void> Study::fit() {
  BlockFitSettings fit = settings_.fit;
  fit.seed = settings_.seed;
  fit.sampler = settings_.sampler;
  fit.steps = settings_.steps;
  CALX_ASSIGN(statistics,
              gather_block_statistics(*network_, train_, fit, run_.threads, observer_, stop_));
  statistics_.emplace(std::move(statistics));
  const bool wide =
      std::ranges::any_of(result_.arms, [](const PictureArm& arm) { return arm.reach > 0; });
  if (!wide) return {};
  fit.reach = 1;
  fit.stride = settings_.wide_stride;
  CALX_ASSIGN(around,
              gather_block_statistics(*network_, train_, fit, run_.threads, observer_, stop_));
  wide_.emplace(std::move(around));
  return {};
}

// Every plan that answers a question of the study, by the error of its mean alone.
Result<void> Study::try_plans() {
  const std::size_t full = std::min(statistics_->shape.skip, statistics_->shape.out);
  std::vector<BlockFitPlan> plans = {
      {.rank = 0},
      {.rank = settings_.rank},
      {.rank = full},
      {.rank = settings_.rank, .wired = Wired::kSkip},
      {.rank = full, .wired = Wired::kSkip},
      {.rank = settings_.rank, .grouping = Grouping::kGuidance},
      {.rank = settings_.rank, .grouping = Grouping::kClass},
  };
  if (wide_) {
    plans.push_back({.rank = settings_.rank, .reach = 1});
    plans.push_back({.rank = full, .reach = 1});
  }
  for (const BlockFitPlan& plan : plans) {
    if (observer_) observer_({"fits", result_.fits.size(), plans.size()});
    CALX_ASSIGN(fits, fit_block(statistics_for(plan), plan));
    FitRow row{.plan = plan, .r2 = fits.r2()};
    row.r2_first = 1 - fits.squared_error.front() / fits.squared_total.front();
    row.r2_last = 1 - fits.squared_error.back() / fits.squared_total.back();
    for (const auto& groups : fits.fits) {
      for (const BlockFit& fit : groups) {
        row.condition_largest = std::max(row.condition_largest, fit.condition);
      }
    }
    row.programs = fits.programs_a_picture(guided());
    row.wires = thermo::wiring(fits.fits[0][0].substrate).coupling_wires;
    result_.fits.push_back(row);
  }
  return {};
}

Result<BatchRecipe> Study::recipe_of(const PictureArm& arm) {
  BatchRecipe recipe{.sampler = settings_.sampler,
                     .steps = settings_.steps,
                     .guidance = static_cast<float>(settings_.guidance),
                     .machines = nullptr,
                     .readout = arm.readout};
  if (arm.digital) return recipe;
  const BlockFitPlan plan = plan_of(arm, settings_.rank);
  const std::string name = inference::describe(plan);
  if (!machines_.contains(name)) {
    CALX_ASSIGN(fits, fit_block(statistics_for(plan), plan));
    CALX_ASSIGN(machines, BlockMachines::of(fits));
    machines_.emplace(name, std::move(machines));
  }
  recipe.machines = &machines_.at(name);
  return recipe;
}

Result<std::vector<std::uint8_t>> Study::batch(const BatchRecipe& recipe, std::size_t first,
                                               std::size_t count) const {
  CALX_ASSIGN(made, sample_batch(*network_, recipe, std::span(seeds_).subspan(first, count),
                                 std::span(pictures_.classes).subspan(first, count), stop_));
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < count; ++i) {
    const auto image =
        diffusion::to_image(std::span(made).subspan(i * kPixels, kPixels), diffusion::kDigitSide);
    bytes.insert(bytes.end(), image.pixels.begin(), image.pixels.end());
  }
  return bytes;
}

std::string Study::plan_text(const PictureArm& arm) const {
  std::string text =
      fmt::format("arm={} batch={} {}", arm.name, settings_.batch, eval::describe(pictures_));
  if (arm.digital) return text;
  return text + fmt::format(" fit={} pictures={} stride={} data={}",
                            inference::describe(plan_of(arm, settings_.rank)),
                            settings_.fit.pictures, settings_.fit.stride, train_.digest);
}

Result<void> Study::make(const PictureArm& arm) {
  CALX_ASSIGN(recipe, recipe_of(arm));
  const auto progress = [&](std::size_t done, std::size_t count) {
    if (observer_) observer_({fmt::format("arm {}", arm.name), done, count});
  };
  const auto maker = [&](std::size_t first, std::size_t count) {
    return batch(recipe, first, count);
  };
  CALX_ASSIGN(pixels, make_pictures({plan_text(arm), seeds_.size(), settings_.batch, kPixels},
                                    run_.work, run_.threads, maker, progress, stop_));
  sets_.push_back({std::string(arm.name), {std::move(pixels), halves_.first.labels}});
  return {};
}

// The substrate's mean is a digital map of its rank; its pictures must be that map's.
Result<void> Study::check_folded() {
  const auto mean = std::ranges::find(sets_, "mean", &PictureSet::name);
  if (mean == sets_.end()) return {};
  const auto folded = std::ranges::find(kArms, "folded", &PictureArm::name);
  CALX_ASSIGN(recipe, recipe_of(*folded));
  result_.folded_pictures = std::min(settings_.batch, seeds_.size());
  CALX_ASSIGN(bytes, batch(recipe, 0, result_.folded_pictures));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int difference = std::abs(int{bytes[i]} - int{mean->gallery.pixels[i]});
    result_.folded_difference = std::max(result_.folded_difference, double(difference));
  }
  return {};
}

Result<void> Study::score() {
  sets_.push_back({"the other real half", halves_.second});
  CALX_ASSIGN(learnt, eval::take_like(train_, halves_.first.labels));
  sets_.push_back({"training pictures", std::move(learnt)});
  ScoreSettings scoring{.seed = settings_.seed,
                        .replicates = settings_.replicates,
                        .curve = {},
                        .base = 0,
                        .threads = run_.threads};
  for (const std::size_t n : kCurve) {
    if (n <= halves_.first.size()) scoring.curve.push_back(n);
  }
  const auto library = eval::grey_pictures(train_);
  CALX_ASSIGN(scores, score_pictures(judge_->network, halves_.first, sets_, library, scoring,
                                     observer_, stop_));
  result_.scores = std::move(scores);
  return {};
}

std::vector<std::pair<std::string, std::string>> Study::facts() const {
  return {
      {"command", run_.command},
      {"origin", std::string(to_string(Origin::kSoftware))},
      {"thermal noise", "calx-noise-1, stream thermo/step/S of each picture's seed; exact draws"},
      {"seed", settings_.seed.to_string()},
      {"model", run_.model.filename().string()},
      {"model_sha256", to_hex(pictures_.model)},
      {"judge_sha256", judge_->digest},
      {"sampling", fmt::format("{}, {} steps, guidance {:.3f}", settings_.sampler, settings_.steps,
                               settings_.guidance)},
      {"pictures of each set", fmt::format("{}", seeds_.size())},
      {"pictures of one forward pass", fmt::format("{}", settings_.batch)},
      {"fit", fmt::format("{} pictures of each class, every pixel of {}, judged on {} others; {} "
                          "network rows",
                          settings_.fit.pictures, settings_.fit.stride, settings_.fit.checks,
                          statistics_->passes)},
      {"training_pictures", train_.source},
      {"training_sha256", train_.digest},
      {"held_out_pictures", held_out_.source},
      {"held_out_sha256", held_out_.digest},
      {"bootstrap_replicates", fmt::format("{}", settings_.replicates)},
      {"libtorch", nn::torch_version()}};
}

Result<void> Study::describe() {
  WholeEvidence evidence{.settings = settings_,
                         .result = result_,
                         .facts = {},
                         .efforts = {},
                         .curve = {},
                         .sets = sets_,
                         .held_out = held_out_.source,
                         .units = statistics_->shape.out,
                         .pixels = statistics_->shape.pixels(),
                         .fits = {}};
  for (const std::size_t n : kCurve) {
    if (n <= halves_.first.size()) evidence.curve.push_back(n);
  }
  const std::uint64_t macs = network_->last_block_macs();
  std::vector<BlockFitPlan> priced = {{.rank = settings_.rank},
                                      {.rank = settings_.rank, .wired = Wired::kSkip},
                                      {.rank = settings_.rank, .grouping = Grouping::kClass}};
  if (wide_) priced.push_back({.rank = settings_.rank, .reach = 1});
  for (const BlockFitPlan& plan : priced) {
    CALX_ASSIGN(fits, fit_block(statistics_for(plan), plan));
    for (const SkipPath path : {SkipPath::kWritten, SkipPath::kAnalog}) {
      evidence.efforts.push_back(picture_effort(fits, guided(), path, macs));
    }
    Curve curve{inference::describe(plan), fits.times, {}};
    for (std::size_t t = 0; t < fits.times.size(); ++t) {
      curve.r2.push_back(1 - fits.squared_error[t] / fits.squared_total[t]);
    }
    evidence.fits.push_back(std::move(curve));
  }
  evidence.facts = facts();
  CALX_ASSIGN(report, whole_report(evidence));
  result_.report = std::move(report);
  return {};
}

}  // namespace

std::span<const PictureArm> picture_arms() noexcept { return kArms; }

std::string default_arms() {
  std::string names;
  for (std::size_t i = 0; i < kDefaultArms; ++i) {
    names += fmt::format("{}{}", i == 0 ? "" : ",", kArms[i].name);
  }
  return names;
}

Result<WholeResult> study_whole_images(const diffusion::DigitSet& train,
                                       const diffusion::DigitSet& held_out,
                                       const WholeSettings& settings, const WholeRun& run,
                                       const Observer& observer, const std::stop_token& stop) {
  return Study(train, held_out, settings, run, observer, stop).run();
}

}  // namespace calx::inference
