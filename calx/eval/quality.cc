#include "calx/eval/quality.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/base/origin.h"
#include "calx/diffusion/model_file.h"
#include "calx/diffusion/sampler.h"
#include "calx/diffusion/training_page.h"
#include "calx/eval/frechet.h"
#include "calx/eval/held_out.h"
#include "calx/eval/judge.h"
#include "calx/eval/nearest.h"
#include "calx/eval/sample_set.h"
#include "calx/hash/sha256.h"
#include "calx/nn/threads.h"
#include "calx/noise/stream.h"

namespace calx::eval {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kConfidence = 0.95;
constexpr std::uint64_t kReplicatesMax = 1'000'000;
constexpr std::size_t kClosestShown = 8, kExamplesOfClass = 10;
constexpr std::size_t kPixels = std::size_t{diffusion::kDigitSide} * diffusion::kDigitSide;

// A set of pictures with all that is computed of it once.
struct Cloud {
  std::string name;
  Gallery gallery;
  Judgement judgement;
};
enum Place : std::size_t { kHash, kTorch, kReal, kTrain, kNoise, kPlaces };

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Runs body(i) for i = 0..count-1 on `threads` threads; the first error or a stop ends it.
template <class Body>
Result<void> for_each(std::size_t count, int threads, std::string_view stage,
                      const StudyObserver& observer, const std::stop_token& stop, Body&& body) {
  std::atomic<std::size_t> next{0}, done{0};
  std::mutex mutex;  // guards error and the observer
  std::optional<Error> error;
  const auto started = Clock::now();
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      Result<void> result = stop.stop_requested()
                                ? Result<void>(fail(ErrorCode::kCancelled, "the study was stopped"))
                                : body(i);
      const std::lock_guard lock(mutex);
      if (!result) {
        if (!error) error = std::move(result).error();
        next = count;
        return;
      }
      const std::size_t now = ++done;
      const double each = seconds_since(started) / static_cast<double>(now);
      if (observer) {
        observer({std::string(stage), now, count, each * static_cast<double>(count - now)});
      }
    }
  };
  {
    std::vector<std::jthread> pool;
    for (int i = 0; i < std::max(threads, 1); ++i) pool.emplace_back(work);
  }
  if (error) return std::unexpected(std::move(*error));
  return {};
}

class Study {
 public:
  Study(const diffusion::DigitSet& train, const diffusion::DigitSet& held_out,
        const QualitySettings& settings, const QualityRun& run, const StudyObserver& observer,
        const std::stop_token& stop)
      : train_(train),
        held_out_(held_out),
        settings_(settings),
        run_(run),
        observer_(observer),
        stop_(stop) {}

  Result<QualityReport> run() {
    const auto started = Clock::now();
    CALX_TRY(load());
    CALX_TRY(generate());
    CALX_TRY(judge_sets());
    CALX_TRY(measure());
    CALX_TRY(compare_arms());
    CALX_TRY(search_copies());
    decide();
    report_.seconds = seconds_since(started);
    report_.facts.emplace_back("seconds", fmt::format("{:.0f}", report_.seconds));
    CALX_TRY(write());
    return std::move(report_);
  }

 private:
  Result<void> load();
  Result<void> generate();
  Result<Gallery> samples(InitialNoise noise);
  Result<void> judge_sets();
  Result<void> measure();
  Result<void> compare_arms();
  Result<void> search_copies();
  void decide();
  Result<void> write();

  [[nodiscard]] std::size_t width() const {
    return static_cast<std::size_t>(judge_->network.config().features);
  }
  void show(std::string stage) const {
    if (observer_) observer_({std::move(stage), 0, 0, -1.0});
  }

  const diffusion::DigitSet& train_;
  const diffusion::DigitSet& held_out_;
  const QualitySettings& settings_;
  const QualityRun& run_;
  const StudyObserver& observer_;
  const std::stop_token& stop_;
  hash::Digest model_digest_{};
  std::optional<nn::UNet> network_;
  std::optional<Judge> judge_;
  Gallery reference_;
  Judgement reference_judgement_;
  std::vector<Cloud> clouds_;
  QualityReport report_;
};

