#include "apps/cli/wire_engine.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>

#include "apps/cli/engine_text.h"
#include "apps/cli/token_file.h"
#include "calx/device/asic_stream.h"
#include "calx/device/bitaxe_board.h"
#include "calx/device/bitmain_driver.h"
#include "calx/device/bm13xx_driver.h"
#include "calx/device/descriptor_wire.h"
#include "calx/device/digest_scanner.h"
#include "calx/device/direct_hash_engine.h"
#include "calx/device/direct_hash_server.h"
#include "calx/device/usb_wire.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::cli {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kRealBaseBits = 32;
constexpr std::uint32_t kBaudMin = 300, kBaudMax = 12'000'000;
constexpr std::uint32_t kDirectHashBaud = 115'200;
constexpr auto kConnectTime = std::chrono::seconds(5);
constexpr double kEmulatedRate = 2e6;  // hashes/s of an emulated chip, about
constexpr auto kLookAgain = milliseconds(20);

// Callers wait for each other, no longer than their deadlines.
class SerialRunner final : public work::JobRunner {
 public:
  explicit SerialRunner(work::JobRunner& runner) : runner_(runner) {}

  [[nodiscard]] Origin origin() const noexcept override { return runner_.origin(); }
  [[nodiscard]] std::uint32_t version_mask() const noexcept override {
    return runner_.version_mask();
  }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    std::unique_lock lock(mutex_, std::defer_lock);
    while (!lock.try_lock_for(kLookAgain)) {
      if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the search was stopped");
      if (std::chrono::steady_clock::now() >= job.deadline) {
        return fail(ErrorCode::kDeadlineExceeded, "the device was busy until the deadline");
      }
    }
    return runner_.run(job, std::move(stop));
  }

 private:
  work::JobRunner& runner_;
  std::timed_mutex mutex_;
};

class SerialDigests final : public hash::DigestEngine {
 public:
  explicit SerialDigests(std::unique_ptr<hash::DigestEngine> engine) : engine_(std::move(engine)) {}

  [[nodiscard]] const hash::EngineInfo& info() const noexcept override { return engine_->info(); }
  Result<hash::DigestReport> digest(std::span<const hash::Message> messages,
                                    std::span<hash::Digest> digests,
                                    std::stop_token stop) override {
    const std::scoped_lock lock(mutex_);
    return engine_->digest(messages, digests, std::move(stop));
  }

 private:
  std::unique_ptr<hash::DigestEngine> engine_;
  std::mutex mutex_;
};

device::Bm13xxOptions chip_options(device::Bm13xx chip, unsigned base_bits) {
  device::Bm13xxOptions options{.chip = chip, .base_bits = base_bits};
  if (base_bits < kRealBaseBits) {  // an emulator's clock and voltage need no time to settle
    options.hashes_per_second = kEmulatedRate;
    options.ramp_pause = options.chip_pause = milliseconds(0);
  }
  return options;
}

Result<std::unique_ptr<device::Wire>> open_antminer_wire(const EngineText& words) {
  constexpr std::string_view kTcp = "tcp:";
  if (words.address() == "usb") return device::open_bitmain_usb();
  if (!words.address().starts_with(kTcp)) return device::open_character_device(words.address());
  device::AsicStreamOptions options;
  CALX_ASSIGN(address, parse_address(words.address().substr(kTcp.size())));
  options.address = std::move(address);
  if (const auto file = words.find("token-file")) {
    CALX_ASSIGN(token, read_token(*file));
    options.token = std::move(token);
  }
  return device::connect_asic_stream(options);
}

Result<void> power_board(WireEngine& engine, const EngineText& words, device::Bm13xx chip) {
  const auto control = words.find("control");
  if (!control) {
    if (!words.find("millivolts")) return {};
    return fail(ErrorCode::kInvalidArgument,
                "millivolts= needs control=PATH beside it: the line of the chips sets no voltage");
  }
  const auto& kind = device::kind_of(chip);
  CALX_ASSIGN(millivolts, words.number("millivolts", static_cast<std::uint32_t>(kind.mv_min),
                                       static_cast<std::uint32_t>(kind.mv_min),
                                       static_cast<std::uint32_t>(kind.mv_max)));
  CALX_ASSIGN(port, device::open_serial_line(*control, kDirectHashBaud));
  engine.wires.push_back(std::move(port));
  return device::power_bitaxe(*engine.wires.back(),
                              {.chip = chip, .millivolts = double{1} * millivolts});
}

}  // namespace

