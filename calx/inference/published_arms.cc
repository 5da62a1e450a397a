#include "calx/inference/published_arms.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/base/assert.h"
#include "calx/thermo/coupling_fit.h"
#include "calx/thermo/interface_net.h"
#include "calx/thermo/pair_statistics.h"
#include "calx/thermo/published_pair.h"

namespace calx::inference {
namespace {

constexpr double kWeightDecay = 1e-4;

// The two networks must not share their draws.
Result<std::shared_ptr<const thermo::NoiseSource>> source_of(const noise::Seed& seed,
                                                             std::string_view part) {
  CALX_ASSIGN(own, noise::Seed::from_text(fmt::format("calx {} {}", part, seed.to_string())));
  return thermo::philox_noise(own);
}

std::vector<float> repeated(const std::vector<double>& row, std::size_t count) {
  std::vector<float> rows;
  rows.reserve(count * row.size());
  for (std::size_t i = 0; i < count; ++i) {
    for (const double value : row) rows.push_back(static_cast<float>(value));
  }
  return rows;
}

struct Scorer {
  const ChannelPairs& test;
  std::vector<double> centre;
  std::vector<ArmScore> scores = {};

  Result<void> add(Arm arm, const std::vector<float>& y) {
    CALX_ASSIGN(agreement, agree(y, test.d, test.units, centre));
    scores.push_back({arm, agreement});
    return {};
  }
};

}  // namespace

Result<DensePair> GramSource::pair(std::size_t rank, bool normalise,
                                   std::span<const double> signs) const {
  CALX_ASSIGN(substrate, thermo::published_pair(encoder, decoder, units, rank,
                                                {.onsite_j2 = onsite_j2, .normalise = normalise}));
  if (!signs.empty() && signs.size() != rank) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("published pair: {} signs, wanted {}", signs.size(), rank));
  }
  auto& strength = substrate.couplings[0].strength;
  for (std::size_t i = 0; i < signs.size(); ++i) strength[i] *= signs[i];
  return DensePair::of(substrate);
}

Result<GramSource> gram_source(const nn::PublishedUNet& network, std::size_t units,
                               double onsite_j2) {
  CALX_ASSIGN(encoder, first_convolution(network, "e1"));
  CALX_ASSIGN(decoder, first_convolution(network, "d1"));
  return GramSource{std::move(encoder), std::move(decoder), units, onsite_j2};
}

std::string_view to_string(Arm arm) noexcept {
  switch (arm) {
    case Arm::kOracle:
      return "oracle";
    case Arm::kConsistentOracle:
      return "consistent oracle";
    case Arm::kConstant:
      return "constant (fit mean)";
    case Arm::kNoEncoder:
      return "b_enc = 0, b_dec = B d_mean";
    case Arm::kEncoderOracle:
      return "encoder + oracle decoder bias";
    case Arm::kFull:
      return "full pipeline";
    case Arm::kShuffled:
      return "full, inputs shuffled";
    case Arm::kFolded:
      return "folded digital (no substrate)";
    case Arm::kSkipOnly:
      return "skip only";
  }
  return "";
}

Result<InterfaceOutput> run_interface(const DensePair& pair, const ChannelPairs& fit,
                                      const ChannelPairs& test, const InterfaceRecipe& recipe) {
  const std::size_t units = pair.units();
  if (fit.units != units || test.units != units || fit.count() < 2 || test.count() < 2) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("interface: pairs of {} and {} channels for modules of {} units, "
                            "wanted equal numbers and at least two pairs",
                            fit.units, test.units, units));
  }
  const auto bias_x = pair.encoder_bias(fit.x), bias_d = pair.decoder_bias(fit.d);
  CALX_ASSIGN(source1, source_of(recipe.seed, "bottleneck"));
  CALX_ASSIGN(source2, source_of(recipe.seed, "transfer"));
  CALX_ASSIGN(bottleneck, thermo::InterfaceNet::create(
                              thermo::bottleneck_shape(units, recipe.biases), source1));
  CALX_ASSIGN(transfer,
              thermo::InterfaceNet::create(thermo::transfer_shape(units, recipe.biases), source2));
  thermo::FitOptions options;
  options.weight_decay = kWeightDecay;
  options.steps = recipe.bottleneck_steps;
  CALX_TRY(bottleneck.fit(fit.x, bias_x, options));
  options.steps = recipe.transfer_steps;
  CALX_TRY(transfer.fit(bias_x, bias_d, options));
  InterfaceOutput out;
  out.bias.encoder = bottleneck.apply(test.x);
  out.bias.decoder = transfer.apply(out.bias.encoder);
  out.parameters = bottleneck.parameters() + transfer.parameters();
  return out;
}

