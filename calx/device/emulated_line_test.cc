// Goal: an emulated machine behind a path serves one host after the other, and never passes for
// more than emulated. Method: laws: the real drivers through pseudo-terminals, chips, Antminer and
// calx-hash-1, each opened twice; a TCP server of calx-hash-1 with a scanner over it; fault: a host
// that says nonsense is told of, and the next finds a fresh machine.
#include "calx/device/emulated_line.h"

#include <gmock/gmock.h>

#include <mutex>
#include <thread>

#include "calx/device/bitmain_driver.h"
#include "calx/device/bm13xx_driver.h"
#include "calx/device/descriptor_wire.h"
#include "calx/device/digest_scanner.h"
#include "calx/device/direct_hash_engine.h"
#include "calx/device/direct_hash_server.h"
#include "calx/hash/sha256.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::device {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

work::Job job_of(std::uint8_t number, unsigned bits) {
  work::Job job = work::template_job(hash::Digest{number}, *work::Target::from_work_bits(bits));
  job.version_mask = work::kVersionMask;
  job.deadline = steady_clock::now() + std::chrono::seconds(60);
  return job;
}

// A machine that is served by a thread of its own.
class Running {
 public:
  explicit Running(std::function<std::unique_ptr<LineMachine>()> power_up)
      : line_(EmulatedLine::open().value()), thread_([this, power_up](const std::stop_token& stop) {
          EmulatedLine::Options options;
          options.on_hang_up = [this](const std::string& trouble) {
            const std::scoped_lock lock(mutex_);
            ++hang_ups_, trouble_ = trouble;
          };
          line_->serve(power_up, options, stop);
        }) {}
  [[nodiscard]] const std::string& path() const { return line_->path(); }
  // Waits until so many hosts have gone; what the last one did wrong.
  std::string after_hang_up(int count) {
    const auto limit = steady_clock::now() + std::chrono::seconds(20);
    for (;;) {
      {
        const std::scoped_lock lock(mutex_);
        if (hang_ups_ >= count || steady_clock::now() > limit) {
          EXPECT_EQ(hang_ups_, count);
          return trouble_;
        }
      }
      std::this_thread::sleep_for(milliseconds(2));
    }
  }

 private:
  std::unique_ptr<EmulatedLine> line_;
  std::mutex mutex_;
  int hang_ups_ = 0;
  std::string trouble_;
  std::jthread thread_;
};

// Null, with a skip, where the system sets no speeds by number (qemu-user).
std::unique_ptr<Wire> serial(const Running& machine) {
  auto wire = open_serial_line(machine.path(), kResetBaud);
  if (!wire && wire.error().code == ErrorCode::kUnimplemented) return nullptr;
  EXPECT_TRUE(wire) << wire.error().message;
  return wire ? std::move(*wire) : nullptr;
}

void expect_share(Result<work::FoundShare> found, const work::Job& job) {
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(work::check_share(job, found->share).verdict, work::ShareVerdict::kAccepted);
  EXPECT_EQ(found->origin, Origin::kEmulated);
}

TEST(EmulatedLineTest, ChipsServeOneHostAfterTheOther) {
  Running chips([] { return chips_on_a_line({.chip = Bm13xx::kBm1368, .chips = 3}); });
  for (int host = 1; host <= 2; ++host) {
    {
      const auto wire = serial(chips);
      if (wire == nullptr) GTEST_SKIP() << "no speeds by number here";
      EXPECT_EQ(wire->origin(), Origin::kEmulated);
      const auto driver = Bm13xxDriver::open(*wire, {.chip = Bm13xx::kBm1368,
                                                     .base_bits = 12,
                                                     .hashes_per_second = 1e6,
                                                     .count_silence = milliseconds(300),
                                                     .ramp_pause = milliseconds(0),
                                                     .chip_pause = milliseconds(0)});
      ASSERT_TRUE(driver) << driver.error().message;
      EXPECT_EQ((*driver)->chips(), 3u);
      const work::Job job = job_of(static_cast<std::uint8_t>(host), 14);
      expect_share((*driver)->run(job, {}), job);
    }
    EXPECT_EQ(chips.after_hang_up(host), "");
  }
}

