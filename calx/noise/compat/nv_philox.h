// The counter-based generator behind "NV" in AUTOMATIC1111 and "cuda" in stable-diffusion.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace calx::noise::compat {

/// Philox4x32 with ten rounds (Salmon et al. 2011): the four words of one counter under one key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) noexcept;

/// One generator: element i of call c is Philox of the counter {c, 0, i, 0} under the two words of
/// the seed, turned to a normal value by sqrt(-2 ln u) sin v in double precision.
/// The values are those of modules/rng_philox.py within 1e-6 (float32 arithmetic there).
/// It does not follow torch on a CUDA device above one wave of threads, where the map from element
/// to counter depends on the number of multiprocessors. Not thread-safe.
class NvPhilox {
 public:
  explicit NvPhilox(std::uint64_t seed, std::uint32_t call = 0) noexcept
      : seed_(seed), call_(call) {}

  /// The next call. \pre out.size() <= 2^32
  void randn(std::span<float> out);

 private:
  std::uint64_t seed_;
  std::uint32_t call_;
};

}  // namespace calx::noise::compat
