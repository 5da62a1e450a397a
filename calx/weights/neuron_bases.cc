#include "calx/weights/neuron_bases.h"

#include <fmt/format.h>

#include "calx/noise/stream.h"
#include "calx/weights/neuron.h"

namespace calx::weights {

Result<Basis> make_basis(std::string_view stream, std::uint32_t number, std::size_t side) {
  Basis basis(side);
  if (side <= kNeuronRank) {
    for (std::size_t i = 0; i < side; ++i) basis[i][i] = 1;
    return basis;
  }
  CALX_ASSIGN(seed, noise::Seed::from_text("calx-weights-1"));
  CALX_ASSIGN(source, noise::Stream::open(seed, stream, number));
  std::vector<std::uint32_t> words(side * kNeuronRank);
  const auto rows = static_cast<std::uint32_t>(side);
  CALX_TRY(source.bits({.rows = rows, .columns = kNeuronRank}, words));
  for (std::size_t i = 0; i < words.size(); ++i) {
    basis[i / kNeuronRank][i % kNeuronRank] = words[i] & 1 ? 1 : -1;
  }
  return basis;
}

Core product(const std::array<std::int8_t, 16>& u, const std::array<std::int8_t, 16>& v) noexcept {
  Core core{};
  for (std::size_t r = 0; r < 4; ++r) {
    for (std::size_t c = 0; c < 4; ++c) {
      for (std::size_t k = 0; k < 4; ++k) core[r * 4 + c] += u[r * 4 + k] * v[k * 4 + c];
    }
  }
  return core;
}

Result<void> check_sides(std::size_t out, std::size_t in) {
  if (out == 0 || in == 0 || out > kNeuronSideMax || in > kNeuronSideMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("neuron: a layer of {} x {}, wanted sides of 1 to {}", out, in,
                            kNeuronSideMax));
  }
  if (out * in > kNeuronWeightsMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("neuron: a layer of {} weights, wanted at most {}", out * in,
                            kNeuronWeightsMax));
  }
  return {};
}

}  // namespace calx::weights
