#include "calx/noise/compat/torch_cpu.h"

#include <cmath>
#include <cstddef>
#include <numbers>

#include "calx/noise/half.h"

namespace calx::noise::compat {
namespace {

constexpr std::size_t kBlock = 16;

// How torch computes in one dtype: the bits of a uniform, and where it rounds.
struct Float32 {
  using Storage = float;
  static constexpr int kUniformBits = 24;
  static double round(double x) { return x; }  // torch's float steps agree within 2e-6
  static float store(double x) { return static_cast<float>(x); }
};

struct Float64 {
  using Storage = double;
  static constexpr int kUniformBits = 53;
  static double round(double x) { return x; }
  static double store(double x) { return x; }
};

struct Float16 {
  using Storage = std::uint16_t;
  static constexpr int kUniformBits = 11;
  static double round(double x) { return from_float16(store(x)); }
  static std::uint16_t store(double x) { return to_float16(static_cast<float>(x)); }
};

struct Bfloat16 {
  using Storage = std::uint16_t;
  static constexpr int kUniformBits = 8;
  static double round(double x) { return from_bfloat16(store(x)); }
  static std::uint16_t store(double x) { return to_bfloat16(static_cast<float>(x)); }
};

// Box-Muller on 16 uniforms: the first eight give the radii, the last eight the angles.
template <class Scalar>
void transform_block(const double* uniforms, typename Scalar::Storage* out) {
  for (std::size_t j = 0; j < kBlock / 2; ++j) {
    const double u = Scalar::round(1.0 - uniforms[j]);
    const double radius = Scalar::round(std::sqrt(-2.0 * std::log(u)));
    const double angle = Scalar::round(2.0 * std::numbers::pi * uniforms[j + kBlock / 2]);
    out[j] = Scalar::store(radius * std::cos(angle));
    out[j + kBlock / 2] = Scalar::store(radius * std::sin(angle));
  }
}

}  // namespace

double TorchCpu::uniform53() {
  const std::uint64_t high = word();
  const std::uint64_t both = high << 32 | word();
  return static_cast<double>(both & ((std::uint64_t{1} << 53) - 1)) * 0x1p-53;
}

double TorchCpu::small_normal() {
  if (waiting_) {
    const double value = *waiting_;
    waiting_.reset();
    return value;
  }
  const double u1 = uniform53();
  const double u2 = uniform53();
  const double radius = std::sqrt(-2.0 * std::log1p(-u2));
  const double angle = 2.0 * std::numbers::pi * u1;
  waiting_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

template <class Scalar>
void TorchCpu::fill(std::span<typename Scalar::Storage> out) {
  if (out.size() < kBlock) {
    for (auto& value : out) value = Scalar::store(small_normal());
    return;
  }
  double uniforms[kBlock];
  const auto draw = [this, &uniforms](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if constexpr (Scalar::kUniformBits == 53) {
        uniforms[i] = uniform53();
      } else {
        constexpr std::uint32_t kMask = (1u << Scalar::kUniformBits) - 1u;
        uniforms[i] = std::ldexp(static_cast<double>(word() & kMask), -Scalar::kUniformBits);
      }
    }
  };
  const std::size_t whole = out.size() / kBlock * kBlock;
  for (std::size_t i = 0; i < whole; i += kBlock) {
    draw(kBlock);
    transform_block<Scalar>(uniforms, out.data() + i);
  }
  if (whole == out.size()) return;
  draw(out.size() - whole);  // torch draws these and then throws them away
  draw(kBlock);
  transform_block<Scalar>(uniforms, out.data() + out.size() - kBlock);
}

void TorchCpu::randn(std::span<float> out) { fill<Float32>(out); }
void TorchCpu::randn(std::span<double> out) { fill<Float64>(out); }
void TorchCpu::randn_float16(std::span<std::uint16_t> out) { fill<Float16>(out); }
void TorchCpu::randn_bfloat16(std::span<std::uint16_t> out) { fill<Bfloat16>(out); }

}  // namespace calx::noise::compat
