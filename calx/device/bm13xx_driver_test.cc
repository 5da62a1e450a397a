// Goal: a driver that wakes real chips, and believes none of their nonces.
// Method: laws: every kind finds shares through the strict emulator, which really searches; a
// second implementation of the rule (calx/work) judges them; faults: each line of each init table
// taken away in turn, chips that lie, that fall silent, or that answer with another id.
#include "calx/device/bm13xx_driver.h"

#include <gmock/gmock.h>

#include "calx/device/bm13xx_emulator.h"
#include "calx/work/share.h"

namespace calx::device {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Bm13xxOptions quick(Bm13xx chip, unsigned base_bits = 12) {
  return {.chip = chip,
          .base_bits = base_bits,
          .hashes_per_second = 1e6,
          .count_silence = milliseconds(1),
          .ramp_pause = milliseconds(0),
          .chip_pause = milliseconds(0),
          .job_interval = milliseconds(20)};
}

work::Job job_of(unsigned bits, std::uint32_t version_mask = work::kVersionMask) {
  work::Job job = work::template_job(hash::Digest{7}, *work::Target::from_work_bits(bits));
  job.version_mask = version_mask;
  job.deadline = std::chrono::steady_clock::now() + seconds(60);
  return job;
}

class Bm13xxDriverTest : public testing::TestWithParam<Bm13xx> {};
INSTANTIATE_TEST_SUITE_P(, Bm13xxDriverTest,
                         testing::Values(Bm13xx::kBm1366, Bm13xx::kBm1368, Bm13xx::kBm1370,
                                         Bm13xx::kBm1397),
                         [](const auto& row) { return std::string(kind_of(row.param).name); });

TEST_P(Bm13xxDriverTest, FindsSharesOnEveryChainLengthAndVersionMask) {
  for (const std::size_t chips : {1u, 2u, 6u}) {
    Bm13xxEmulator emulator({.chip = GetParam(), .chips = chips});
    Bm13xxEmulatorWire wire(emulator);
    const auto driver = Bm13xxDriver::open(wire, quick(GetParam()));
    ASSERT_TRUE(driver) << driver.error().message << "; " << emulator.refusal();
    EXPECT_EQ((*driver)->chips(), chips);
    EXPECT_TRUE(emulator.awake());
    EXPECT_NEAR(emulator.mhz(), kind_of(GetParam()).default_mhz, 1.0);
    for (const std::uint32_t mask : {work::kVersionMask, 0u}) {
      const work::Job job = job_of(16, mask);
      const auto found = (*driver)->run(job, {});
      ASSERT_TRUE(found) << found.error().message << "; " << emulator.refusal();
      EXPECT_EQ(work::check_share(job, found->share).verdict, work::ShareVerdict::kAccepted);
      EXPECT_EQ(found->share.version_bits & ~mask, 0u);
      EXPECT_EQ(found->origin, Origin::kEmulated);
    }
    EXPECT_EQ((*driver)->counts().wrong, 0u);
    EXPECT_GT(emulator.hashes(), 0u);
  }
}

TEST_P(Bm13xxDriverTest, WithoutAnyOneLineOfItsTableTheChipsStayDeaf) {
  const auto steps = init_steps(GetParam());
  for (std::size_t gone = 0; gone < steps.size(); ++gone) {
    std::vector<InitStep> fewer(steps.begin(), steps.end());
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(gone));
    Bm13xxEmulator emulator({.chip = GetParam(), .chips = 2});
    Bm13xxEmulatorWire wire(emulator);
    Bm13xxOptions options = quick(GetParam());
    options.steps = fewer;
    const auto driver = Bm13xxDriver::open(wire, options);
    ASSERT_FALSE(driver) << "line " << gone << " was not missed";
    EXPECT_EQ(driver.error().code, ErrorCode::kUnavailable);
    EXPECT_FALSE(emulator.refusal().empty()) << gone;
  }
}

TEST(Bm13xxDriverFaultTest, TheTicketMaskFollowsTheTarget) {
  Bm13xxEmulator emulator({.chip = Bm13xx::kBm1366});
  Bm13xxEmulatorWire wire(emulator);
  const auto driver = Bm13xxDriver::open(wire, quick(Bm13xx::kBm1366));
  ASSERT_TRUE(driver) << driver.error().message;
  ASSERT_TRUE((*driver)->run(job_of(14), {}));
  EXPECT_EQ(emulator.ticket_bits(), 2u);
  ASSERT_TRUE((*driver)->run(job_of(8), {})) << "an easier target than the base takes all";
  EXPECT_EQ(emulator.ticket_bits(), 0u);
  EXPECT_EQ((*driver)->counts().above_target, 0u);
}

TEST(Bm13xxDriverFaultTest, AnOddClockIsClampedToTheChipsLimits) {
  for (const auto& [asked, got] : {std::pair{5000.0, 575.0}, std::pair{10.0, 400.0}}) {
    Bm13xxEmulator emulator({.chip = Bm13xx::kBm1366});
    Bm13xxEmulatorWire wire(emulator);
    Bm13xxOptions options = quick(Bm13xx::kBm1366);
    options.mhz = asked;
    ASSERT_TRUE(Bm13xxDriver::open(wire, options)) << emulator.refusal();
    EXPECT_NEAR(emulator.mhz(), got, 1.0);
  }
}

