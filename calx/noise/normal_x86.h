// The vector kernels of the normal transform for x86-64; empty elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace calx::noise {

#if defined(__x86_64__)
#define CALX_NOISE_X86 1
bool has_avx2() noexcept;
bool has_avx512() noexcept;
void run_avx2(const std::uint32_t* words, float* out, std::size_t count) noexcept;
void run_avx512(const std::uint32_t* words, float* out, std::size_t count) noexcept;
#endif

}  // namespace calx::noise
