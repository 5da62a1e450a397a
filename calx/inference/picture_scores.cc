#include "calx/inference/picture_scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "calx/base/hex.h"
#include "calx/eval/frechet.h"
#include "calx/eval/judge.h"
#include "calx/eval/nearest.h"
#include "calx/hash/sha256.h"

namespace calx::inference {
namespace {

constexpr std::uint64_t kReplicatesMin = 20, kReplicatesMax = 1'000'000;
constexpr double kConfidence = 0.95;

class Scorer {
 public:
  Scorer(const nn::Classifier& judge, const eval::Gallery& reference,
         std::span<const PictureSet> sets, const ScoreSettings& settings, const Observer& observer,
         const std::stop_token& stop)
      : judge_(judge),
        reference_(reference),
        sets_(sets),
        settings_(settings),
        observer_(observer),
        stop_(stop),
        width_(static_cast<std::size_t>(judge.config().features)),
        scores_(sets.size()) {}

  Result<std::vector<Score>> run(std::span<const std::uint8_t> training_pictures) {
    CALX_TRY(check());
    CALX_TRY(judge());
    CALX_TRY(measure());
    CALX_TRY(resample());
    CALX_TRY(compare(training_pictures));
    return std::move(scores_);
  }

 private:
  Result<void> check() const;
  Result<void> judge();
  Result<void> measure();
  Result<void> resample();
  Result<void> replicate(std::uint64_t r, const eval::Resampler& reference,
                         std::span<const eval::Resampler> of_set,
                         std::vector<std::vector<double>>& out) const;
  Result<void> compare(std::span<const std::uint8_t> training_pictures);
  Result<double> distance(std::span<const float> features,
                          std::span<const std::uint32_t> counts) const;
  Result<void> still_wanted() const {
    if (stop_.stop_requested()) return fail(ErrorCode::kCancelled, "scoring was stopped");
    return {};
  }
  void show(const char* stage, std::size_t done, std::size_t count) const {
    if (observer_) observer_({stage, done, count});
  }

  const nn::Classifier& judge_;
  const eval::Gallery& reference_;
  std::span<const PictureSet> sets_;
  const ScoreSettings& settings_;
  const Observer& observer_;
  const std::stop_token& stop_;
  std::size_t width_;
  std::vector<Score> scores_;
  eval::Judgement truth_;
  std::vector<eval::Judgement> judgements_;
};

Result<void> Scorer::check() const {
  if (settings_.replicates < kReplicatesMin || settings_.replicates > kReplicatesMax ||
      settings_.base >= sets_.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} replicates: wanted {} to {}", settings_.replicates, kReplicatesMin,
                            kReplicatesMax));
  }
  for (const PictureSet& set : sets_) {
    if (set.gallery.labels == reference_.labels) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("set {}: {} pictures, wanted the {} classes of the reference", set.name,
                            set.gallery.size(), reference_.size()));
  }
  for (const std::size_t n : settings_.curve) {
    if (n >= 2 && n <= reference_.size()) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("curve at {} pictures: wanted 2 to {}", n, reference_.size()));
  }
  return {};
}

Result<void> Scorer::judge() {
  CALX_ASSIGN(truth, eval::judge_pictures(judge_, reference_.pixels, settings_.threads));
  truth_ = std::move(truth);
  for (std::size_t s = 0; s < sets_.size(); ++s) {
    CALX_TRY(still_wanted());
    show("judging", s, sets_.size());
    const eval::Gallery& gallery = sets_[s].gallery;
    CALX_ASSIGN(found, eval::judge_pictures(judge_, gallery.pixels, settings_.threads));
    Score& score = scores_[s];
    score.name = sets_[s].name;
    score.digest = to_hex(hash::sha256(std::span<const std::uint8_t>(gallery.pixels)));
    score.correct = eval::count_equal(found.classes, gallery.labels);
    score.accuracy =
        eval::wilson_interval(score.correct, static_cast<std::int64_t>(gallery.size()));
    judgements_.push_back(std::move(found));
  }
  return {};
}

// To the reference with the same counts.
Result<double> Scorer::distance(std::span<const float> features,
                                std::span<const std::uint32_t> counts) const {
  CALX_ASSIGN(truth, eval::fit_gaussian(truth_.features, width_, counts));
  CALX_ASSIGN(cloud, eval::fit_gaussian(features, width_, counts));
  return eval::frechet_distance(truth, cloud);
}

