#include "calx/work/request_tree.h"

#include <fmt/format.h>

#include "calx/base/assert.h"
#include "calx/hash/sha256.h"

namespace calx::work {
namespace {

constexpr std::uint8_t kLeafPrefix = 0;
constexpr std::uint8_t kNodePrefix = 1;

// A node at the end of a level of odd width has no sibling there and moves up as it is.
bool promoted(std::size_t position, std::size_t width) noexcept {
  return position + 1 == width && width % 2 == 1;
}

std::size_t siblings_wanted(std::uint32_t index, std::uint32_t leaves) noexcept {
  std::size_t wanted = 0;
  for (std::size_t position = index, width = leaves; width > 1;
       position /= 2, width = (width + 1) / 2) {
    if (!promoted(position, width)) ++wanted;
  }
  return wanted;
}

}  // namespace

hash::Digest leaf_hash(const TreeLeaf& leaf) noexcept {
  return hash::Sha256().update_u8(kLeafPrefix).update(leaf.commitment).update(leaf.salt).finish();
}

hash::Digest node_hash(const hash::Digest& left, const hash::Digest& right) noexcept {
  return hash::Sha256().update_u8(kNodePrefix).update(left).update(right).finish();
}

Result<RequestTree> RequestTree::build(std::span<const TreeLeaf> leaves) {
  if (leaves.empty()) return fail(ErrorCode::kInvalidArgument, "a request tree needs a request");
  if (leaves.size() > kLeavesMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{} requests for one tree, at most {}", leaves.size(), kLeavesMax));
  }
  RequestTree tree;
  std::vector<hash::Digest> level;
  level.reserve(leaves.size());
  tree.salts_.reserve(leaves.size());
  for (const TreeLeaf& leaf : leaves) {
    level.push_back(leaf_hash(leaf));
    tree.salts_.push_back(leaf.salt);
  }
  while (level.size() > 1) {
    std::vector<hash::Digest> above;
    above.reserve((level.size() + 1) / 2);
    for (std::size_t i = 0; i + 1 < level.size(); i += 2) {
      above.push_back(node_hash(level[i], level[i + 1]));
    }
    if (level.size() % 2 == 1) above.push_back(level.back());
    tree.levels_.push_back(std::move(level));
    level = std::move(above);
  }
  tree.levels_.push_back(std::move(level));
  return tree;
}

TreePath RequestTree::path(std::uint32_t index) const {
  CALX_ASSERT(index < leaves());
  TreePath path{.salt = salts_[index], .index = index, .siblings = {}};
  std::size_t position = index;
  for (const auto& level : levels_) {
    if (level.size() > 1 && !promoted(position, level.size())) {
      path.siblings.push_back(level[position ^ 1]);
    }
    position /= 2;
  }
  return path;
}

Result<hash::Digest> root_of(const hash::Digest& commitment, const TreePath& path,
                             std::uint32_t leaves) {
  if (leaves == 0 || leaves > kLeavesMax || path.index >= leaves) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("leaf {} of a tree of {} leaves: wanted an index below the leaves, "
                            "and 1 to {} leaves",
                            path.index, leaves, kLeavesMax));
  }
  if (const auto wanted = siblings_wanted(path.index, leaves); path.siblings.size() != wanted) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the path of leaf {} of {} has {} hashes, wanted {}", path.index,
                            leaves, path.siblings.size(), wanted));
  }
  hash::Digest node = leaf_hash({.commitment = commitment, .salt = path.salt});
  auto sibling = path.siblings.begin();
  for (std::size_t position = path.index, width = leaves; width > 1;
       position /= 2, width = (width + 1) / 2) {
    if (promoted(position, width)) continue;
    node = position % 2 == 0 ? node_hash(node, *sibling) : node_hash(*sibling, node);
    ++sibling;
  }
  return node;
}

}  // namespace calx::work
