// Do pictures look like real ones, and do they show all that real ones show: precision and recall.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "calx/base/result.h"
#include "calx/eval/bootstrap.h"

namespace calx::eval {

/// Shares of two clouds of features, each with its 95 % interval of Wilson.
struct ManifoldReport {
  double precision = 0;  // of the made points that lie within the real manifold
  double recall = 0;     // of the real points that lie within the made one
  Interval precision_interval, recall_interval;
};

/// The manifold of a cloud is the union of balls about its points, each as wide as the distance to
/// the point's k-th nearest other point of the cloud. A point within one ball or on its border lies
/// on the manifold. Euclidean distances, exact.
///
/// `real` [n, dimensions] and `made` [m, dimensions]. The shares grow with n and m: only figures of
/// equal sizes compare.
/// Errors: kInvalidArgument (sizes; k not in 1..n - 1; numbers that are not finite).
/// Source: Kynkaanniemi, Karras, Laine, Lehtinen, Aila 2019, algorithm 1.
/// Cost: (n + m)^2 dimensions, on `threads` threads.
Result<ManifoldReport> compare_manifolds(std::span<const float> real, std::span<const float> made,
                                         std::size_t dimensions, std::size_t k, int threads);

inline constexpr std::size_t kManifoldNeighbours = 3;  // as in the source

}  // namespace calx::eval
