#include "calx/format/comfy_latent.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "calx/format/safetensors.h"

namespace calx::format {
namespace {

constexpr std::string_view kLatent = "latent_tensor";
constexpr std::string_view kMarker = "latent_format_version_0";
// ComfyUI multiplies in single precision by this double, rounded once.
constexpr float kOldScale = static_cast<float>(1.0 / 0.18215);
constexpr std::size_t kDimensions = 4;

}  // namespace

Result<std::vector<std::uint8_t>> encode_comfy_latent(
    const Array& latent, const std::map<std::string, std::string>& metadata) {
  if (latent.dtype != Dtype::kF32 || latent.shape.size() != kDimensions) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("latent of {} with {} dimensions, wanted F32 with 4",
                            to_string(latent.dtype), latent.shape.size()));
  }
  const Array marker{Dtype::kF32, {0}, {}};
  return encode_safetensors(
      {{{std::string(kLatent), latent}, {std::string(kMarker), marker}}, metadata});
}

Result<Array> parse_comfy_latent(std::span<const std::uint8_t> bytes) {
  CALX_ASSIGN(file, parse_safetensors(bytes));
  const Array* const latent = find(file.tensors, kLatent);
  if (latent == nullptr || latent->dtype != Dtype::kF32) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("ComfyUI latent: no tensor {:?} of F32", kLatent));
  }
  Array result = *latent;
  if (find(file.tensors, kMarker) != nullptr) return result;
  for (std::size_t at = 0; at < result.bytes.size(); at += sizeof(float)) {
    float value = 0;
    std::memcpy(&value, result.bytes.data() + at, sizeof value);
    value *= kOldScale;
    std::memcpy(result.bytes.data() + at, &value, sizeof value);
  }
  return result;
}

}  // namespace calx::format
