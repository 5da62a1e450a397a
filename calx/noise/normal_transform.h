// One 32-bit word -> one N(0, 1) value, the same bits on every machine.
//
// The word w stands for the probability (w + 0.5) / 2^32; the value is a piecewise polynomial of
// the inverse normal distribution function there, by float32 additions and multiplications alone:
//   m = min(w, ~w), x = 2m + 1, L = leading zeros of x, q = 2^32 - (x << L)
//   t = float(q) * 2^-31, or -1 when L = 31
//   z = c0 + t (c1 + t (c2 + t (c3 + t (c4 + t (c5 + t (c6 + c7 t^3))))))  with row L of the table
// and the sign is minus for w < 2^31. No libm, no fused operation, no subnormal number, no
// division. Needs nothing but a C++20 compiler: this header and its sources stand outside
// <expected>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace calx::noise {

/// The largest value, of the word 2^32 - 1; its negative is the least.
inline constexpr float kNormalMax = 0x1.95a11ap+2f;
/// |normal_value(w) - Phi^-1((w + 0.5) / 2^32)| over all 2^32 words is below this.
inline constexpr double kNormalErrorMax = 4.8e-7;

/// The value of one word: the definition that all kernels are compared with.
/// Law: monotone in `word`; normal_value(~word) == -normal_value(word); never 0.
float normal_value(std::uint32_t word) noexcept;

/// One way to run the transform; all give the same bits.
struct NormalKernel {
  std::string_view name;  // "portable", "avx2", "avx512"
  bool (*supported)() noexcept;
  void (*run)(const std::uint32_t* words, float* out, std::size_t count) noexcept;
};

/// Every kernel of this build, slowest first; the first one runs everywhere.
std::span<const NormalKernel> normal_kernels() noexcept;

/// The last kernel of the list that this CPU supports and that agrees with normal_value() at both
/// ends of every octave; chosen at the first call.
const NormalKernel& normal_kernel() noexcept;

/// out[i] = normal_value(words[i]) by the kernel in force.
/// \pre out.size() == words.size(); the two do not overlap
void normal_transform(std::span<const std::uint32_t> words, std::span<float> out) noexcept;

/// The word as a value of [-1, 1]: (2w + 1 - 2^32) / 2^32 rounded once to float32.
/// Law: monotone; uniform_value(~word) == -uniform_value(word). Source: seed 000, 4.3.
inline float uniform_value(std::uint32_t word) noexcept {
  const auto odd = 2 * static_cast<std::int64_t>(word) + 1 - (std::int64_t{1} << 32);
  return static_cast<float>(odd) * 0x1p-32f;
}

}  // namespace calx::noise
