#include "calx/nn/last_block.h"

#include <fmt/format.h>

#include <new>

namespace calx::nn {

Result<void> BlockRecorder::replace(const BlockShape& shape, std::span<const float> in,
                                    std::span<float> out) {
  try {
    in_.assign(in.begin(), in.end());
    out_.assign(out.begin(), out.end());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("record of a block: {} pixels do not fit in memory", shape.pixels()));
  }
  shape_ = shape;
  return {};
}

}  // namespace calx::nn
