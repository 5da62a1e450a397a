#include "calx/inference/stage_bars.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace calx::inference {
namespace {

// One value a U-Net seed: the mean of `figure` over its splits that have one.
std::vector<double> by_network(const Outcomes& outcomes,
                               const std::function<double(const StageOutcome&)>& figure) {
  std::vector<std::uint32_t> seeds;
  for (const StageOutcome* outcome : outcomes) {
    if (std::ranges::find(seeds, outcome->unet_seed) == seeds.end()) {
      seeds.push_back(outcome->unet_seed);
    }
  }
  std::vector<double> values;
  for (const std::uint32_t seed : seeds) {
    double sum = 0, count = 0;
    for (const StageOutcome* outcome : outcomes) {
      const double value = outcome->unet_seed == seed ? figure(*outcome) : std::nan("");
      if (std::isnan(value)) continue;
      sum += value;
      ++count;
    }
    if (count > 0) values.push_back(sum / count);
  }
  if (values.empty()) values.push_back(std::nan(""));
  return values;
}

class Bars {
 public:
  explicit Bars(bool judged) : judged_(judged) {}

  void add(bool holds, std::string sentence) {
    const Verdict verdict = !judged_ ? Verdict::kNotJudged
                            : holds  ? Verdict::kHolds
                                     : Verdict::kMissed;
    answers_.push_back({verdict, std::move(sentence)});
  }
  void least(std::string_view what, const SeedSpread& s, double bar, int decimals) {
    add(s.mean >= bar, fmt::format("{}: {}, bar >= {}", what, text_of(s, decimals), bar));
  }
  void most(std::string_view what, const SeedSpread& s, double bar, int decimals) {
    add(s.mean <= bar, fmt::format("{}: {}, bar <= {}", what, text_of(s, decimals), bar));
  }
  void tell(std::string sentence) {
    answers_.push_back({Verdict::kNotJudged, std::move(sentence)});
  }
  [[nodiscard]] std::vector<Answer> take() { return std::move(answers_); }

