// The published arms of stage C: Gram coupling, oracle biases and interface networks.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "calx/inference/agreement.h"
#include "calx/inference/dense_pair.h"
#include "calx/inference/stage_arms.h"
#include "calx/inference/substrate_mean.h"
#include "calx/thermo/interface_net.h"
#include "calx/thermo/published_pair.h"

namespace calx::inference {
namespace {

constexpr std::size_t kEncoder = 0, kDecoder = 1;

Result<thermo::Substrate> published(const ArmBook& book, const ArmSettings& settings) {
  return thermo::published_pair(book.task().encoder_weights, book.task().decoder_weights,
                                book.task().units, settings.rank);
}

struct Interface {
  thermo::InterfaceNet bottleneck, transfer;
};

Result<thermo::InterfaceNet> trained(const thermo::NetShape& shape, std::span<const float> from,
                                     std::span<const float> to, const ArmSettings& settings,
                                     const noise::Seed& seed, std::string_view name) {
  CALX_ASSIGN(own, noise::Seed::from_text(fmt::format("{} {}", seed.to_string(), name)));
  CALX_ASSIGN(net, thermo::InterfaceNet::create(shape, thermo::philox_noise(own)));
  CALX_TRY(net.fit(from, to,
                   {.steps = settings.interface_steps,
                    .batch = settings.interface_batch,
                    .rate_first = 3e-3,
                    .rate_last = 1e-5,
                    .loss_scale = 100}));
  return std::move(net);
}

Result<Interface> train_interface(const DecoderTask& task, const DensePair& dense, bool biases,
                                  const ArmSettings& settings, const noise::Seed& seed) {
  const std::vector<float> encoder_bias = dense.encoder_bias(task.fit.encoder);
  const std::vector<float> decoder_bias = dense.decoder_bias(task.fit.decoder);
  const std::string_view suffix = biases ? "with biases" : "without biases";
  CALX_ASSIGN(bottleneck,
              trained(thermo::bottleneck_shape(task.units, biases), task.fit.encoder, encoder_bias,
                      settings, seed, fmt::format("bottleneck {}", suffix)));
  CALX_ASSIGN(transfer, trained(thermo::transfer_shape(task.units, biases), encoder_bias,
                                decoder_bias, settings, seed, fmt::format("transfer {}", suffix)));
  return Interface{std::move(bottleneck), std::move(transfer)};
}

}  // namespace

Result<void> book_published(ArmBook& book, const ArmSettings& settings) {
  const DecoderTask& task = book.task();
  const std::size_t n = task.test_rows();
  CALX_ASSIGN(pair, published(book, settings));
  CALX_ASSIGN(dense, DensePair::of(pair));
  const std::uint64_t wires = thermo::wiring(pair).coupling_wires;
  const auto& x = task.test.encoder;
  const auto& d = task.test.decoder;
  const std::vector<float> ax = dense.encoder_bias(x);
  const std::vector<float> bd = dense.decoder_bias(d);
  const auto solved = [&](std::string key, std::span<const ModuleBias> biases) -> Result<void> {
    CALX_ASSIGN(mean, substrate_mean(pair, kDecoder, {}, biases, n, settings.threads));
    return book.book({.key = std::move(key), .wires = wires}, mean);
  };
  CALX_TRY(
      solved("oracle-published", std::array{ModuleBias{kEncoder, ax}, ModuleBias{kDecoder, bd}}));
  const PairRows consistent = dense.consistent_bias(x, d);
  CALX_TRY(solved("oracle-consistent", std::array{ModuleBias{kEncoder, consistent.encoder},
                                                  ModuleBias{kDecoder, consistent.decoder}}));
  CALX_TRY(solved("gram-no-decoder", std::array{ModuleBias{kEncoder, ax}}));

  const std::vector<double> centre = row_mean(task.fit.decoder, task.units);
  const std::vector<float> mean_row(centre.begin(), centre.end());
  const std::vector<float> held = dense.decoder_bias(mean_row);
  thermo::Substrate clamped = pair;
  clamped.modules[kEncoder].clamped = true;
  clamped.modules[kDecoder].bias.assign(held.begin(), held.end());
  CALX_ASSIGN(mean, substrate_mean(clamped, kDecoder, x, {}, n, settings.threads));
  return book.book({.key = "gram-clamped", .wires = wires}, mean);
}

Result<void> book_interfaces(ArmBook& book, const ArmSettings& settings, const noise::Seed& seed) {
  const DecoderTask& task = book.task();
  const std::size_t n = task.test_rows();
  CALX_ASSIGN(pair, published(book, settings));
  CALX_ASSIGN(dense, DensePair::of(pair));
  thermo::Substrate apart = pair;
  apart.couplings.clear();
  for (const bool biases : {false, true}) {
    CALX_ASSIGN(nets, train_interface(task, dense, biases, settings, seed));
    const std::uint64_t parameters = nets.bottleneck.parameters() + nets.transfer.parameters();
    const auto solved = [&](std::string key, const std::vector<float>& encoder_bias,
                            bool coupled) -> Result<std::vector<float>> {
      const std::vector<float> decoder_bias = nets.transfer.apply(encoder_bias);
      CALX_ASSIGN(mean, substrate_mean(coupled ? pair : apart, kDecoder, {},
                                       std::array{ModuleBias{kEncoder, encoder_bias},
                                                  ModuleBias{kDecoder, decoder_bias}},
                                       n, settings.threads));
      const std::uint64_t wires = coupled ? thermo::wiring(pair).coupling_wires : 0;
      CALX_TRY(book.book({.key = std::move(key), .parameters = parameters, .wires = wires}, mean));
      return std::move(mean);
    };
    const std::string name = biases ? "paper-biases" : "paper";
    const std::vector<float> guessed = nets.bottleneck.apply(task.test.encoder);
    CALX_ASSIGN(answers, solved(name, guessed, true));
    CALX_TRY(solved(name + "-folded", guessed, false));
    if (biases) continue;
    CALX_ASSIGN(shuffled, permuted(answers, task.units, seed));
    CALX_TRY(book.book({.key = "shuffled", .parameters = parameters}, shuffled));
    const std::vector<float> truth = dense.encoder_bias(task.test.encoder);
    CALX_TRY(solved("transfer-folded", truth, false));
    CALX_TRY(solved("transfer", truth, true));
  }
  return {};
}

}  // namespace calx::inference
