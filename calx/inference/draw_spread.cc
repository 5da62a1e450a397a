#include "calx/inference/draw_spread.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "calx/inference/mean_activations.h"
#include "calx/inference/published_arms.h"
#include "calx/inference/reference_table.h"
#include "calx/noise/stream.h"

namespace calx::inference {
namespace {

constexpr double kDeviations = 3;

struct Quantity {
  std::string name;
  double reference;
  std::vector<double> values = {};
};

// In the order of `add`.
std::vector<Quantity> quantities() {
  return {{"oracle", .9966},
          {"full pipeline, with biases", .9955},
          {"decoder shift, %", 7.46},
          {"constant", .9989},
          {"full, inputs shuffled", .9955},
          {"folded digital", .9989},
          {"spread / mean norm of d", .042},
          {"pairwise cosine among test targets", .9978},
          {"largest eigenvalue of J_enc", .0342},
          {"relaxation heat, kT", 4.69}};
}

// 1 and -1, the first choice all 1.
Result<std::vector<double>> draw_signs(const noise::Seed& seed, std::size_t choice,
                                       std::size_t rank) {
  std::vector<double> signs(rank, 1);
  if (choice == 0) return signs;
  std::vector<std::uint32_t> words(rank);
  CALX_ASSIGN(stream, noise::Stream::open(seed, "thermo/signs", choice));
  CALX_TRY(stream.bits({.columns = static_cast<std::uint32_t>(rank)}, words));
  for (std::size_t i = 0; i < rank; ++i) {
    if (words[i] >> 31 != 0) signs[i] = -1;
  }
  return signs;
}

Result<void> add_seed(std::vector<Quantity>& all, const DrawSpreadSettings& s,
                      const noise::Seed& seed, const std::filesystem::path& work,
                      const Observer& observer, const std::stop_token& stop) {
  CALX_ASSIGN(network, nn::PublishedUNet::create(s.network, seed));
  CALX_ASSIGN(images, white_images(seed, 0, s.fit + s.test, s.network));
  CALX_ASSIGN(pairs, mean_activations(network, images, s.units, work, observer, stop));
  CALX_ASSIGN(gram, gram_source(network, s.units, s.onsite_j2));
  const auto fit = pairs.part(0, s.fit), test = pairs.part(s.fit, s.test);
  InterfaceOutput interface;
  for (std::size_t choice = 0; choice < s.signs; ++choice) {
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the spread of seeds stopped");
    CALX_ASSIGN(signs, draw_signs(seed, choice, s.rank));
    CALX_ASSIGN(pair, gram.pair(s.rank, true, signs));
    if (choice == 0) {  // A and B do not depend on the signs
      CALX_ASSIGN(output, run_interface(pair, fit, test, {.seed = seed}));
      interface = std::move(output);
    }
    CALX_ASSIGN(fixed, score_fixed(pair, fit, test));
    CALX_ASSIGN(scores, score_interface(pair, fit, test, interface));
    all[0].values.push_back(of(fixed, Arm::kOracle).published);
    all[1].values.push_back(of(scores, Arm::kFull).published);
    all[2].values.push_back(shift_percent(pair, test));
    all[4].values.push_back(of(scores, Arm::kShuffled).published);
    all[9].values.push_back(pair.heat({test.x, test.d}));
    if (choice > 0) continue;
    all[3].values.push_back(of(fixed, Arm::kConstant).published);
    all[5].values.push_back(of(scores, Arm::kFolded).published);
    all[6].values.push_back(spread_over_mean(test.d, s.units));
    all[7].values.push_back(pairwise_cosine(test.d, s.units));
    all[8].values.push_back((pair.spectra().encoder.largest - 2 * s.onsite_j2) / 2);
  }
  return {};
}

DrawSpread summarise(const std::vector<Quantity>& all, const DrawSpreadSettings& s) {
  DrawSpread spread;
  spread.table = {
      "The same over seeds and signs",
      fmt::format("{} seeds of weights, inputs and interface, the first being this report's; where "
                  "the coupling matters, {} choices of the singular vectors' signs for each. The "
                  "reference is one seed and one library's signs: is it a draw like these?",
                  s.seeds, s.signs),
      {"quantity", "mean", "s.d.", "least", "greatest", "reference", "s.d. away", "verdict"},
      {}};
  std::vector<std::string> outside;
  for (const Quantity& q : all) {
    double sum = 0, square = 0;
    for (const double v : q.values) sum += v;
    const auto n = static_cast<double>(q.values.size());
    for (const double v : q.values) square += (v - sum / n) * (v - sum / n);
    const double deviation = std::sqrt(square / (n - 1));
    const double away = (q.reference - sum / n) / deviation;
    const bool inside = std::abs(away) <= kDeviations;
    if (!inside) outside.push_back(q.name);
    const auto [least, greatest] = std::ranges::minmax(q.values);
    spread.table.rows.push_back(
        {q.name, figure(sum / n), fmt::format("{:.2g}", deviation), figure(least), figure(greatest),
         figure(q.reference), fmt::format("{:+.1f}", away),
         std::string(to_string(!s.judged ? Verdict::kNotJudged
                                         : (inside ? Verdict::kHolds : Verdict::kMissed)))});
  }
  spread.answer.verdict =
      !s.judged ? Verdict::kNotJudged : (outside.empty() ? Verdict::kHolds : Verdict::kMissed);
  spread.answer.sentence = fmt::format(
      "the reference is a draw like those of {} seeds and their signs: {} of {} "
      "quantities lie within {} standard deviations{}{}",
      s.seeds, all.size() - outside.size(), all.size(), kDeviations,
      outside.empty() ? "" : ", not ", fmt::join(outside, ", "));
  return spread;
}

}  // namespace

Result<DrawSpread> draw_spread(const DrawSpreadSettings& s, const std::filesystem::path& work,
                               const Observer& observer, const std::stop_token& stop) {
  if (s.seeds < 2 || s.signs == 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("spread of {} seeds and {} signs, wanted 2 seeds and 1 choice or more",
                            s.seeds, s.signs));
  }
  auto all = quantities();
  for (std::size_t i = 0; i < s.seeds; ++i) {
    auto seed = noise::Seed::from_text(fmt::format("stage-a {} {}", s.seed.to_string(), i));
    if (!seed) return fail(std::move(seed));
    CALX_TRY(add_seed(all, s, i == 0 ? s.seed : *seed, work, observer, stop));
  }
  return summarise(all, s);
}

}  // namespace calx::inference
