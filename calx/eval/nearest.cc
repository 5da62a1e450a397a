#include "calx/eval/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

namespace calx::eval {
namespace {

constexpr std::size_t kPixelsMax = 65'536;  // squares of 255 in 64 bits, with room
constexpr std::size_t kPiece = 128;         // pixels between looks at the bound
constexpr double kCopyRatio = 1.0 / 3.0;
constexpr std::uint64_t kFar = std::numeric_limits<std::uint64_t>::max();

std::uint32_t piece_distance(const std::uint8_t* a, const std::uint8_t* b, std::size_t count) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int difference = int{a[i]} - int{b[i]};
    sum += static_cast<std::uint32_t>(difference * difference);
  }
  return sum;
}

// The squared distance, or some number over `bound` as soon as it is known to pass it.
std::uint64_t squared_distance(const std::uint8_t* a, const std::uint8_t* b, std::size_t pixels,
                               std::uint64_t bound) {
  std::uint64_t sum = 0;
  std::size_t i = 0;
  for (; i + kPiece <= pixels; i += kPiece) {
    sum += piece_distance(a + i, b + i, kPiece);
    if (sum > bound) return sum;
  }
  return sum + piece_distance(a + i, b + i, pixels - i);
}

Neighbour nearest_of(const std::uint8_t* query, std::span<const std::uint8_t> library,
                     std::size_t pixels) {
  std::uint64_t best = kFar, second = kFar;
  std::size_t index = 0;
  for (std::size_t j = 0; j * pixels < library.size(); ++j) {
    const auto distance = squared_distance(query, library.data() + j * pixels, pixels, second);
    if (distance < best) {
      second = best;
      best = distance;
      index = j;
    } else if (distance < second) {
      second = distance;
    }
  }
  return {static_cast<std::uint32_t>(index), std::sqrt(static_cast<double>(best)),
          std::sqrt(static_cast<double>(second))};
}

}  // namespace

bool is_copy(const Neighbour& neighbour) noexcept {
  return neighbour.distance < kCopyRatio * neighbour.second;
}

Result<std::vector<Neighbour>> nearest(std::span<const std::uint8_t> queries,
                                       std::span<const std::uint8_t> library, std::size_t pixels,
                                       int threads) {
  if (pixels == 0 || pixels > kPixelsMax || queries.size() % pixels != 0 ||
      library.size() % pixels != 0 || library.size() < 2 * pixels) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("nearest pictures: {} and {} bytes with {} pixels a picture; wanted "
                            "whole pictures, at least 2 to look among, up to {} pixels",
                            queries.size(), library.size(), pixels, kPixelsMax));
  }
  std::vector<Neighbour> found(queries.size() / pixels);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < found.size(); i = next++) {
      found[i] = nearest_of(queries.data() + i * pixels, library, pixels);
    }
  };
  std::vector<std::jthread> pool;
  for (int i = 1; i < threads; ++i) pool.emplace_back(work);
  work();
  pool.clear();
  return found;
}

}  // namespace calx::eval
