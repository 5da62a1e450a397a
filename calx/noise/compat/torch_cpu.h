// What torch.randn draws on a CPU, so that a latent made there can be made and explained here.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>

namespace calx::noise::compat {

/// One torch CPU generator after torch.manual_seed(seed). Only the low 32 bits of the seed count:
/// 2^32 + 42 gives the stream of 42.
///
/// Each call draws what one torch.randn call draws, and like there everything hangs together:
/// another dtype, another size or an earlier call gives other values; image k of a batch has no
/// seed of its own. Below 16 values the double-precision pairs of at::normal_distribution are used
/// and a second value of a pair waits for the next such call; from 16 on, blocks of 16, and the
/// last 16 are drawn again when the count is no multiple of 16.
///
/// The values are torch's within 2e-6 (float32), 1e-14 (float64), and for the 16-bit types within
/// one unit in the last place: this uses the C library's log, sin and cos, torch its own.
/// Source: ATen/native/cpu/DistributionTemplates.h and ATen/core/MT19937RNGEngine.h, torch 1.13;
/// checked against vectors of libtorch 1.13. Not thread-safe.
class TorchCpu {
 public:
  explicit TorchCpu(std::uint64_t seed) : engine_(static_cast<std::uint32_t>(seed)) {}

  void randn(std::span<float> out);
  void randn(std::span<double> out);
  /// As dtype=torch.float16 / torch.bfloat16, the bits of each value.
  void randn_float16(std::span<std::uint16_t> out);
  void randn_bfloat16(std::span<std::uint16_t> out);

  /// The next raw 32-bit word of the Mersenne Twister.
  std::uint32_t word() { return static_cast<std::uint32_t>(engine_()); }

 private:
  template <class Scalar>
  void fill(std::span<typename Scalar::Storage> out);
  double small_normal();
  double uniform53();

  std::mt19937 engine_;  // the same recurrence and seeding as torch's own copy
  std::optional<double> waiting_;
};

}  // namespace calx::noise::compat