Result<void> Study::load() {
  show("reading");
  if (settings_.replicates < 20 || settings_.replicates > kReplicatesMax ||
      settings_.permutations < 20 || settings_.permutations > kReplicatesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} replicates and {} permutations: wanted 20 to {} of each",
                            settings_.replicates, settings_.permutations, kReplicatesMax));
  }
  nn::set_threads(run_.threads);
  CALX_ASSIGN(bytes, read_file(run_.model, diffusion::kModelBytesMax));
  model_digest_ = hash::sha256(std::span<const std::uint8_t>(bytes));
  CALX_ASSIGN(model, diffusion::parse_model(bytes));
  CALX_ASSIGN(network, nn::UNet::load(model.config, model.parameters));
  network_.emplace(std::move(network));
  CALX_ASSIGN(judge, load_judge(run_.judge));
  judge_.emplace(std::move(judge));
  CALX_ASSIGN(halves, split_halves(held_out_, settings_.count));
  reference_ = std::move(halves.first);
  report_.count = reference_.size();
  report_.held_out = held_out_.source;
  clouds_.resize(kPlaces);
  clouds_[kReal] = {"the other real half", std::move(halves.second), {}};
  CALX_ASSIGN(learnt, take_like(train_, reference_.labels));
  clouds_[kTrain] = {"training pictures", std::move(learnt), {}};
  report_.facts = {{"command", run_.command},
                   {"origin", std::string(to_string(Origin::kSoftware))},
                   {"seed", settings_.seed.to_string()},
                   {"model", run_.model.filename().string()},
                   {"model_sha256", to_hex(model_digest_)},
                   {"judge_sha256", judge_->digest},
                   {"sampling", fmt::format("{}, {} steps, guidance {:.3f}", settings_.sampler,
                                            settings_.steps, settings_.guidance)},
                   {"training_pictures", train_.source},
                   {"training_sha256", train_.digest},
                   {"held_out_pictures", held_out_.source},
                   {"held_out_sha256", held_out_.digest},
                   {"pictures_of_each_set", fmt::format("{}", report_.count)},
                   {"bootstrap_replicates", fmt::format("{}", settings_.replicates)},
                   {"permutations", fmt::format("{}", settings_.permutations)},
                   {"libtorch", nn::torch_version()}};
  return {};
}

Result<Gallery> Study::samples(InitialNoise noise) {
  SamplePlan plan{model_digest_,   settings_.seed,   noise, settings_.sampler, settings_.guidance,
                  settings_.steps, reference_.labels};
  const auto started = Clock::now();
  const auto progress = [&](std::size_t made_now, std::size_t done, std::size_t count) {
    const double each = seconds_since(started) / static_cast<double>(made_now);
    if (observer_) {
      observer_({fmt::format("pictures from {} noise", to_string(noise)), done, count,
                 each * static_cast<double>(count - done)});
    }
  };
  CALX_ASSIGN(set, make_samples(*network_, plan, {run_.work, run_.threads}, progress, stop_));
  return Gallery{std::move(set.pixels), reference_.labels};
}

Result<void> Study::generate() {
  CALX_ASSIGN(from_hash, samples(InitialNoise::kHash));
  CALX_ASSIGN(from_torch, samples(InitialNoise::kTorch));
  clouds_[kHash] = {"generated, hash noise", std::move(from_hash), {}};
  clouds_[kTorch] = {"generated, torch noise", std::move(from_torch), {}};
  Gallery noise{{}, reference_.labels};
  std::vector<float> picture(kPixels);
  CALX_ASSIGN(stream, noise::Stream::open(settings_.seed, "study/noise", 0));
  noise::Region region;
  region.rows = region.columns = diffusion::kDigitSide;
  for (std::size_t k = 0; k < noise.size(); ++k) {
    region.channel_first = static_cast<std::uint32_t>(k);
    CALX_TRY(stream.normal(region, picture));
    const auto image = diffusion::to_image(picture, diffusion::kDigitSide);
    noise.pixels.insert(noise.pixels.end(), image.pixels.begin(), image.pixels.end());
  }
  clouds_[kNoise] = {"plain noise", std::move(noise), {}};
  for (std::size_t label = 0; label < diffusion::kDigitClasses; ++label) {
    std::size_t shown = 0;
    for (std::size_t k = 0; k < reference_.size() && shown < kExamplesOfClass; ++k) {
      if (reference_.labels[k] != static_cast<std::int32_t>(label)) continue;
      const auto pixels = std::span(clouds_[kHash].gallery.pixels).subspan(k * kPixels, kPixels);
      report_.examples.push_back(
          {diffusion::kDigitSide, diffusion::kDigitSide, 1, {pixels.begin(), pixels.end()}});
      ++shown;
    }
  }
  return {};
}

