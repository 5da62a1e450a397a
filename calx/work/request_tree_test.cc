// Goal: one stamp serves many requests, and each proves its own place and no other.
// Method: vectors (docs/protocol/stamp.md, checked there with Python's hashlib), laws (10,000
// leaves, every size up to 65), faults (wrong place, length, salt, promoted and duplicated nodes).
#include "calx/work/request_tree.h"

#include <gmock/gmock.h>

#include <bit>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"

namespace calx::work {
namespace {

TreeLeaf numbered(std::uint32_t number) {
  TreeLeaf leaf;
  leaf.commitment = hash::Sha256().update("request").update_u32(number).finish();
  const auto salt = hash::Sha256().update("salt").update_u32(number).finish();
  std::copy_n(salt.begin(), leaf.salt.size(), leaf.salt.begin());
  return leaf;
}

std::vector<TreeLeaf> numbered_leaves(std::uint32_t count) {
  std::vector<TreeLeaf> leaves;
  for (std::uint32_t i = 0; i < count; ++i) leaves.push_back(numbered(i));
  return leaves;
}

RequestTree tree_of(std::uint32_t count) { return *RequestTree::build(numbered_leaves(count)); }

TEST(RequestTreeTest, RootsAreThoseOfTheProtocolText) {
  EXPECT_EQ(to_hex(tree_of(1).root()),
            "d149ef5ad254845ead725b1afa05f17df3de928152aeeab214e441f07a14f7cd");
  EXPECT_EQ(to_hex(tree_of(2).root()),
            "3df4790c173569ea8e0f1a644cf8a3b1e45c16b98e126a639c1c1ee4362ef694");
  EXPECT_EQ(to_hex(tree_of(3).root()),
            "e777632c89714b295b56e1daec4ac13658d00b0e2607dce8b1689c2ae1fb5c80");
  EXPECT_EQ(to_hex(tree_of(7).root()),
            "c0a92a9c0d36adf3455a3378fe0ee609d26186d58f3e6ffb849ec874ddaf2e6d");
}

TEST(RequestTreeTest, TenThousandRequestsProveThemselvesWithLog2Hashes) {
  const auto leaves = numbered_leaves(10'000);
  const auto tree = RequestTree::build(leaves);
  ASSERT_TRUE(tree);
  for (std::uint32_t i = 0; i < tree->leaves(); ++i) {
    const TreePath path = tree->path(i);
    ASSERT_LE(path.siblings.size(), 14u);  // ceil(log2 10,000)
    ASSERT_EQ(root_of(leaves[i].commitment, path, tree->leaves()).value(), tree->root()) << i;
  }
}

TEST(RequestTreeTest, EveryPlaceOfEverySmallTreeLeadsToItsRoot) {
  for (std::uint32_t count = 1; count <= 65; ++count) {
    const auto tree = tree_of(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      const TreePath path = tree.path(i);
      ASSERT_LE(path.siblings.size(), std::bit_width(count - 1));
      ASSERT_EQ(root_of(numbered(i).commitment, path, count).value(), tree.root());
      for (std::uint32_t other = 0; other < count; ++other) {
        if (other == i) continue;
        TreePath moved = path;
        moved.index = other;
        const auto root = root_of(numbered(i).commitment, moved, count);
        ASSERT_TRUE(!root || *root != tree.root()) << count << ": " << i << " as " << other;
      }
    }
  }
}

TEST(RequestTreeTest, AnOddNodeIsPromotedAndNeverDuplicated) {
  const auto leaf = [](std::uint32_t i) { return leaf_hash(numbered(i)); };
  const auto pair = node_hash(leaf(0), leaf(1));
  EXPECT_EQ(tree_of(3).root(), node_hash(pair, leaf(2)));
  EXPECT_NE(tree_of(3).root(), node_hash(pair, node_hash(leaf(2), leaf(2))));
  std::vector<TreeLeaf> doubled = numbered_leaves(3);
  doubled.push_back(doubled.back());
  EXPECT_NE(RequestTree::build(doubled)->root(), tree_of(3).root());
}

TEST(RequestTreeTest, ANodeCannotPassAsALeaf) {
  const auto left = leaf_hash(numbered(0));
  const auto right = leaf_hash(numbered(1));
  TreeLeaf posing{.commitment = left};
  std::copy_n(right.begin(), posing.salt.size(), posing.salt.begin());
  EXPECT_NE(leaf_hash(posing), node_hash(left, right));
}

TEST(RequestTreeTest, APathOfAnotherLengthOrPlaceIsRefused) {
  const auto tree = tree_of(10);
  TreePath path = tree.path(3);
  path.siblings.pop_back();
  EXPECT_THAT(root_of(numbered(3).commitment, path, 10).error().message,
              testing::HasSubstr("has 3 hashes, wanted 4"));
  path = tree.path(3);
  path.siblings.push_back({});
  EXPECT_FALSE(root_of(numbered(3).commitment, path, 10));
  path = tree.path(3);
  path.index = 10;
  EXPECT_FALSE(root_of(numbered(3).commitment, path, 10));
  EXPECT_FALSE(root_of(numbered(3).commitment, tree.path(3), 0));
  path = tree.path(3);
  path.salt[0] ^= 1;
  EXPECT_NE(root_of(numbered(3).commitment, path, 10).value(), tree.root());
}

TEST(RequestTreeTest, NoRequestAndTooManyRequestsAreRefused) {
  EXPECT_EQ(RequestTree::build({}).error().code, ErrorCode::kInvalidArgument);
  const std::vector<TreeLeaf> many(kLeavesMax + 1);
  EXPECT_EQ(RequestTree::build(many).error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace calx::work
