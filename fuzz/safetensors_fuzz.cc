// What parse_safetensors takes covers its data, and survives a round trip; encoding forgets order.
#include <algorithm>

#include "calx/base/assert.h"
#include "calx/format/comfy_latent.h"
#include "calx/format/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = calx::format::parse_safetensors({data, size});
  // Its errors are those of parse_safetensors and two of its own.
  const auto latent = calx::format::parse_comfy_latent({data, size});
  CALX_ASSERT(file || !latent);
  if (!file) return 0;
  const auto bytes = calx::format::encode_safetensors(*file);
  CALX_ASSERT(bytes.has_value());
  const auto again = calx::format::parse_safetensors(*bytes);
  CALX_ASSERT(again && again->metadata == file->metadata);
  CALX_ASSERT(std::is_permutation(again->tensors.begin(), again->tensors.end(),
                                  file->tensors.begin(), file->tensors.end()));
  return 0;
}