Result<void> Study::judge_sets() {
  show("judging");
  const auto& network = judge_->network;
  CALX_ASSIGN(all, judge_pictures(network, grey_pictures(held_out_), run_.threads));
  report_.judge_correct = count_equal(all.classes, held_out_.labels);
  report_.judge_judged = static_cast<std::int64_t>(held_out_.size());
  CALX_ASSIGN(reference, judge_pictures(network, reference_.pixels, run_.threads));
  reference_judgement_ = std::move(reference);
  for (auto& cloud : clouds_) {
    CALX_ASSIGN(judgement, judge_pictures(network, cloud.gallery.pixels, run_.threads));
    cloud.judgement = std::move(judgement);
    QualitySet set;
    set.name = cloud.name;
    set.digest = to_hex(hash::sha256(std::span<const std::uint8_t>(cloud.gallery.pixels)));
    set.correct_by_class.resize(diffusion::kDigitClasses);
    set.count_by_class.resize(diffusion::kDigitClasses);
    for (std::size_t k = 0; k < cloud.gallery.size(); ++k) {
      const auto label = static_cast<std::size_t>(cloud.gallery.labels[k]);
      const bool right = cloud.judgement.classes[k] == cloud.gallery.labels[k];
      ++set.count_by_class[label];
      set.correct_by_class[label] += right ? 1 : 0;
      set.correct += right ? 1 : 0;
    }
    set.accuracy = wilson_interval(set.correct, static_cast<std::int64_t>(cloud.gallery.size()));
    report_.sets.push_back(std::move(set));
  }
  return {};
}

Result<void> Study::measure() {
  CALX_ASSIGN(reference, fit_gaussian(reference_judgement_.features, width()));
  for (std::size_t place = 0; place < kPlaces; ++place) {
    CALX_ASSIGN(cloud, fit_gaussian(clouds_[place].judgement.features, width()));
    CALX_ASSIGN(distance, frechet_distance(reference, cloud));
    report_.sets[place].distance = distance;
  }
  // Every set draws with the same words, so the two arms, whose classes agree item by item, take
  // the same items: a paired bootstrap. The reference is drawn anew too, once for all sets.
  CALX_ASSIGN(of_reference,
              Resampler::create(settings_.seed, "bootstrap/reference", reference_.labels));
  std::vector<Resampler> of_set;
  for (const auto& cloud : clouds_) {
    CALX_ASSIGN(resampler,
                Resampler::create(settings_.seed, "bootstrap/set", cloud.gallery.labels));
    of_set.push_back(std::move(resampler));
  }
  std::vector<std::vector<double>> distances(kPlaces, std::vector<double>(settings_.replicates));
  const auto replicate = [&](std::size_t r) -> Result<void> {
    std::vector<std::uint32_t> counts(reference_.size());
    CALX_TRY(of_reference.draw(r, counts));
    CALX_ASSIGN(drawn, fit_gaussian(reference_judgement_.features, width(), counts));
    for (std::size_t place = 0; place < kPlaces; ++place) {
      CALX_TRY(of_set[place].draw(r, counts));
      CALX_ASSIGN(cloud, fit_gaussian(clouds_[place].judgement.features, width(), counts));
      CALX_ASSIGN(distance, frechet_distance(drawn, cloud));
      distances[place][r] = distance;
    }
    return {};
  };
  CALX_TRY(for_each(settings_.replicates, run_.threads, "bootstrap", observer_, stop_, replicate));
  for (std::size_t place = 0; place < kPlaces; ++place) {
    report_.sets[place].deviation = standard_deviation(distances[place]);
  }
  std::vector<double> differences(settings_.replicates);
  std::ranges::transform(distances[kHash], distances[kTorch], differences.begin(), std::minus<>());
  report_.difference = report_.sets[kHash].distance - report_.sets[kTorch].distance;
  report_.difference_interval = percentile_interval(differences, kConfidence);
  report_.equality_bound = kEqualityShare * report_.sets[kReal].distance;
  return {};
}

// If the source of the noise did not matter, picture k of one arm and picture k of the other could
// be exchanged without notice.
Result<void> Study::compare_arms() {
  const auto& first = clouds_[kHash].judgement.features;
  const auto& second = clouds_[kTorch].judgement.features;
  const auto distance_after = [&](std::span<const std::uint32_t> coins) -> Result<double> {
    auto a = first, b = second;
    for (std::size_t k = 0; k < coins.size(); ++k) {
      if (coins[k] >> 31 == 0) continue;
      const auto at = static_cast<std::ptrdiff_t>(k * width());
      std::swap_ranges(a.begin() + at, a.begin() + at + static_cast<std::ptrdiff_t>(width()),
                       b.begin() + at);
    }
    CALX_ASSIGN(fit_a, fit_gaussian(a, width()));
    CALX_ASSIGN(fit_b, fit_gaussian(b, width()));
    return frechet_distance(fit_a, fit_b);
  };
  CALX_ASSIGN(mutual, distance_after({}));
  report_.mutual = mutual;
  std::vector<double> by_chance(settings_.permutations);
  const auto exchange = [&](std::size_t r) -> Result<void> {
    std::vector<std::uint32_t> coins(reference_.size());
    CALX_ASSIGN(stream, noise::Stream::open(settings_.seed, "study/exchange", r));
    noise::Region region;
    region.columns = static_cast<std::uint32_t>(coins.size());
    CALX_TRY(stream.bits(region, coins));
    CALX_ASSIGN(distance, distance_after(coins));
    by_chance[r] = distance;
    return {};
  };
  CALX_TRY(for_each(settings_.permutations, run_.threads, "exchanges", observer_, stop_, exchange));
  report_.mutual_by_chance = percentile_interval(by_chance, kConfidence);
  const auto as_far = std::ranges::count_if(by_chance, [&](double d) { return d >= mutual; });
  report_.mutual_p =
      static_cast<double>(as_far + 1) / static_cast<double>(settings_.permutations + 1);
  return {};
}