// Passes everything on, and spoils what the test says.
class SpoiltWire final : public Wire {
 public:
  SpoiltWire(Wire& inner, std::function<void(Bytes&)> spoil)
      : inner_(inner), spoil_(std::move(spoil)) {}
  [[nodiscard]] Origin origin() const noexcept override { return inner_.origin(); }
  Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) override {
    CALX_ASSIGN(count, inner_.read(out, deadline));
    Bytes bytes(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
    if (on) spoil_(bytes);
    std::ranges::copy(bytes, out.begin());
    return bytes.size();
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override { return inner_.write(bytes); }
  Result<void> set_baud(std::uint32_t baud) override { return inner_.set_baud(baud); }
  bool on = false;

 private:
  Wire& inner_;
  std::function<void(Bytes&)> spoil_;
};

struct Bench {
  explicit Bench(std::function<void(Bytes&)> spoil, milliseconds silence = seconds(30))
      : emulator({.chip = Bm13xx::kBm1366}), inner(emulator), wire(inner, std::move(spoil)) {
    Bm13xxOptions options = quick(Bm13xx::kBm1366);
    options.silence_max = silence;
    driver = std::move(*Bm13xxDriver::open(wire, options));
    wire.on = true;
  }
  Bm13xxEmulator emulator;
  Bm13xxEmulatorWire inner;
  SpoiltWire wire;
  std::unique_ptr<Bm13xxDriver> driver;
};

TEST(Bm13xxDriverFaultTest, AChipThatLiesIsNamed) {
  Bench bench([](Bytes& bytes) {
    Bm13xxReplyStream replies(kind_of(Bm13xx::kBm1366));
    replies.push(bytes);
    bytes.clear();
    while (auto reply = replies.next()) {
      if (reply->nonce) reply->nonce->nonce ^= 1;
      const Bytes lie = encode_reply(kind_of(Bm13xx::kBm1366), *reply);
      bytes.insert(bytes.end(), lie.begin(), lie.end());
    }
  });
  const auto failed = bench.driver->run(job_of(12), {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(failed.error().message, testing::HasSubstr("bm1366 sent"));
}

TEST(Bm13xxDriverFaultTest, BitErrorsOnTheWireCostRepliesOnly) {
  int calls = 0;
  Bench bench([&calls](Bytes& bytes) {
    if (!bytes.empty() && ++calls % 2 == 0) bytes[bytes.size() / 2] ^= 0x10;
  });
  for (int i = 0; i < 8; ++i) {
    const work::Job job = job_of(14);
    const auto found = bench.driver->run(job, {});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(work::check_share(job, found->share).verdict, work::ShareVerdict::kAccepted);
  }
  EXPECT_GT(bench.driver->counts().bytes_skipped, 0u);
}

TEST(Bm13xxDriverFaultTest, ASilentChainIsUnavailable) {
  Bench bench([](Bytes& bytes) { bytes.clear(); }, milliseconds(50));
  EXPECT_EQ(bench.driver->run(job_of(12), {}).error().code, ErrorCode::kUnavailable);
}

TEST(Bm13xxDriverFaultTest, StopAndDeadlineEndTheSearch) {
  Bench bench([](Bytes&) {});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(bench.driver->run(job_of(12), stop.get_token()).error().code, ErrorCode::kCancelled);
  work::Job job = job_of(60);
  job.deadline = std::chrono::steady_clock::now() + milliseconds(30);
  EXPECT_EQ(bench.driver->run(job, {}).error().code, ErrorCode::kDeadlineExceeded);
}

TEST(Bm13xxDriverFaultTest, AnotherChipThanAskedForIsRefused) {
  Bm13xxEmulator emulator({.chip = Bm13xx::kBm1366});
  Bm13xxEmulatorWire wire(emulator);
  const auto driver = Bm13xxDriver::open(wire, quick(Bm13xx::kBm1370));
  ASSERT_FALSE(driver);
  EXPECT_THAT(driver.error().message, testing::HasSubstr("1366, wanted bm1370"));
}

// A wire that claims to lead to a device cannot raise what a shifted base gives away.
TEST(Bm13xxDriverFaultTest, AShiftedBaseIsNeverOfOriginDevice) {
  class BoastfulWire final : public Wire {
   public:
    explicit BoastfulWire(Wire& inner) : inner_(inner) {}
    [[nodiscard]] Origin origin() const noexcept override { return Origin::kDevice; }
    Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) override {
      return inner_.read(out, deadline);
    }
    Result<void> write(std::span<const std::uint8_t> bytes) override { return inner_.write(bytes); }
    Result<void> set_baud(std::uint32_t baud) override { return inner_.set_baud(baud); }

   private:
    Wire& inner_;
  };
  Bm13xxEmulator emulator({.chip = Bm13xx::kBm1366});
  Bm13xxEmulatorWire inner(emulator);
  BoastfulWire wire(inner);
  const auto driver = Bm13xxDriver::open(wire, quick(Bm13xx::kBm1366));
  ASSERT_TRUE(driver);
  EXPECT_EQ((*driver)->origin(), Origin::kEmulated);
}

}  // namespace
}  // namespace calx::device
