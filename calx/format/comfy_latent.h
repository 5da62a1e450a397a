// ComfyUI's .latent: what its nodes SaveLatent and LoadLatent exchange.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/array.h"

namespace calx::format {

/// A safetensors file with `latent_tensor` and the marker `latent_format_version_0`.
/// \param latent  kF32 [batch, channels, height, width], in the scale the sampler works in;
///                for SD 1.x: [B, 4, H/8, W/8]
/// \param metadata  kept in the file; ComfyUI stores `prompt` and `workflow` as JSON texts
/// Errors: kInvalidArgument (dtype, not four dimensions), and those of encode_safetensors.
/// It does not turn unit noise into a starting latent: multiply by the schedule's largest sigma
/// before, and switch the sampler's own noise off.
Result<std::vector<std::uint8_t>> encode_comfy_latent(
    const Array& latent, const std::map<std::string, std::string>& metadata = {});

/// The latent, kF32. A file without the marker is of the older kind: its values are multiplied by
/// float(1 / 0.18215), as LoadLatent does.
/// Errors: those of parse_safetensors; kInvalidArgument when `latent_tensor` is missing or no kF32.
Result<Array> parse_comfy_latent(std::span<const std::uint8_t> bytes);

}  // namespace calx::format
