// What parse_weights takes are exactly the bytes that it would write again, and it decodes.
#include <algorithm>

#include "calx/base/assert.h"
#include "calx/weights/weights_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = calx::weights::parse_weights({data, size});
  if (!file) return 0;
  const auto bytes = calx::weights::encode_weights(*file);
  CALX_ASSERT(bytes && std::equal(bytes->begin(), bytes->end(), data, data + size));
  CALX_ASSERT(calx::weights::decode_weights(*file).has_value());
  return 0;
}
