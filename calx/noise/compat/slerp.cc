#include "calx/noise/compat/slerp.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace calx::noise::compat {

Result<void> slerp(double t, std::span<const float> from, std::span<const float> to,
                   std::span<float> out) {
  if (!(t >= 0 && t <= 1)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("slerp: t = {}, wanted 0 to 1", t));
  }
  if (from.size() != to.size() || from.size() != out.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("slerp: sizes {}, {} and {}, wanted one size", from.size(), to.size(),
                            out.size()));
  }
  double dot = 0, from_square = 0, to_square = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    dot += double{from[i]} * to[i];
    from_square += double{from[i]} * from[i];
    to_square += double{to[i]} * to[i];
  }
  if (from_square == 0 || to_square == 0) {
    return fail(ErrorCode::kInvalidArgument, "slerp: a vector of zeros, wanted a direction");
  }
  const double cosine = dot / std::sqrt(from_square * to_square);
  double from_weight = 1 - t;
  double to_weight = t;
  if (t != 0 && t != 1 && std::fabs(cosine) <= kSlerpCosineMax) {
    const double angle = std::acos(cosine);
    from_weight = std::sin((1 - t) * angle) / std::sin(angle);
    to_weight = std::sin(t * angle) / std::sin(angle);
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    out[i] = static_cast<float>(from_weight * from[i] + to_weight * to[i]);
  }
  return {};
}

}  // namespace calx::noise::compat
