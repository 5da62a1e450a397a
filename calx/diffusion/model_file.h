// A network in one file: safetensors whose metadata say how to build it and what its bytes must be.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/safetensors.h"
#include "calx/hash/digest.h"
#include "calx/nn/parameters.h"
#include "calx/nn/unet.h"

namespace calx::diffusion {

inline constexpr std::uint64_t kModelBytesMax = std::uint64_t{1} << 30;

/// "side=32 patch=2 widths=64,96 blocks=1 classes=10 embedding=128 dropout=0.00".
std::string to_text(const nn::UNetConfig& config);
/// The inverse. Errors: kDataLoss names the word that is wrong; those of nn::check().
Result<nn::UNetConfig> parse_config(std::string_view text);

struct ModelFile {
  nn::UNetConfig config;
  nn::Parameters parameters;
  std::map<std::string, std::string> notes;  // how it was trained; informative
};

/// A safetensors file, f32, metadata `calx.unet` (the config), `calx.digest` (see seal()), notes.
Result<std::vector<std::uint8_t>> encode_model(const ModelFile& model);

/// Errors: kDataLoss in one sentence when a byte was changed or is missing; kInvalidArgument when
/// it is no model of calx.
Result<ModelFile> parse_model(std::span<const std::uint8_t> bytes);

/// Moves weights in and out of a safetensors file under `prefix` + name.
void add_parameters(format::Safetensors& file, const std::string& prefix,
                    const nn::Parameters& parameters);
Result<nn::Parameters> take_parameters(const format::Safetensors& file, const std::string& prefix);

/// Sets metadata `calx.digest` = SHA-256 over all other metadata and all tensors (name, shape,
/// bytes), in the order of their names; unseal() compares. Errors of unseal(): kDataLoss.
Result<void> seal(format::Safetensors& file);
Result<void> unseal(const format::Safetensors& file, std::string_view what);

}  // namespace calx::diffusion
