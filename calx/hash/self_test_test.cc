// Goal: a kernel with a single wrong bit anywhere is refused, named, and never chosen.
// Method: fault tests. Every kernel is built a second time with one bit of one round constant
// flipped; and every entry point of every kernel is wrapped so that one bit of one lane's answer
// is flipped, or a nonce is missed.
#include "calx/hash/self_test.h"

#include <gtest/gtest.h>

#include "calx/hash/faulty_constants.h"
#include "calx/hash/kernel_test_name.h"

namespace calx::hash {
namespace {

/// What the wrapped kernel gets wrong: answer number `lane` of a call, in that bit.
struct Fault {
  const Kernel* kernel = nullptr;
  std::size_t lane = 0;
  unsigned bit = 0;
};
Fault fault;

void flip(Digest& digest) {
  digest[fault.bit / 8] = static_cast<std::uint8_t>(digest[fault.bit / 8] ^ 1u << fault.bit % 8);
}

void faulty_compress(State& state, const std::uint8_t* blocks, std::size_t block_count) noexcept {
  fault.kernel->compress(state, blocks, block_count);
  if (block_count > 0) state[fault.bit / 32] ^= 1u << fault.bit % 32;
}

void faulty_digest_many(const Batch& batch, Digest* digests) noexcept {
  fault.kernel->digest_many(batch, digests);
  if (fault.lane < batch.count) flip(digests[fault.lane]);
}

void faulty_digest_64(const std::uint8_t* messages, std::size_t count, Digest* digests) noexcept {
  fault.kernel->digest_64(messages, count, digests);
  if (fault.lane < count) flip(digests[fault.lane]);
}

void faulty_expand(const CounterRows& rows, std::uint32_t* words) noexcept {
  fault.kernel->expand(rows, words);
  if (fault.lane < std::uint64_t{rows.row_count} * rows.group_count) {
    words[8 * fault.lane + fault.bit / 32] ^= 1u << fault.bit % 32;
  }
}

std::optional<std::uint32_t> another_nonce(const OpenHeader& header, std::uint32_t first,
                                           std::uint64_t count) noexcept {
  const auto nonce = fault.kernel->scan(header, first, count);
  return nonce ? std::optional(*nonce ^ 1u << fault.bit % 32) : nonce;
}

/// Does not see nonces of one lane.
std::optional<std::uint32_t> missed_nonce(const OpenHeader& header, std::uint32_t first,
                                          std::uint64_t count) noexcept {
  const auto nonce = fault.kernel->scan(header, first, count);
  return nonce && *nonce - first == fault.lane ? std::nullopt : nonce;
}

class SelfTestTest : public testing::TestWithParam<const Kernel*> {
 protected:
  void SetUp() override {
    if (!GetParam()->supported()) GTEST_SKIP() << "this CPU lacks " << GetParam()->needs;
    fault.kernel = GetParam();
  }

  const SelfTest test_{kPortableKernel};
};
INSTANTIATE_TEST_SUITE_P(, SelfTestTest, testing::ValuesIn(kernels()), kernel_test_name);

TEST_P(SelfTestTest, PassesTheKernelAsItIs) { EXPECT_EQ(test_.fault(*GetParam()), ""); }

TEST_P(SelfTestTest, FindsOneWrongBitInAnyLaneOfAnyEntryPoint) {
  for (fault.lane = 0; fault.lane < 16; ++fault.lane) {
    for (const unsigned bit : {0u, 31u, 100u, 255u}) {
      fault.bit = bit;
      Kernel wrapped = *GetParam();
      wrapped.compress = faulty_compress;
      EXPECT_EQ(test_.fault(wrapped), "compress") << "bit " << bit;
      wrapped = *GetParam();
      wrapped.digest_many = faulty_digest_many;
      EXPECT_EQ(test_.fault(wrapped), "digest_many") << "lane " << fault.lane << " bit " << bit;
      wrapped = *GetParam();
      wrapped.digest_64 = faulty_digest_64;
      EXPECT_EQ(test_.fault(wrapped), "digest_64") << "lane " << fault.lane << " bit " << bit;
      wrapped = *GetParam();
      wrapped.expand = faulty_expand;
      EXPECT_EQ(test_.fault(wrapped), "expand") << "lane " << fault.lane << " bit " << bit;
      wrapped = *GetParam();
      wrapped.scan = another_nonce;
      EXPECT_EQ(test_.fault(wrapped), "scan") << "bit " << bit;
      wrapped.scan = missed_nonce;
      EXPECT_EQ(test_.fault(wrapped), "scan") << "lane " << fault.lane;
    }
  }
}

TEST_P(SelfTestTest, TheNextBestKernelReplacesARefusedOne) {
  fault.lane = 3, fault.bit = 17;
  Kernel wrapped = *GetParam();
  wrapped.digest_64 = faulty_digest_64;
  wrapped.rank = []() noexcept { return std::array<std::uint8_t, kOperationCount>{}; };
  const Kernel* const candidates[] = {&wrapped, GetParam(), &kPortableKernel};
  const Choice choice = choose_kernels(candidates);
  EXPECT_EQ(choice.reports[0].status, KernelStatus::kRefused);
  EXPECT_EQ(choice.reports[0].fault, "digest_64");
  EXPECT_NE(choice.active[static_cast<std::size_t>(Operation::kBulk)], &wrapped);
}

constexpr const Kernel* kFaultyKernels[] = {
#if defined(__x86_64__)
    &kFaultyAvx512Kernel, &kFaultyShaniKernel, &kFaultyAvx2Kernel,
#elif defined(__aarch64__)
    &kFaultyArmv8Kernel,
#endif
    &kPortableKernel,  // the reference
};

TEST(PlantedFaultTest, OneBitOfOneConstantMakesStartUpRefuseTheKernel) {
  const Choice choice = choose_kernels(kFaultyKernels);
  std::size_t refused = 0;
  for (const KernelReport& report : choice.reports) {
    if (report.kernel == &kPortableKernel) {
      EXPECT_EQ(report.status, KernelStatus::kChosen);
    } else if (report.status != KernelStatus::kUnsupported) {
      EXPECT_EQ(report.status, KernelStatus::kRefused) << report.kernel->name;
      EXPECT_FALSE(report.fault.empty()) << report.kernel->name;
      ++refused;
    }
  }
  for (const Kernel* active : choice.active) EXPECT_EQ(active, &kPortableKernel);
  if (refused == 0) GTEST_SKIP() << "this CPU supports the portable kernel only";
}

}  // namespace
}  // namespace calx::hash
