#include "calx/noise/compat/foreign_latent.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <new>

#include "calx/noise/compat/nv_philox.h"
#include "calx/noise/compat/slerp.h"
#include "calx/noise/compat/torch_cpu.h"

namespace calx::noise::compat {
namespace {

constexpr std::uint64_t kCallsMax = 1'000'000;  // draws to pass over before the wanted one

Result<std::uint64_t> integer_of(const Seed& seed) {
  if (seed.type() != SeedType::kInteger) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("seed '{}': the compat generators take an integer", seed.to_string()));
  }
  std::uint64_t value = 0;
  for (const std::uint8_t byte : seed.bytes()) value = value << 8 | byte;
  return value;
}

template <class T, class Draw>
void draw_after(std::uint64_t calls, std::vector<T>& values, Draw draw) {
  for (std::uint64_t i = 0; i <= calls; ++i) draw(std::span<T>(values));
}

Result<format::Array> draw_half(const ForeignRequest& request, std::uint64_t seed,
                                std::size_t count) {
  std::vector<std::uint16_t> values(count);
  TorchCpu torch(seed);
  const bool bfloat = request.precision == Precision::kBf16;
  draw_after(request.call, values, [&torch, bfloat](std::span<std::uint16_t> out) {
    bfloat ? torch.randn_bfloat16(out) : torch.randn_float16(out);
  });
  return format::make_array(request.shape, values,
                            bfloat ? format::Dtype::kBf16 : format::Dtype::kF16);
}

std::vector<float> draw_float(const ForeignRequest& request, std::uint64_t seed,
                              std::size_t count) {
  std::vector<float> values(count);
  if (request.generator == Generator::kNvPhilox) {
    NvPhilox(seed, static_cast<std::uint32_t>(request.call)).randn(values);
    return values;
  }
  TorchCpu torch(seed);
  draw_after(request.call, values, [&torch](std::span<float> out) { torch.randn(out); });
  return values;
}

}  // namespace

Result<Generator> parse_generator(std::string_view word) {
  if (word == "torch-cpu") return Generator::kTorchCpu;
  if (word == "nv-philox") return Generator::kNvPhilox;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("compat '{}': wanted torch-cpu or nv-philox", word));
}

std::string_view to_string(Generator generator) noexcept {
  return generator == Generator::kTorchCpu ? "torch-cpu" : "nv-philox";
}

Result<format::Array> make_foreign_latent(const ForeignRequest& request) {
  CALX_ASSIGN(seed, integer_of(request.seed));
  CALX_TRY(check_shape(request.shape));
  CALX_ASSIGN(count, format::element_count(request.shape));
  if (request.call >= kCallsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("call {}: wanted below {}", request.call, kCallsMax));
  }
  try {
    if (request.precision != Precision::kF32) {
      if (request.generator == Generator::kNvPhilox || request.towards) {
        return fail(ErrorCode::kUnimplemented,
                    fmt::format("{} of {}: only f32 is drawn, and mixed, here",
                                to_string(request.precision), to_string(request.generator)));
      }
      return draw_half(request, seed, count);
    }
    std::vector<float> values = draw_float(request, seed, count);
    if (request.towards) {
      CALX_ASSIGN(other, integer_of(request.towards->first));
      const std::vector<float> to = draw_float(request, other, count);
      CALX_TRY(slerp(request.towards->second, values, to, values));
    }
    return format::make_array(request.shape, values);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("latent [{}]: no memory for it", fmt::join(request.shape, ",")));
  }
}

}  // namespace calx::noise::compat
