#include "bench/stream_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>

#if defined(__x86_64__)
#include <immintrin.h>
#define CALX_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CALX_CLONES
#endif

namespace calx::bench {
namespace {

using Lanes = float __attribute__((vector_size(64), aligned(4), may_alias));

constexpr std::size_t kStreams = 8, kLanes = 16;
constexpr double kGlance = 0.01;  // seconds for each stream of fastest()
constexpr std::array kAll = {Stream::kRead, Stream::kUpdate, Stream::kTriad, Stream::kNonTemporal};

// clang-format off
CALX_CLONES float read(const float* from, std::size_t count) {
  Lanes sums[kStreams] = {};
  const std::size_t stride = count / kStreams / kLanes * kLanes;
  for (std::size_t i = 0; i < stride; i += kLanes) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      sums[s] += *reinterpret_cast<const Lanes*>(from + s * stride + i);
    }
  }
  float total = 0;
  for (const auto& sum : sums) total += sum[0];
  return total;
}

CALX_CLONES void update(float* x, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) x[i] = x[i] * 0.5F + 1;
}

CALX_CLONES void triad(float* __restrict a, const float* __restrict b, const float* __restrict c,
                       std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) a[i] = b[i] + 0.5F * c[i];
}
// clang-format on

void copy_past_caches(float* to, const float* from, std::size_t count) {
#if defined(__x86_64__)
  // Both lie on whole cache lines of the vector's halves or a few values further on.
  while (count > 0 && reinterpret_cast<std::uintptr_t>(to) % 16 != 0) *to++ = *from++, --count;
  for (; count >= 4; count -= 4, to += 4, from += 4) _mm_stream_ps(to, _mm_loadu_ps(from));
  while (count-- > 0) *to++ = *from++;
  _mm_sfence();
#else
  std::memcpy(to, from, count * sizeof *to);
#endif
}

}  // namespace

std::string_view to_string(Stream stream) noexcept {
  switch (stream) {
    case Stream::kRead:
      return "read";
    case Stream::kUpdate:
      return "update";
    case Stream::kTriad:
      return "triad";
    case Stream::kNonTemporal:
      break;
  }
  return "nontemporal";
}

StreamProbe::StreamProbe(std::size_t bytes) : bytes_(bytes), values_(bytes / sizeof(float), 1) {}

Spent StreamProbe::run(Stream stream, std::uint64_t rounds) {
  const std::size_t count = values_.size();
  float* x = values_.data();
  return timed([&] {
    for (std::uint64_t i = 0; i < rounds; ++i) {
      switch (stream) {
        case Stream::kRead:
          kept_ += read(x, count);
          break;
        case Stream::kUpdate:  // a value is loaded and stored: half as many, the same bytes
          update(x, count / 2);
          break;
        case Stream::kTriad:
          triad(x, x + count / 3, x + 2 * (count / 3), count / 3);
          break;
        case Stream::kNonTemporal:
          copy_past_caches(x, x + count / 2, count / 2);
          break;
      }
      // The same round again is work too.
      asm volatile("" : : "g"(x), "g"(kept_) : "memory");
    }
  });
}

Stream StreamProbe::fastest() {
  Stream best = Stream::kRead;
  double least = std::numeric_limits<double>::infinity();
  speeds_.clear();
  for (const Stream stream : kAll) {
    run(stream, 1);
    double seconds = std::numeric_limits<double>::infinity();
    for (double spent = 0; spent < kGlance;) {
      const double once = std::max(run(stream, 1).cpu_seconds, 1e-9);
      seconds = std::min(seconds, once);
      spent += once;
    }
    if (seconds < least) best = stream, least = seconds;
    speeds_ += fmt::format("{}{} {:.1f}", speeds_.empty() ? "" : ", ", to_string(stream),
                           static_cast<double>(bytes_) / seconds * 1e-9);
  }
  speeds_ += " GB/s";
  return best;
}

}  // namespace calx::bench
