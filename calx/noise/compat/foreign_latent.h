// A latent as another program draws it from the same seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/array.h"
#include "calx/noise/latent.h"

namespace calx::noise::compat {

enum class Generator : std::uint8_t { kTorchCpu, kNvPhilox };

/// "torch-cpu", "nv-philox". Errors: kInvalidArgument for other words.
Result<Generator> parse_generator(std::string_view word);
std::string_view to_string(Generator generator) noexcept;

struct ForeignRequest {
  Generator generator = Generator::kTorchCpu;
  Seed seed;               // an integer, as in those programs
  std::uint64_t call = 0;  // how many calls of this size came before
  std::vector<std::uint64_t> shape;
  Precision precision = Precision::kF32;  // torch-cpu draws other values for another type
  /// Another seed and how far to go to it on the sphere, as "variation seed" and "strength".
  std::optional<std::pair<Seed, double>> towards = std::nullopt;
};

/// The whole shape is one draw, as in torch.randn(shape): a batch has one seed.
/// Errors: kInvalidArgument (a seed that is no integer, a shape, slerp's), kResourceExhausted;
/// kUnimplemented for a 16-bit type of nv-philox or towards another seed.
/// These values are like those programs' within the bounds of torch_cpu.h and nv_philox.h; they are
/// not exact across machines.
Result<format::Array> make_foreign_latent(const ForeignRequest& request);

}  // namespace calx::noise::compat
