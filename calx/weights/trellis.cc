#include "calx/weights/trellis.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/base/assert.h"

namespace calx::weights {
namespace {

constexpr Rate kRates[] = {{1, 1, 0.86f},  {3, 2, 0.93f},  {8, 5, 0.94f},
                           {2, 1, 0.966f}, {3, 1, 0.991f}, {4, 1, 0.998f}};

std::size_t divide_up(std::size_t a, std::size_t b) noexcept { return (a + b - 1) / b; }

}  // namespace

std::span<const Rate> rates() noexcept { return kRates; }

std::size_t Trellis::steps(std::size_t weights) const noexcept {
  return std::max<std::size_t>(divide_up(weights, step_weights), divide_up(state_bits, step_bits));
}

std::size_t Trellis::block_bytes(std::size_t weights) const noexcept {
  return divide_up(steps(weights) * step_bits, 8);
}

std::string Trellis::rate_name() const { return fmt::format("{}/{}", step_bits, step_weights); }

const Rate& rate_of(const Trellis& trellis) noexcept {
  const auto* const found = std::ranges::find_if(kRates, [&](const Rate& rate) {
    return rate.step_bits == trellis.step_bits && rate.step_weights == trellis.step_weights;
  });
  CALX_ASSERT(found != std::end(kRates));
  return *found;
}

Result<void> check(const Trellis& trellis) {
  const bool known = std::ranges::any_of(kRates, [&](const Rate& rate) {
    return rate.step_bits == trellis.step_bits && rate.step_weights == trellis.step_weights;
  });
  if (!known) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("trellis: {} bits for {} weights, wanted 1/1, 3/2, 8/5, 2/1, 3/1 or 4/1",
                    trellis.step_bits, trellis.step_weights));
  }
  if (trellis.state_bits < 2 * trellis.step_bits || trellis.state_bits > kStateBitsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("trellis: states of {} bits, wanted {} to {}", trellis.state_bits,
                            2 * trellis.step_bits, kStateBitsMax));
  }
  return {};
}

Result<Trellis> parse_trellis(std::string_view rate, unsigned state_bits) {
  for (const Rate& known : kRates) {
    const Trellis trellis{state_bits, known.step_bits, known.step_weights};
    if (rate == trellis.rate_name() || rate == fmt::format("{}", trellis.rate())) {
      CALX_TRY(check(trellis));
      return trellis;
    }
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("rate {:?}, wanted 1, 1.5, 1.6, 2, 3 or 4 bits a weight", rate));
}

}  // namespace calx::weights
