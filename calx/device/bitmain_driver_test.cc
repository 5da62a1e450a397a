// Goal: a driver that an Antminer's kernel module would not ignore.
// Method: laws: shares through the emulator of both kinds, which really searches, judged by
// calx/work; faults: a second owner, packets spoilt on the way (swallowed in silence), the wrong
// dialect, a device that dies.
#include "calx/device/bitmain_driver.h"

#include <gmock/gmock.h>

#include "calx/device/bitmain_emulator.h"

namespace calx::device {
namespace {

using std::chrono::milliseconds;

BitmainOptions quick(TokenDialect dialect) {
  return {.dialect = dialect,
          .base_bits = 12,
          .answer_wait = milliseconds(2),
          .silence_max = milliseconds(2000)};
}

work::Job job_of(unsigned bits) {
  work::Job job = work::template_job(hash::Digest{3}, *work::Target::from_work_bits(bits));
  job.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  return job;
}

class BitmainDriverTest : public testing::TestWithParam<TokenDialect> {};
INSTANTIATE_TEST_SUITE_P(, BitmainDriverTest,
                         testing::Values(TokenDialect{BitmainKind::kS1, FlagOrder::kLowFirst},
                                         TokenDialect{BitmainKind::kS3, FlagOrder::kLowFirst},
                                         TokenDialect{BitmainKind::kS3, FlagOrder::kHighFirst}),
                         [](const auto& row) {
                           return std::string(row.param.kind == BitmainKind::kS1 ? "s1" : "s3") +
                                  (row.param.order == FlagOrder::kLowFirst ? "_low_first"
                                                                           : "_high_first");
                         });

TEST_P(BitmainDriverTest, FindsSharesJobAfterJob) {
  BitmainEmulator emulator({.dialect = GetParam(), .nonces_per_work = 1u << 16});
  const auto wire = BitmainEmulatorWire::open(emulator);
  ASSERT_TRUE(wire);
  const auto driver = BitmainDriver::open(**wire, quick(GetParam()));
  ASSERT_TRUE(driver) << driver.error().message;
  EXPECT_TRUE(emulator.configured());
  for (int i = 0; i < 3; ++i) {
    const work::Job job = job_of(18);
    const auto found = (*driver)->run(job, {});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(work::check_share(job, found->share).verdict, work::ShareVerdict::kAccepted);
    EXPECT_EQ(found->origin, Origin::kEmulated);
  }
  EXPECT_EQ((*driver)->judge().wrong(), 0u);
  EXPECT_TRUE(emulator.log().empty());
  EXPECT_GT((*driver)->works(), 24u) << "the FIFO was kept filled";
}

TEST(BitmainDriverFaultTest, ASecondOwnerIsToldThatTheDeviceIsBusy) {
  BitmainEmulator emulator({});
  auto first = BitmainEmulatorWire::open(emulator);
  ASSERT_TRUE(first);
  const auto second = BitmainEmulatorWire::open(emulator);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message, testing::HasSubstr("device or resource busy"));
  first->reset();
  EXPECT_TRUE(BitmainEmulatorWire::open(emulator));
}

TEST(BitmainDriverFaultTest, TheWrongDialectGetsSilenceAndTheLogSaysWhy) {
  BitmainEmulator emulator({.dialect = {BitmainKind::kS1, FlagOrder::kLowFirst}});
  const auto wire = BitmainEmulatorWire::open(emulator);
  const auto driver = BitmainDriver::open(**wire, quick({}));
  ASSERT_FALSE(driver);
  EXPECT_EQ(driver.error().code, ErrorCode::kUnavailable);
  ASSERT_FALSE(emulator.log().empty());
  EXPECT_THAT(emulator.log().front(), testing::HasSubstr("Err:token{53"));
}

// Every other packet to the device is spoilt; every one from it arrives.
class LossyWire final : public Wire {
 public:
  explicit LossyWire(Wire& inner) : inner_(inner) {}
  [[nodiscard]] Origin origin() const noexcept override { return inner_.origin(); }
  Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) override {
    if (dead) return std::size_t{0};
    return inner_.read(out, deadline);
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override {
    TokenBytes copy(bytes.begin(), bytes.end());
    if (++writes_ % 3 == 1) copy[copy.size() / 2] ^= 4;
    return inner_.write(copy);
  }
  bool dead = false;

 private:
  Wire& inner_;
  int writes_ = 0;
};

TEST(BitmainDriverFaultTest, LostPacketsCostTimeAndNothingElse) {
  BitmainEmulator emulator({.nonces_per_work = 1u << 16});
  const auto inner = BitmainEmulatorWire::open(emulator);
  LossyWire wire(**inner);
  const auto driver = BitmainDriver::open(wire, quick({}));
  ASSERT_TRUE(driver) << driver.error().message;
  int found = 0;
  for (int i = 0; i < 4; ++i) {
    const work::Job job = job_of(16);
    const auto share = (*driver)->run(job, {});
    if (!share) continue;
    EXPECT_EQ(work::check_share(job, share->share).verdict, work::ShareVerdict::kAccepted);
    ++found;
  }
  EXPECT_GT(found, 0);
  EXPECT_FALSE(emulator.log().empty());
  wire.dead = true;
  EXPECT_EQ((*driver)->run(job_of(16), {}).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace calx::device
