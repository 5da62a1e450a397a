#include "calx/eval/manifold.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <functional>
#include <thread>
#include <vector>

namespace calx::eval {
namespace {

struct Cloud {
  std::span<const float> values;
  std::size_t dimensions;

  [[nodiscard]] std::size_t size() const noexcept { return values.size() / dimensions; }
  [[nodiscard]] const float* row(std::size_t i) const noexcept {
    return values.data() + i * dimensions;
  }
};

// In lanes of its own, so that the sum may be taken with vectors.
float squared_distance(const float* a, const float* b, std::size_t dimensions) noexcept {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> lanes{};
  std::size_t i = 0;
  for (; i + kLanes <= dimensions; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float difference = a[i + lane] - b[i + lane];
      lanes[lane] += difference * difference;
    }
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  for (; i < dimensions; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

void for_rows(std::size_t count, int threads, const std::function<void(std::size_t)>& body) {
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> pool;
  for (int i = 0; i < std::max(threads, 1); ++i) {
    pool.emplace_back([&] {
      for (std::size_t row = next++; row < count; row = next++) body(row);
    });
  }
}

// Squared distance of each point to its k-th nearest other point.
std::vector<float> radii(const Cloud& cloud, std::size_t k, int threads) {
  std::vector<float> result(cloud.size());
  for_rows(cloud.size(), threads, [&](std::size_t i) {
    std::vector<float> nearest;  // the k least so far, falling
    for (std::size_t j = 0; j < cloud.size(); ++j) {
      if (j == i) continue;
      const float d = squared_distance(cloud.row(i), cloud.row(j), cloud.dimensions);
      if (nearest.size() == k && d >= nearest.front()) continue;
      if (nearest.size() == k) nearest.erase(nearest.begin());
      nearest.insert(std::ranges::lower_bound(nearest, d, std::greater<>()), d);
    }
    result[i] = nearest.front();
  });
  return result;
}

std::int64_t count_within(const Cloud& points, const Cloud& manifold,
                          std::span<const float> squared_radii, int threads) {
  std::atomic<std::int64_t> inside{0};
  for_rows(points.size(), threads, [&](std::size_t i) {
    for (std::size_t j = 0; j < manifold.size(); ++j) {
      const float d = squared_distance(points.row(i), manifold.row(j), manifold.dimensions);
      if (d > squared_radii[j]) continue;
      ++inside;
      return;
    }
  });
  return inside;
}

Result<void> check(std::span<const float> values, std::size_t dimensions, std::size_t k,
                   const char* which) {
  if (dimensions == 0 || values.empty() || values.size() % dimensions != 0 || k == 0 ||
      values.size() / dimensions <= k) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} features: {} numbers of {} dimensions, wanted more than k = {} "
                            "whole rows with k at least 1",
                            which, values.size(), dimensions, k));
  }
  if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} features: a number is not finite", which));
  }
  return {};
}

}  // namespace

Result<ManifoldReport> compare_manifolds(std::span<const float> real, std::span<const float> made,
                                         std::size_t dimensions, std::size_t k, int threads) {
  CALX_TRY(check(real, dimensions, k, "real"));
  CALX_TRY(check(made, dimensions, k, "made"));
  const Cloud truth{real, dimensions}, given{made, dimensions};
  const std::int64_t precise = count_within(given, truth, radii(truth, k, threads), threads);
  const std::int64_t recalled = count_within(truth, given, radii(given, k, threads), threads);
  const auto n = static_cast<std::int64_t>(truth.size());
  const auto m = static_cast<std::int64_t>(given.size());
  return ManifoldReport{static_cast<double>(precise) / static_cast<double>(m),
                        static_cast<double>(recalled) / static_cast<double>(n),
                        wilson_interval(precise, m), wilson_interval(recalled, n)};
}

}  // namespace calx::eval
