// Goal: bytes arrive whole, waits end, and a lost peer is an error.
// Method: a pseudo-terminal with the strict chip emulator behind it, driven like a serial port;
// loopback sockets that close, refuse or stay silent; a file in place of a character device.
#include "calx/device/descriptor_wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "calx/device/bm13xx_driver.h"
#include "calx/device/bm13xx_emulator.h"

namespace calx::device {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Deadline in(int ms) { return steady_clock::now() + milliseconds(ms); }

// The emulated chips at the other end of a pseudo-terminal. It has no speed, so the emulator is
// told the one it expects.
class Board {
 public:
  explicit Board(Bm13xxEmulator& emulator)
      : master_(::posix_openpt(O_RDWR | O_NOCTTY)),
        thread_([this, &emulator](const std::stop_token& stop) { serve(emulator, stop); }) {}
  ~Board() {
    thread_.request_stop();
    thread_.join();
    ::close(master_);
  }
  [[nodiscard]] std::string path() const {
    ::grantpt(master_), ::unlockpt(master_);
    char name[64] = {};
    ::ptsname_r(master_, name, sizeof name);
    return name;
  }

 private:
  void serve(Bm13xxEmulator& emulator, const std::stop_token& stop) const {
    std::uint8_t buffer[512];
    while (!stop.stop_requested()) {
      pollfd entry{.fd = master_, .events = POLLIN, .revents = 0};
      if (::poll(&entry, 1, emulator.busy() ? 0 : 1) > 0 && (entry.revents & POLLIN)) {
        const ssize_t count = ::read(master_, buffer, sizeof buffer);
        for (ssize_t i = 0; i < count; ++i) {
          emulator.receive(std::span(buffer + i, 1), emulator.baud());
        }
      }
      emulator.work(1u << 14);
      const Bytes out = emulator.take_output();
      if (out.empty()) continue;
      ASSERT_EQ(::write(master_, out.data(), out.size()), static_cast<ssize_t>(out.size()));
    }
  }
  int master_;
  std::jthread thread_;
};

TEST(SerialLineTest, TheDriverMinesThroughAPseudoTerminal) {
  Bm13xxEmulator emulator({.chip = Bm13xx::kBm1370, .chips = 2});
  const Board board(emulator);
  auto wire = open_serial_line(board.path(), kResetBaud);
  if (!wire && wire.error().code == ErrorCode::kUnimplemented) {
    GTEST_SKIP() << "no speeds by number here: " << wire.error().message;
  }
  ASSERT_TRUE(wire) << wire.error().message;
  EXPECT_EQ((*wire)->origin(), Origin::kEmulated) << "there is a program behind it";
  const auto driver = Bm13xxDriver::open(**wire, {.chip = Bm13xx::kBm1370,
                                                  .base_bits = 12,
                                                  .hashes_per_second = 1e6,
                                                  .count_silence = milliseconds(300),
                                                  .ramp_pause = milliseconds(0),
                                                  .chip_pause = milliseconds(0)});
  ASSERT_TRUE(driver) << driver.error().message;
  EXPECT_EQ((*driver)->chips(), 2u);
  work::Job job = work::template_job(hash::Digest{5}, *work::Target::from_work_bits(16));
  job.deadline = steady_clock::now() + std::chrono::seconds(60);
  const auto found = (*driver)->run(job, {});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(work::check_share(job, found->share).verdict, work::ShareVerdict::kAccepted);
  EXPECT_EQ(found->origin, Origin::kEmulated);
}

TEST(CharacterDeviceTest, OnlyADeviceFileCanBeADevice) {
  EXPECT_EQ((*open_character_device("/dev/null"))->origin(), Origin::kDevice);
  const auto file =
      std::filesystem::temp_directory_path() / ("calx-no-device-" + std::to_string(::getpid()));
  ::close(::open(file.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_EQ((*open_character_device(file))->origin(), Origin::kEmulated);
  std::filesystem::remove(file);
}

TEST(SerialLineTest, WhatIsNoTerminalOrNotThereIsRefused) {
  EXPECT_FALSE(open_serial_line("/dev/null", 115200));
  EXPECT_EQ(open_serial_line("/dev/no-such-line", 115200).error().code, ErrorCode::kNotFound);
}

TEST(CharacterDeviceTest, AReadOfNothingIsNotTheEnd) {
  const auto wire = open_character_device("/dev/null");
  ASSERT_TRUE(wire) << wire.error().message;
  std::uint8_t buffer[8];
  const auto count = (*wire)->read(buffer, in(5));
  ASSERT_TRUE(count) << count.error().message;
  EXPECT_EQ(*count, 0u);
  EXPECT_TRUE((*wire)->write(buffer));
  EXPECT_EQ(open_character_device("/dev/no-such-asic").error().code, ErrorCode::kNotFound);
}

struct Listener {
  Listener() : descriptor(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in self{};
    self.sin_family = AF_INET;
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(descriptor, reinterpret_cast<sockaddr*>(&self), sizeof self);
    ::listen(descriptor, 4);
    socklen_t size = sizeof self;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&self), &size);
    port = ntohs(self.sin_port);
  }
  ~Listener() { ::close(descriptor); }
  int descriptor;
  std::uint16_t port = 0;
};

TEST(TcpWireTest, SilenceIsNoBytesAndAClosedPeerIsAnError) {
  const Listener listener;
  auto wire = connect_tcp("127.0.0.1", listener.port, in(5000), Origin::kEmulated);
  ASSERT_TRUE(wire) << wire.error().message;
  const int peer = ::accept(listener.descriptor, nullptr, nullptr);
  std::uint8_t buffer[8] = {1, 2, 3};
  EXPECT_EQ(*(*wire)->read(buffer, in(5)), 0u);
  ASSERT_EQ(::write(peer, "abc", 3), 3);
  EXPECT_EQ(*(*wire)->read(buffer, in(5000)), 3u);
  ::close(peer);
  EXPECT_EQ((*wire)->read(buffer, in(5000)).error().code, ErrorCode::kUnavailable);
}

TEST(TcpWireTest, ARefusedConnectionAndANameAreErrors) {
  std::uint16_t port = 0;
  {
    port = Listener().port;
  }
  EXPECT_EQ(connect_tcp("127.0.0.1", port, in(5000), Origin::kDevice).error().code,
            ErrorCode::kUnavailable);
  EXPECT_EQ(connect_tcp("miner.local", 80, in(5000), Origin::kDevice).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::device
