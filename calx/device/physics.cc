#include "calx/device/physics.h"

#include <algorithm>
#include <cmath>

namespace calx::device {
namespace {

constexpr double kFreeBitsAtOne = 224;  // 256 less the 32 that difficulty 1 forces

}  // namespace

double Wait::quantile(double p) const noexcept { return -mean * std::log1p(-p); }

double returns_per_second(double hashes_per_second, double difficulty) noexcept {
  return hashes_per_second / (difficulty * kHashesPerDifficulty);
}

Wait wait_for(double hashes_per_second, double difficulty) noexcept {
  return {1 / returns_per_second(hashes_per_second, difficulty)};
}

double free_bits(double difficulty) noexcept { return kFreeBitsAtOne - std::log2(difficulty); }

double bits_per_second(double hashes_per_second, double difficulty) noexcept {
  return free_bits(difficulty) * returns_per_second(hashes_per_second, difficulty);
}

double joules_per_return(double watts, double hashes_per_second, double difficulty) noexcept {
  return watts / returns_per_second(hashes_per_second, difficulty);
}

double joules_per_byte(double watts, double hashes_per_second, double difficulty) noexcept {
  return 8 * watts / bits_per_second(hashes_per_second, difficulty);
}

double kilowatt_hours_per_day(double watts) noexcept { return watts * 24 / 1000; }

Wait stamp_wait(double hashes_per_second, double difficulty, double mask) noexcept {
  return wait_for(hashes_per_second, std::max(difficulty, mask));
}

}  // namespace calx::device