Result<std::vector<ArmScore>> score_fixed(const DensePair& pair, const ChannelPairs& fit,
                                          const ChannelPairs& test) {
  Scorer scorer{test, row_mean(fit.d, fit.units)};
  const auto oracle = pair.rest(pair.encoder_bias(test.x), pair.decoder_bias(test.d));
  CALX_TRY(scorer.add(Arm::kOracle, oracle.decoder));
  const auto bias = pair.consistent_bias(test.x, test.d);
  CALX_TRY(scorer.add(Arm::kConsistentOracle, pair.rest(bias.encoder, bias.decoder).decoder));
  const auto constant = repeated(scorer.centre, test.count());
  CALX_TRY(scorer.add(Arm::kConstant, constant));
  const std::vector<float> zero(test.x.size());
  CALX_TRY(scorer.add(Arm::kNoEncoder, pair.rest(zero, pair.decoder_bias(constant)).decoder));
  return std::move(scorer.scores);
}

Result<std::vector<ArmScore>> score_interface(const DensePair& pair, const ChannelPairs& fit,
                                              const ChannelPairs& test,
                                              const InterfaceOutput& interface) {
  Scorer scorer{test, row_mean(fit.d, fit.units)};
  const auto& bias = interface.bias;
  CALX_TRY(
      scorer.add(Arm::kEncoderOracle, pair.rest(bias.encoder, pair.decoder_bias(test.d)).decoder));
  auto full = pair.rest(bias.encoder, bias.decoder).decoder;
  CALX_TRY(scorer.add(Arm::kFull, full));
  const auto half = static_cast<std::ptrdiff_t>(test.count() / 2 * test.units);
  std::ranges::rotate(full, full.begin() + half);
  CALX_TRY(scorer.add(Arm::kShuffled, full));
  CALX_TRY(scorer.add(Arm::kFolded, pair.decoder_alone(bias.decoder)));
  const std::vector<float> zero(test.x.size());
  CALX_TRY(scorer.add(Arm::kSkipOnly, pair.rest(bias.encoder, zero).decoder));
  return std::move(scorer.scores);
}

const Agreement& of(const std::vector<ArmScore>& scores, Arm arm) {
  const auto found = std::ranges::find(scores, arm, &ArmScore::arm);
  CALX_ASSERT(found != scores.end());
  return found->agreement;
}

double shift_percent(const DensePair& pair, const ChannelPairs& test) {
  const auto bias_d = pair.decoder_bias(test.d);
  const auto with = pair.rest(pair.encoder_bias(test.x), bias_d).decoder;
  const auto wide = [](const std::vector<float>& v) {
    return std::vector<double>(v.begin(), v.end());
  };
  return thermo::decoder_shift_percent(wide(with), wide(pair.decoder_alone(bias_d)), wide(test.d),
                                       test.units);
}

Result<double> ridge_r2(const ChannelPairs& fit, const ChannelPairs& test, double ridge) {
  CALX_ASSIGN(statistics, thermo::pair_statistics(fit.x, fit.units, fit.d, fit.units));
  CALX_ASSIGN(map, thermo::fit_full(statistics, ridge));
  CALX_ASSIGN(agreement, agree(map.apply(test.x), test.d, test.units, row_mean(fit.d, fit.units)));
  return agreement.r2;
}

}  // namespace calx::inference