 private:
  bool judged_;
  std::vector<Answer> answers_;
};

// Lost decibels of a row against the digital network, one value a U-Net seed.
SeedSpread loss_of(const Outcomes& outcomes, std::string_view key) {
  return spread_of(by_network(outcomes, [&](const StageOutcome& outcome) {
    const StageRow *row = outcome.find(key), *digital = outcome.find("digital");
    return row && digital ? digital->figures.clean_db - row->figures.clean_db : std::nan("");
  }));
}

void judge_rank(Bars& bars, const Outcomes& outcomes, const StageCSettings& settings) {
  const std::size_t full = *std::ranges::max_element(settings.arms.ranks);
  const std::string mean = fmt::format("rrr-{}", settings.arms.rank);
  const SeedSpread apart = spread_of(by_network(outcomes, [&](const StageOutcome& outcome) {
    const StageRow *low = outcome.find(mean), *high = outcome.find(fmt::format("rrr-{}", full));
    return low && high ? high->figures.raw - low->figures.raw : std::nan("");
  }));
  bars.most(fmt::format("raw cosine of rank {} below full rank {}", settings.arms.rank, full),
            apart, 0.0010, 5);
  std::vector<std::size_t> ranks = settings.arms.ranks;
  std::ranges::sort(ranks);
  std::vector<std::string> broken;
  for (const StageOutcome* outcome : outcomes) {
    for (std::size_t i = 1; i < ranks.size(); ++i) {
      const StageRow* low = outcome->find(fmt::format("rrr-{}", ranks[i - 1]));
      const StageRow* high = outcome->find(fmt::format("rrr-{}", ranks[i]));
      if (!low || !high) continue;
      for (const std::size_t m : {kRaw, kCentred, kR2}) {
        if (metric(high->figures, m) >= metric(low->figures, m)) continue;
        broken.push_back(fmt::format("{} falls from k = {} to {} (network {}, split {})",
                                     m == kRaw       ? "raw cosine"
                                     : m == kCentred ? "centred cosine"
                                                     : "R2",
                                     ranks[i - 1], ranks[i], outcome->unet_seed,
                                     outcome->data_seed));
      }
    }
  }
  bars.add(broken.empty(), broken.empty()
                               ? "cosines and R2 grow with the rank, on every network and split"
                               : fmt::format("growth with the rank: {}", fmt::join(broken, "; ")));
}

void judge_digits(Bars& bars, const Outcomes& outcomes, const StageCSettings& settings) {
  const std::string mean = fmt::format("rrr-{}", settings.arms.rank);
  const std::string snapshot = mean + "-draws-1";
  const std::string both = fmt::format("both-{}", settings.arms.rank);
  bars.least("digits: raw cosine of the mean, no digital parameter",
             spread_of_row(outcomes, mean, kRaw), 0.9945, 4);
  bars.least("digits: raw cosine of one thermal snapshot", spread_of_row(outcomes, snapshot, kRaw),
             0.9906, 4);
  bars.least("digits: R2 of the mean", spread_of_row(outcomes, mean, kR2), 0.97, 3);
  bars.most("digits: control, constant", spread_of_row(outcomes, "constant", kRaw), 0.90, 4);
  bars.most("digits: control, the paper pipeline's answers shuffled",
            spread_of_row(outcomes, "shuffled", kRaw), 0.80, 4);
  bars.most("digits: image loss of the mean in dB, skip coupling alone", loss_of(outcomes, mean),
            1.0, 2);
  bars.most("digits: image loss of the mean in dB, both couplings", loss_of(outcomes, both), 0.7,
            2);
  bars.most("digits: image loss of one snapshot in dB", loss_of(outcomes, snapshot), 1.6, 2);
  judge_rank(bars, outcomes, settings);
  const auto paper = spread_of_row(outcomes, "paper", kR2);
  const auto folded = spread_of_row(outcomes, "paper-folded", kR2);
  bars.tell(
      fmt::format("digits: the published pipeline with its Gram coupling has R2 {}, the same "
                  "parameters without the coupling {}",
                  text_of(paper, 3), text_of(folded, 3)));
  bars.tell(
      "every RRR row is a rank-k linear map, and the same map as digital multiply-adds "
      "(2,048 a pixel at k = 16) gives the same figures: what is shown is that a substrate "
      "can carry it, not that it must");
}

void judge_handwriting(Bars& bars, const Outcomes& outcomes, const StageCSettings& settings) {
  const std::string mean = fmt::format("rrr-{}", settings.arms.rank);
  bars.least("mnist: R2 of the mean", spread_of_row(outcomes, mean, kR2), 0.95, 3);
  bars.least("mnist: centred cosine of the mean", spread_of_row(outcomes, mean, kCentred), 0.95, 3);
  bars.tell(fmt::format("mnist: the constant control has raw cosine {}, the mean of rank {} {}",
                        text_of(spread_of_row(outcomes, "constant", kRaw), 4), settings.arms.rank,
                        text_of(spread_of_row(outcomes, mean, kRaw), 4)));
}

void judge_physics(Bars& bars, const std::vector<StageOutcome>& outcomes) {
  std::size_t runs = 0, missed = 0, twins = 0, unseen = 0, averages = 0, off = 0;
  double difference = 0, training_s = 0, seed_s = 0, proof_s = 0;
  for (const StageOutcome& o : outcomes) {
    for (const auto& c : o.certificates) {
      ++runs;
      missed += c.certificate.passed() ? 0 : 1;
    }
    for (const auto& twin : o.twins) {
      ++twins;
      unseen += twin.found.empty() ? 1 : 0;
    }
    if (o.average) {
      ++averages;
      off += std::abs(o.average->pooled_sigmas) <= kAverageSigmasMax ? 0 : 1;
    }
    difference = std::max(difference, o.folded_difference);
    training_s = std::max(training_s, o.training_cpu_s);
    proof_s = std::max(proof_s, o.proof_cpu_s);
    double of_seed = o.training_cpu_s;
    for (const StageOutcome& other : outcomes) {
      const bool same = other.data == o.data && other.unet_seed == o.unet_seed;
      of_seed += same ? other.judging_cpu_s : 0;
    }
    seed_s = std::max(seed_s, of_seed);
  }
  bars.add(missed == 0, fmt::format("{} of {} thermal runs follow N(mean, kT B^-1) by their "
                                    "certificates, the calibrated trajectories among them",
                                    runs - missed, runs));
  bars.add(unseen == 0,
           fmt::format("{} of {} runs with a fault were found by name", twins - unseen, twins));
  bars.add(off == 0, fmt::format("{} of {} time averages of trajectories agree with the mean by "
                                 "algebra within {:.0f} standard errors",
                                 averages - off, averages, kAverageSigmasMax));
  bars.tell(
      fmt::format("the substrate's mean and the same digital map differ by at most {:.1e} of "
                  "the activations' size",
                  difference));
  bars.add(seed_s <= kSeedCpuSecondsMax,
           fmt::format("one U-Net seed took at most {:.1f} CPU minutes, {:.1f} of them training, "
                       "bar <= {:.0f}; the calibrated trajectory, run once for each kind of "
                       "pictures, took {:.1f} more",
                       seed_s / 60, training_s / 60, kSeedCpuSecondsMax / 60, proof_s / 60));
}

}  // namespace

Outcomes outcomes_of(const std::vector<StageOutcome>& outcomes, std::string_view data) {
  Outcomes chosen;
  for (const StageOutcome& outcome : outcomes) {
    if (outcome.data == data) chosen.push_back(&outcome);
  }
  return chosen;
}

SeedSpread spread_of_row(const Outcomes& outcomes, std::string_view key, std::size_t which) {
  return spread_of(by_network(outcomes, [&](const StageOutcome& outcome) {
    const StageRow* row = outcome.find(key);
    return row ? metric(row->figures, which) : std::nan("");
  }));
}

std::vector<Answer> stage_c_answers(const StageCSettings& settings,
                                    const std::vector<StageOutcome>& outcomes) {
  Bars bars(!settings.quick);
  const Outcomes digits = outcomes_of(outcomes, "digits");
  const Outcomes handwriting = outcomes_of(outcomes, "mnist");
  if (!digits.empty()) judge_digits(bars, digits, settings);
  if (!handwriting.empty()) {
    judge_handwriting(bars, handwriting, settings);
  } else {
    bars.tell("mnist: not run");
  }
  judge_physics(bars, outcomes);
  return bars.take();
}

}  // namespace calx::inference