TEST(EmulatedLineTest, AnAntminerServesOneHostAfterTheOther) {
  Running antminer([] { return antminer_on_a_line({}); });
  for (int host = 1; host <= 2; ++host) {
    {
      const auto wire = open_character_device(antminer.path());
      ASSERT_TRUE(wire) << wire.error().message;
      EXPECT_EQ((*wire)->origin(), Origin::kEmulated);
      const auto driver = BitmainDriver::open(**wire, {.base_bits = 12});
      ASSERT_TRUE(driver) << driver.error().message;
      const work::Job job = job_of(static_cast<std::uint8_t>(host), 16);
      expect_share((*driver)->run(job, {}), job);
    }
    EXPECT_EQ(antminer.after_hang_up(host), "");
  }
}

TEST(EmulatedLineTest, AnAntminerOfTheFirstKindCutsItsOwnPackets) {
  const TokenDialect dialect{.kind = BitmainKind::kS1};
  Running antminer([dialect] { return antminer_on_a_line({.dialect = dialect}); });
  const auto wire = open_character_device(antminer.path());
  ASSERT_TRUE(wire) << wire.error().message;
  const auto driver = BitmainDriver::open(**wire, {.dialect = dialect, .base_bits = 12});
  ASSERT_TRUE(driver) << driver.error().message;
  const work::Job job = job_of(9, 16);
  expect_share((*driver)->run(job, {}), job);
}

TEST(EmulatedLineTest, NonsenseIsToldOfAndForgottenWithTheHost) {
  Running antminer([] { return antminer_on_a_line({}); });
  {
    const auto wire = open_character_device(antminer.path());
    ASSERT_TRUE(wire);
    const std::uint8_t nonsense[] = {0x99, 1, 2, 3, 4, 5};
    ASSERT_TRUE((*wire)->write(nonsense));
    std::uint8_t buffer[8];
    EXPECT_EQ((*wire)->read(buffer, steady_clock::now() + milliseconds(50)).value(), 0u);
  }
  EXPECT_NE(antminer.after_hang_up(1), "");
  const auto wire = open_character_device(antminer.path());
  EXPECT_TRUE(BitmainDriver::open(**wire, {.base_bits = 12}));
}

TEST(EmulatedLineTest, ADirectHashMachineAnswersOnALine) {
  Running machine([] { return hashes_on_a_line(); });
  const auto wire = serial(machine);
  if (wire == nullptr) GTEST_SKIP() << "no speeds by number here";
  const auto engine = DirectHashEngine::open(*wire);
  ASSERT_TRUE(engine) << engine.error().message;
  const std::vector<std::uint8_t> text(3000, 'x');
  const std::vector<hash::Message> messages(40, text);
  std::vector<hash::Digest> digests(40);
  const auto report = (*engine)->digest(messages, digests, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->origin, Origin::kEmulated);
  EXPECT_EQ(digests.back(), hash::sha256(text));
}

TEST(DirectHashServerTest, HashesAndSearchesForSeveralHosts) {
  const auto server = DirectHashServer::listen({.ip = "127.0.0.1", .port = 0});
  ASSERT_TRUE(server) << server.error().message;
  ASSERT_NE((*server)->address().port, 0);
  std::jthread thread([&](const std::stop_token& stop) { EXPECT_TRUE((*server)->serve(stop)); });
  for (std::uint8_t host = 0; host < 3; ++host) {
    const auto wire = connect_tcp("127.0.0.1", (*server)->address().port,
                                  steady_clock::now() + std::chrono::seconds(5), Origin::kDevice);
    ASSERT_TRUE(wire) << wire.error().message;
    const auto engine = DirectHashEngine::open(**wire);
    ASSERT_TRUE(engine) << engine.error().message;
    DigestScanner scanner(**engine);
    EXPECT_EQ(scanner.info().origin, Origin::kEmulated) << "the machine's own word";
    const work::Job job = job_of(host, 12);
    expect_share(work::ScannerJobRunner(scanner).run(job, {}), job);
  }
}

TEST(DirectHashServerTest, ATakenPortIsAnError) {
  const auto first = DirectHashServer::listen({.ip = "127.0.0.1", .port = 0});
  ASSERT_TRUE(first);
  EXPECT_EQ(DirectHashServer::listen((*first)->address()).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace calx::device
