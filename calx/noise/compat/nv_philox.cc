#include "calx/noise/compat/nv_philox.h"

#include <cmath>
#include <cstddef>
#include <numbers>

namespace calx::noise::compat {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xd2511f53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xcd9e8d57} * counter[2];
    const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
    counter = {high(b) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               high(a) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9e3779b9u;
    key[1] += 0xbb67ae85u;
  }
  return counter;
}

void NvPhilox::randn(std::span<float> out) {
  const std::array<std::uint32_t, 2> key = {static_cast<std::uint32_t>(seed_),
                                            static_cast<std::uint32_t>(seed_ >> 32)};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto words = philox4x32({call_, 0, static_cast<std::uint32_t>(i), 0}, key);
    const double u = (words[0] + 0.5) * 0x1p-32;
    const double v = (words[1] + 0.5) * 0x1p-32 * 2.0 * std::numbers::pi;
    out[i] = static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::sin(v));
  }
  ++call_;
}

}  // namespace calx::noise::compat