Result<void> Scorer::measure() {
  for (std::size_t s = 0; s < sets_.size(); ++s) {
    CALX_ASSIGN(whole, distance(judgements_[s].features, {}));
    scores_[s].distance = whole;
    for (const std::size_t n : settings_.curve) {
      std::vector<std::uint32_t> counts(reference_.size());
      for (std::size_t i = 0; i < n; ++i) counts[i * reference_.size() / n] = 1;
      CALX_ASSIGN(part, distance(judgements_[s].features, counts));
      scores_[s].curve.push_back(part);
    }
  }
  for (Score& score : scores_) score.ratio = score.distance / scores_[settings_.base].distance;
  return {};
}

Result<void> Scorer::replicate(std::uint64_t r, const eval::Resampler& reference,
                               std::span<const eval::Resampler> of_set,
                               std::vector<std::vector<double>>& out) const {
  std::vector<std::uint32_t> counts(reference_.size());
  CALX_TRY(reference.draw(r, counts));
  CALX_ASSIGN(drawn, eval::fit_gaussian(truth_.features, width_, counts));
  for (std::size_t s = 0; s < sets_.size(); ++s) {
    CALX_TRY(of_set[s].draw(r, counts));
    CALX_ASSIGN(cloud, eval::fit_gaussian(judgements_[s].features, width_, counts));
    CALX_ASSIGN(value, eval::frechet_distance(drawn, cloud));
    out[s][r] = value;
  }
  return {};
}

Result<void> Scorer::resample() {
  CALX_ASSIGN(reference,
              eval::Resampler::create(settings_.seed, "bootstrap/reference", reference_.labels));
  // With the same words for every set: those of equal classes at equal places take the same places.
  std::vector<eval::Resampler> of_set;
  for (const PictureSet& set : sets_) {
    CALX_ASSIGN(resampler,
                eval::Resampler::create(settings_.seed, "bootstrap/set", set.gallery.labels));
    of_set.push_back(std::move(resampler));
  }
  const std::size_t count = settings_.replicates;
  std::vector<std::vector<double>> distances(sets_.size(), std::vector<double>(count));
  std::atomic<std::size_t> next{0}, done{0};
  std::mutex mutex;  // guards error and the observer
  std::optional<Error> error;
  const auto work = [&] {
    for (std::size_t r = next++; r < count; r = next++) {
      auto result = still_wanted();
      if (result) result = replicate(r, reference, of_set, distances);
      const std::lock_guard lock(mutex);
      if (!result) {
        if (!error) error = std::move(result).error();
        next = count;
        return;
      }
      show("bootstrap", ++done, count);
    }
  };
  {
    std::vector<std::jthread> pool;
    for (int i = 0; i < std::max(settings_.threads, 1); ++i) pool.emplace_back(work);
  }
  if (error) return std::unexpected(std::move(*error));
  const auto& base = distances[settings_.base];
  for (std::size_t s = 0; s < sets_.size(); ++s) {
    scores_[s].deviation = eval::standard_deviation(distances[s]);
    std::vector<double> ratios(count);
    std::ranges::transform(distances[s], base, ratios.begin(), std::divides<>());
    scores_[s].ratio_interval = eval::percentile_interval(std::move(ratios), kConfidence);
  }
  return {};
}

Result<void> Scorer::compare(std::span<const std::uint8_t> training_pictures) {
  const std::size_t pixels = reference_.pixels.size() / reference_.size();
  for (std::size_t s = 0; s < sets_.size(); ++s) {
    CALX_TRY(still_wanted());
    show("precision, recall, copies", s, sets_.size());
    CALX_ASSIGN(manifold, eval::compare_manifolds(truth_.features, judgements_[s].features, width_,
                                                  eval::kManifoldNeighbours, settings_.threads));
    scores_[s].manifold = manifold;
    CALX_ASSIGN(found, eval::nearest(sets_[s].gallery.pixels, training_pictures, pixels,
                                     settings_.threads));
    std::vector<double> distances;
    for (const auto& neighbour : found) distances.push_back(neighbour.distance);
    scores_[s].nearest = eval::quantile(std::move(distances), 0.5);
    scores_[s].copies = std::ranges::count_if(found, eval::is_copy);
  }
  return {};
}

}  // namespace

Result<std::vector<Score>> score_pictures(const nn::Classifier& judge,
                                          const eval::Gallery& reference,
                                          std::span<const PictureSet> sets,
                                          std::span<const std::uint8_t> training_pictures,
                                          const ScoreSettings& settings, const Observer& observer,
                                          const std::stop_token& stop) {
  return Scorer(judge, reference, sets, settings, observer, stop).run(training_pictures);
}

}  // namespace calx::inference
