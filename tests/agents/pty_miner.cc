#include "tests/agents/pty_miner.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace calx::device {
namespace {

constexpr std::size_t kOrderHeadBytes = 4;
constexpr auto kHeartbeat = std::chrono::milliseconds(50);

}  // namespace

PtyMiner::PtyMiner(const BitmainEmulatorOptions& options)
    : emulator_(options), master_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) {
  ::grantpt(master_), ::unlockpt(master_);
  char name[64] = {};
  ::ptsname_r(master_, name, sizeof name);
  path_ = name;
  termios settings{};
  ::tcgetattr(master_, &settings);
  ::cfmakeraw(&settings);
  ::tcsetattr(master_, TCSANOW, &settings);
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

PtyMiner::~PtyMiner() { vanish(); }

void PtyMiner::vanish() {
  if (master_ < 0) return;
  thread_.request_stop();
  thread_.join();
  ::close(master_);
  master_ = -1;
}

std::vector<std::size_t> PtyMiner::packets() const {
  const std::scoped_lock lock(mutex_);
  return packets_;
}

// A terminal joins what a driver would get as packets; S3 packets carry their length.
void PtyMiner::take(std::vector<std::uint8_t>& pending) {
  while (pending.size() >= kOrderHeadBytes) {
    const std::size_t bytes = kOrderHeadBytes + pending[2] + (std::size_t{pending[3]} << 8);
    if (pending.size() < bytes) return;
    emulator_.write(std::span(pending).first(bytes));
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(bytes));
    const std::scoped_lock lock(mutex_);
    packets_.push_back(bytes);
  }
}

void PtyMiner::send(const TokenBytes& bytes, const std::stop_token& stop) const {
  for (std::size_t done = 0; done < bytes.size() && !stop.stop_requested();) {
    const ssize_t count = ::write(master_, bytes.data() + done, bytes.size() - done);
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

void PtyMiner::serve(const std::stop_token& stop) {
  std::vector<std::uint8_t> pending;
  auto beat = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    std::uint8_t buffer[4096];
    const ssize_t count = ::read(master_, buffer, sizeof buffer);
    if (count > 0) {
      pending.insert(pending.end(), buffer, buffer + count);
      take(pending);
    }
    const auto now = std::chrono::steady_clock::now();
    if (emulator_.queued() > 0) {
      emulator_.work(1u << 14);
    } else if (now - beat > kHeartbeat) {
      beat = now;
      emulator_.work(0);
    } else if (count <= 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    send(emulator_.read(), stop);
  }
}

}  // namespace calx::device
