// Philox4x32-10 for many consecutive counters at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace calx::thermo {

/// Counters {first + i, chain, step, draw}, i < count; the four words of counter i go to out[4 i].
struct PhiloxRun {
  std::array<std::uint32_t, 2> key{};
  std::uint32_t first = 0, chain = 0, step = 0, draw = 0;
};

struct PhiloxKernel {
  std::string_view name;  // "portable", "avx2", "avx512"
  bool (*supported)() noexcept;
  void (*run)(const PhiloxRun& run, std::uint32_t* out, std::size_t count) noexcept;
};

/// Every kernel of this build, slowest first; the first one runs everywhere. All give the same
/// bits.
std::span<const PhiloxKernel> philox_kernels() noexcept;

/// The last one that this CPU supports and that agrees with the first; chosen at the first call.
const PhiloxKernel& philox_kernel() noexcept;

#if defined(__x86_64__)
#define CALX_THERMO_X86 1
bool philox_has_avx2() noexcept;
bool philox_has_avx512() noexcept;
void philox_avx2(const PhiloxRun& run, std::uint32_t* out, std::size_t count) noexcept;
void philox_avx512(const PhiloxRun& run, std::uint32_t* out, std::size_t count) noexcept;
#endif

}  // namespace calx::thermo
