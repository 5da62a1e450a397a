// Goal: no kernel may ever differ from the portable reference, nor a report from what is in force.
// Method: 10,000 random cases over every entry point and every kernel; messages of 0..300 bytes at
// every alignment. A kernel that this CPU lacks is reported as skipped, never passed.
#include "calx/hash/kernel.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "calx/hash/kernel_test_name.h"
#include "calx/hash/sha256.h"

namespace calx::hash {
namespace {

const Kernel& portable() { return *kernels().back(); }

class KernelTest : public ForcedKernelTest {};
INSTANTIATE_TEST_SUITE_P(, KernelTest, testing::ValuesIn(kernels()), kernel_test_name);

/// One random call of one entry point, on both kernels.
class RandomCase {
 public:
  explicit RandomCase(unsigned seed) : rng_(seed) {
    for (auto& byte : bytes_) byte = static_cast<std::uint8_t>(rng_());
  }

  testing::AssertionResult agrees(const Kernel& kernel) {
    const std::uint32_t operation = below(5);
    const bool same = operation == 0   ? compress(kernel)
                      : operation == 1 ? digest_many(kernel)
                      : operation == 2 ? digest_64(kernel)
                      : operation == 3 ? expand(kernel)
                                       : scan(kernel);
    if (same) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "entry point " << operation;
  }

 private:
  std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(rng_() % end); }
  State random_state() {
    State state;
    for (auto& word : state) word = static_cast<std::uint32_t>(rng_());
    return state;
  }

  bool compress(const Kernel& kernel) {
    State got = random_state(), want = got;
    const std::size_t offset = below(64), block_count = below(6);
    kernel.compress(got, bytes_.data() + offset, block_count);
    portable().compress(want, bytes_.data() + offset, block_count);
    return got == want;
  }

  bool digest_many(const Kernel& kernel) {
    Batch batch;
    batch.count = below(41), batch.body_blocks = below(5), batch.tail_blocks = 1 + below(2);
    std::vector<const std::uint8_t*> bodies(batch.count), tails(batch.count);
    for (auto& body : bodies) body = bytes_.data() + below(3000);
    for (auto& tail : tails) tail = bytes_.data() + below(3000);
    batch.bodies = bodies.data(), batch.tails = tails.data();
    std::vector<Digest> got(batch.count + 1), want(batch.count + 1);
    kernel.digest_many(batch, got.data());
    portable().digest_many(batch, want.data());
    return got == want;
  }

  bool digest_64(const Kernel& kernel) {
    const std::size_t offset = below(64), count = below(41);
    std::vector<Digest> got(count + 1), want(count + 1);
    kernel.digest_64(bytes_.data() + offset, count, got.data());
    portable().digest_64(bytes_.data() + offset, count, want.data());
    return got == want;
  }

  bool expand(const Kernel& kernel) {
    CounterRows rows;
    rows.key = random_state();
    rows.word8 = below(~0u), rows.word9 = below(~0u), rows.word10 = below(~0u);
    rows.row_count = below(37), rows.group_count = 1 + below(below(8) == 0 ? 100 : 20);
    rows.row_first = below(~0u - 100), rows.group_first = below(~0u - 100);
    const std::size_t count = std::size_t{8} * rows.row_count * rows.group_count;
    std::vector<std::uint32_t> got(count + 8), want(count + 8);
    kernel.expand(rows, got.data());
    portable().expand(rows, want.data());
    return got == want;
  }

  bool scan(const Kernel& kernel) {
    OpenHeader header;
    header.midstate = random_state();
    for (auto& word : header.tail) word = below(~0u);
    header.top_max = ~0u >> below(10);
    const std::uint32_t first = below(~0u - 100);
    const std::uint64_t count = below(100);
    return kernel.scan(header, first, count) == portable().scan(header, first, count);
  }

  std::mt19937 rng_;
  std::array<std::uint8_t, 4096> bytes_;
};

TEST_P(KernelTest, AgreesWithPortableIn10000RandomCases) {
  RandomCase random(301);
  for (int i = 0; i < 10000; ++i) ASSERT_TRUE(random.agrees(*GetParam())) << "case " << i;
}

TEST_P(KernelTest, AgreesWithPortableAtEveryAlignmentAndLength) {
  std::vector<std::uint8_t> bytes(364);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i % 251);
  for (std::size_t offset = 0; offset < 64; ++offset) {
    for (std::size_t length = 0; length <= 300; ++length) {
      const auto message = std::span(bytes).subspan(offset, length);
      const Digest got = sha256(message);
      force_kernel("portable");
      const Digest want = sha256(message);
      force_kernel(GetParam()->name);
      ASSERT_EQ(got, want) << "offset " << offset << ", " << length << " bytes";
    }
  }
}

TEST_P(KernelTest, ReportsItselfAsChosenWhenForced) {
  for (const KernelReport& report : kernel_reports()) {
    EXPECT_EQ(report.kernel == GetParam(), report.status == KernelStatus::kChosen);
  }
}

TEST(KernelTableTest, EndsWithThePortableKernel) {
  EXPECT_EQ(portable().name, "portable");
  EXPECT_TRUE(portable().supported());
  for (const Kernel* kernel : kernels()) EXPECT_EQ(find_kernel(kernel->name), kernel);
  EXPECT_EQ(find_kernel("abacus"), nullptr);
}

TEST(KernelTableTest, ChoosesOneSupportedKernelPerOperation) {
  for (std::size_t i = 0; i < kOperationCount; ++i) {
    std::size_t chosen = 0;
    for (const KernelReport& report : kernel_reports()) {
      if (!report.chosen_for[i]) continue;
      ++chosen;
      EXPECT_EQ(report.kernel, &active_kernel(static_cast<Operation>(i)));
      EXPECT_TRUE(report.kernel->supported());
    }
    EXPECT_EQ(chosen, 1u) << to_string(static_cast<Operation>(i));
  }
}

TEST(KernelTableTest, DoesNotForceWhatItCannotUse) {
  EXPECT_EQ(force_kernel("abacus"), KernelStatus::kUnknown);
  for (const Kernel* kernel : kernels()) {
    if (kernel->supported()) continue;
    EXPECT_EQ(force_kernel(kernel->name), KernelStatus::kUnsupported);
  }
  EXPECT_EQ(force_kernel(""), KernelStatus::kChosen);
}

}  // namespace
}  // namespace calx::hash