Result<void> Study::search_copies() {
  show("looking for copies");
  const auto library = grey_pictures(train_);
  const auto real = grey_pictures(held_out_);
  const std::vector<std::pair<std::string, std::span<const std::uint8_t>>> rows = {
      {clouds_[kHash].name, clouds_[kHash].gallery.pixels},
      {clouds_[kTorch].name, clouds_[kTorch].gallery.pixels},
      {"real, held out", real}};
  std::vector<std::vector<Neighbour>> found;
  for (const auto& [name, pixels] : rows) {
    if (stop_.stop_requested()) return fail(ErrorCode::kCancelled, "the study was stopped");
    CALX_ASSIGN(neighbours, nearest(pixels, library, kPixels, run_.threads));
    found.push_back(std::move(neighbours));
  }
  const auto distances = [](const std::vector<Neighbour>& neighbours) {
    std::vector<double> values;
    for (const auto& neighbour : neighbours) values.push_back(neighbour.distance);
    return values;
  };
  const double threshold = quantile(distances(found.back()), kNearShare);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto values = distances(found[row]);
    NearnessRow out{
        rows[row].first, std::ssize(values), quantile(values, 0), quantile(values, 0.5), 0, {}, 0};
    out.near = std::ranges::count_if(values, [&](double d) { return d < threshold; });
    out.near_share = wilson_interval(out.near, out.pictures);
    out.copies = std::ranges::count_if(found[row], is_copy);
    report_.nearness.push_back(std::move(out));
  }
  std::vector<std::size_t> order(found[0].size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  std::ranges::stable_sort(order, {}, [&](std::size_t k) { return found[0][k].distance; });
  order.resize(std::min(order.size(), kClosestShown));
  const auto image = [](std::span<const std::uint8_t> pixels, std::size_t k) {
    const auto part = pixels.subspan(k * kPixels, kPixels);
    return format::Image{
        diffusion::kDigitSide, diffusion::kDigitSide, 1, {part.begin(), part.end()}};
  };
  for (const std::size_t k : order) {
    report_.closest.push_back(
        {image(rows[0].second, k), image(library, found[0][k].index), found[0][k].distance});
  }
  return {};
}

void Study::decide() {
  report_.accuracy = judge_accuracy(report_);
  report_.equality = judge_equality(report_);
  report_.memory = judge_memory(report_);
}

Result<void> Study::write() {
  std::error_code error;
  std::filesystem::create_directories(run_.out, error);
  report_.answers = answer(report_);
  report_.markdown = run_.out / "quality.md";
  report_.json = run_.out / "quality.json";
  report_.page = run_.out / "quality.html";
  CALX_TRY(write_file(report_.markdown, render_markdown(report_)));
  CALX_ASSIGN(json, render_json(report_));
  CALX_TRY(write_file(report_.json, json));
  CALX_ASSIGN(page, render_page(report_));
  return write_file(report_.page, page);
}

}  // namespace

Verdict judge_accuracy(const QualityReport& report) noexcept {
  const auto bar = kAccuracyBar * static_cast<double>(report.count);
  return static_cast<double>(report.sets[kHash].correct) >= bar ? Verdict::kHolds : Verdict::kFails;
}

Verdict judge_equality(const QualityReport& report) noexcept {
  const Interval& interval = report.difference_interval;
  if (interval.within(report.equality_bound)) return Verdict::kHolds;
  const bool apart = interval.low > report.equality_bound || interval.high < -report.equality_bound;
  return apart ? Verdict::kFails : Verdict::kUndecided;
}

Verdict judge_memory(const QualityReport& report) noexcept {
  const auto& made = report.nearness.front();
  const auto& real = report.nearness.back();
  return wilson_interval(made.copies, made.pictures).low <=
                 wilson_interval(real.copies, real.pictures).high
             ? Verdict::kHolds
             : Verdict::kFails;
}

Result<QualityReport> study_quality(const diffusion::DigitSet& train,
                                    const diffusion::DigitSet& held_out,
                                    const QualitySettings& settings, const QualityRun& run,
                                    const StudyObserver& observer, const std::stop_token& stop) {
  return Study(train, held_out, settings, run, observer, stop).run();
}

}  // namespace calx::eval
