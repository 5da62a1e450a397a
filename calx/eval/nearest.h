// The nearest training picture of each picture: whether a model repeats what it has seen.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"

namespace calx::eval {

struct Neighbour {
  std::uint32_t index = 0;  // of the nearest picture of the library; the lowest of equals
  double distance = 0.0;    // Euclidean, in grey levels of 0..255
  double second = 0.0;      // distance to the next nearest one
};

/// A picture counts as a copy when its nearest training picture is less than a third as far as the
/// second nearest one, in Euclidean distance: such a gap does not come by chance.
/// Source: Yoon, Choi, Kwon, Ryu 2023, "Diffusion probabilistic models generalize when they fail to
/// memorize", section 3.
bool is_copy(const Neighbour& neighbour) noexcept;

/// For each picture of `queries`, [n, pixels], its neighbours in `library`, [m, pixels]. Exact.
/// Errors: kInvalidArgument (sizes, fewer than two pictures in the library, over 65,536 pixels).
/// Cost: at most n m pixels, `threads` queries at a time.
Result<std::vector<Neighbour>> nearest(std::span<const std::uint8_t> queries,
                                       std::span<const std::uint8_t> library, std::size_t pixels,
                                       int threads);

}  // namespace calx::eval
