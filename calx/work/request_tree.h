// Many requests under one root: each proves itself with about log2 n hashes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"

namespace calx::work {

/// 16 bytes drawn for each leaf, so that neighbours in a tree cannot guess each other's requests.
using Salt = std::array<std::uint8_t, 16>;

inline constexpr std::uint32_t kLeavesMax = 1u << 20;

struct TreeLeaf {
  hash::Digest commitment{};
  Salt salt{};
};

/// Where one request stands: what its owner keeps beside the commitment.
struct TreePath {
  Salt salt{};
  std::uint32_t index = 0;
  std::vector<hash::Digest> siblings = {};  // from the leaf upwards; none where a node is promoted

  friend bool operator==(const TreePath&, const TreePath&) = default;
};

/// SHA256(00 || commitment || salt) and SHA256(01 || left || right).
hash::Digest leaf_hash(const TreeLeaf& leaf) noexcept;
hash::Digest node_hash(const hash::Digest& left, const hash::Digest& right) noexcept;

/// The binary tree of calx-stamp-1: pairs from the left; an odd node at the end of a level moves up
/// as it is, it is never duplicated. One leaf is its own root.
class RequestTree {
 public:
  /// Errors: kInvalidArgument for no leaf, kResourceExhausted above kLeavesMax.
  /// Cost: 2n - 1 hashes and 64 n bytes.
  static Result<RequestTree> build(std::span<const TreeLeaf> leaves);

  [[nodiscard]] const hash::Digest& root() const noexcept { return levels_.back().front(); }
  [[nodiscard]] std::uint32_t leaves() const noexcept {
    return static_cast<std::uint32_t>(levels_.front().size());
  }
  /// \pre index < leaves()
  [[nodiscard]] TreePath path(std::uint32_t index) const;

 private:
  RequestTree() = default;
  std::vector<Salt> salts_;
  std::vector<std::vector<hash::Digest>> levels_;  // leaves first, root last
};

/// The root that follows from a commitment and its path in a tree of `leaves` leaves.
/// Errors: kInvalidArgument when the index is not below `leaves` or the number of siblings is not
/// the one that this place has.
Result<hash::Digest> root_of(const hash::Digest& commitment, const TreePath& path,
                             std::uint32_t leaves);

}  // namespace calx::work