Result<WireEngine> open_chip_engine(std::string_view text) {
  CALX_ASSIGN(words,
              EngineText::parse(text, {"baud", "mhz", "millivolts", "control", "base-bits"}));
  const std::size_t colon = words.address().find(':');
  if (colon == std::string::npos) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("chip=\"{}\", wanted KIND:PATH such as bm1370:/dev/ttyACM1", words.address()));
  }
  CALX_ASSIGN(chip, device::parse_bm13xx(words.address().substr(0, colon)));
  const auto& kind = device::kind_of(chip);
  CALX_ASSIGN(base_bits, words.number("base-bits", kRealBaseBits, 1, kRealBaseBits));
  CALX_ASSIGN(baud, words.number("baud", device::kResetBaud, kBaudMin, kBaudMax));
  CALX_ASSIGN(mhz, words.number("mhz", static_cast<std::uint32_t>(kind.default_mhz),
                                static_cast<std::uint32_t>(kind.mhz_min),
                                static_cast<std::uint32_t>(kind.mhz_max)));
  auto options = chip_options(chip, base_bits);
  options.mhz = mhz;
  options.reset_baud = baud;
  WireEngine engine;
  CALX_TRY(power_board(engine, words, chip));
  CALX_ASSIGN(line, device::open_serial_line(words.address().substr(colon + 1), baud));
  engine.wires.push_back(std::move(line));
  CALX_ASSIGN(driver, device::Bm13xxDriver::open(*engine.wires.back(), options));
  engine.driver = std::move(driver);
  engine.runner = std::make_unique<SerialRunner>(*engine.driver);
  return engine;
}

Result<WireEngine> open_antminer_engine(std::string_view text) {
  CALX_ASSIGN(words, EngineText::parse(text, {"token-file", "kind", "flags", "mhz", "base-bits"}));
  const auto kind = words.find("kind").value_or("s3"), flags = words.find("flags").value_or("low");
  if ((kind != "s1" && kind != "s3") || (flags != "low" && flags != "high")) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("kind={} and flags={}, wanted s1 or s3, and low or high", kind, flags));
  }
  device::BitmainOptions options;
  options.dialect.kind = kind == "s1" ? device::BitmainKind::kS1 : device::BitmainKind::kS3;
  options.dialect.order =
      flags == "high" ? device::FlagOrder::kHighFirst : device::FlagOrder::kLowFirst;
  CALX_ASSIGN(base_bits, words.number("base-bits", kRealBaseBits, 1, kRealBaseBits));
  options.base_bits = base_bits;
  CALX_ASSIGN(mhz, words.number("mhz", options.mhz, device::kS3MhzMin, device::kS3MhzMax));
  options.mhz = static_cast<std::uint16_t>(mhz);
  WireEngine engine;
  if (words.address() == "ioctl") {
    return fail(ErrorCode::kUnimplemented,
                "the kernel drivers of the S1 to S3 answer no ioctl: everything goes through read "
                "and write, bitmain=/dev/bitmain-asic");
  }
  CALX_ASSIGN(wire, open_antminer_wire(words));
  engine.wires.push_back(std::move(wire));
  CALX_ASSIGN(driver, device::BitmainDriver::open(*engine.wires.back(), options));
  engine.driver = std::move(driver);
  engine.runner = std::make_unique<SerialRunner>(*engine.driver);
  return engine;
}

Result<WireEngine> open_direct_hash_engine(std::string_view text) {
  constexpr std::string_view kSerial = "serial:";
  CALX_ASSIGN(words, EngineText::parse(text, {"baud"}));
  WireEngine engine;
  if (words.address().starts_with(kSerial)) {
    CALX_ASSIGN(baud, words.number("baud", kDirectHashBaud, kBaudMin, kBaudMax));
    CALX_ASSIGN(line, device::open_serial_line(words.address().substr(kSerial.size()), baud));
    engine.wires.push_back(std::move(line));
  } else {
    CALX_ASSIGN(address, device::parse_lan_address(words.address(), device::kDirectHashPort));
    const auto deadline = std::chrono::steady_clock::now() + kConnectTime;
    CALX_ASSIGN(socket, device::connect_tcp(address.ip, address.port, deadline, Origin::kDevice));
    engine.wires.push_back(std::move(socket));
  }
  CALX_ASSIGN(digests, device::DirectHashEngine::open(*engine.wires.back()));
  engine.digests = std::make_unique<SerialDigests>(std::move(digests));
  engine.scanner = std::make_unique<device::DigestScanner>(*engine.digests);
  engine.runner = std::make_unique<work::ScannerJobRunner>(*engine.scanner);
  return engine;
}

}  // namespace calx::cli
