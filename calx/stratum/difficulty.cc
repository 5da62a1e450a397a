#include "calx/stratum/difficulty.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace calx::stratum {

double difficulty_of(int k) noexcept { return std::ldexp(1.0, k); }

work::Target target_of_difficulty(int k) {
  return work::Target::from_difficulty(std::ldexp(1.0, k)).value_or(work::Target());
}

int log2_difficulty_for(const work::Target& target) {
  int low = kLog2DifficultyMin, high = kLog2DifficultyMax;  // the answer is in low .. high
  while (low < high) {
    const int middle = low + (high - low + 1) / 2;
    if (target_of_difficulty(middle) >= target) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

int log2_difficulty_below(double difficulty) noexcept {
  return std::clamp(std::ilogb(difficulty), kLog2DifficultyMin, kLog2DifficultyMax);
}

std::string difficulty_text(int k) {
  if (k >= 0) return fmt::format("{}", std::uint64_t{1} << k);
  return fmt::format("{}", std::ldexp(1.0, k));
}

}  // namespace calx::stratum
