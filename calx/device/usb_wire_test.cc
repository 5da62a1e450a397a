// Goal: an Antminer on USB is driven as one behind its device file.
// Method: laws: the driver through a port of 64-byte packets with the emulator behind it; faults: a
// port that fails, and this machine, which has no Antminer.
#include "calx/device/usb_wire.h"

#include <gtest/gtest.h>

#include "calx/device/bitmain_driver.h"
#include "calx/device/bitmain_emulator.h"

namespace calx::device {
namespace {

class EmulatedPort final : public BulkPort {
 public:
  explicit EmulatedPort(BitmainEmulator& emulator) : emulator_(emulator) {}
  Result<std::size_t> receive(std::span<std::uint8_t> out,
                              std::chrono::milliseconds time) override {
    if (gone) return fail(ErrorCode::kUnavailable, "unplugged");
    EXPECT_EQ(out.size() % kBitmainUsbPacket, 0u);
    EXPECT_GT(time.count(), 0);
    if (ready_.empty()) emulator_.work(1u << 14), ready_ = emulator_.read();
    const std::size_t count = std::min({out.size(), ready_.size(), kBitmainUsbPacket});
    std::copy_n(ready_.begin(), count, out.begin());
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  Result<void> send(std::span<const std::uint8_t> bytes, std::chrono::milliseconds) override {
    if (gone) return fail(ErrorCode::kUnavailable, "unplugged");
    emulator_.write(bytes);
    return {};
  }
  bool gone = false;

 private:
  BitmainEmulator& emulator_;
  TokenBytes ready_;
};

TEST(UsbWireTest, TheDriverMinesThroughBulkPackets) {
  BitmainEmulator emulator({});
  ASSERT_TRUE(emulator.open());
  auto port = std::make_unique<EmulatedPort>(emulator);
  EmulatedPort& behind = *port;
  UsbWire wire(std::move(port), Origin::kDevice);
  const auto driver = BitmainDriver::open(wire, {.base_bits = 12});
  ASSERT_TRUE(driver) << driver.error().message;
  work::Job job = work::template_job(hash::Digest{8}, *work::Target::from_work_bits(16));
  job.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto found = (*driver)->run(job, {});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(work::check_share(job, found->share).verdict, work::ShareVerdict::kAccepted);
  EXPECT_EQ(found->origin, Origin::kEmulated) << "a base of 12 bits is no chip's";
  behind.gone = true;
  EXPECT_EQ((*driver)->run(job, {}).error().code, ErrorCode::kUnavailable);
}

TEST(UsbWireTest, WithoutAnAntminerOneSentenceSaysSo) {
  const auto wire = open_bitmain_usb();
  if (wire) GTEST_SKIP() << "there is an Antminer on this machine's USB";
  EXPECT_TRUE(wire.error().code == ErrorCode::kNotFound ||
              wire.error().code == ErrorCode::kUnavailable ||
              wire.error().code == ErrorCode::kUnimplemented);
  EXPECT_FALSE(wire.error().message.empty());
}

}  // namespace
}  // namespace calx::device
