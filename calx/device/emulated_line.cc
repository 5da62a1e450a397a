#include "calx/device/emulated_line.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "calx/device/direct_hash_engine.h"

namespace calx::device {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::uint64_t kNoncesAtOnce = 1u << 14;
constexpr milliseconds kIdle(20);
constexpr int kPollMs = 20;  // how soon a stop is seen
constexpr milliseconds kEmptyPause(10);

std::string reason() { return std::error_code(errno, std::generic_category()).message(); }

class ChipLine final : public LineMachine {
 public:
  explicit ChipLine(const Bm13xxEmulatorOptions& options) : chips_(options) {}
  // One by one: a byte can change the speed of the next.
  void receive(std::span<const std::uint8_t> bytes) override {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      chips_.receive(bytes.subspan(i, 1), chips_.baud());
    }
  }
  [[nodiscard]] bool busy() const override { return chips_.busy(); }
  void work(std::uint64_t nonces) override { chips_.work(nonces); }
  [[nodiscard]] std::vector<std::uint8_t> take_output() override { return chips_.take_output(); }
  [[nodiscard]] std::string trouble() const override { return chips_.refusal(); }

 private:
  Bm13xxEmulator chips_;
};

class AntminerLine final : public LineMachine {
 public:
  explicit AntminerLine(const BitmainEmulatorOptions& options)
      : small_lengths_(options.dialect.kind == BitmainKind::kS1), device_(options) {
    (void)device_.open();  // of a new one: nobody else has it
  }
  void receive(std::span<const std::uint8_t> bytes) override {
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
    while (pending_.size() >= kHead) {
      const std::size_t length = packet_length();
      if (pending_.size() < length) return;
      device_.write(std::span(pending_).first(length));
      pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(length));
    }
  }
  [[nodiscard]] bool busy() const override { return device_.queued() > 0; }
  void work(std::uint64_t nonces) override { device_.work(4 * nonces); }
  [[nodiscard]] std::vector<std::uint8_t> take_output() override { return device_.read(); }
  [[nodiscard]] std::string trouble() const override {
    return device_.log().empty() ? "" : device_.log().back();
  }

 private:
  static constexpr std::size_t kHead = 4;
  static constexpr std::uint8_t kTaskToken = 0x52;

  // Of the packet that begins here; what is none is swallowed whole.
  [[nodiscard]] std::size_t packet_length() const {
    const bool small = small_lengths_ && pending_[0] != kTaskToken;
    const std::size_t length = small ? std::size_t{2} + pending_[1]
                                     : kHead + (pending_[2] | std::size_t{pending_[3]} << 8);
    const bool sane = pending_[0] >= 0x51 && pending_[0] <= 0x53 && length >= kHead &&
                      length <= kTokenPacketBytesMax;
    return sane ? length : pending_.size();
  }

  bool small_lengths_;
  BitmainEmulator device_;
  std::vector<std::uint8_t> pending_;
};

class HashLine final : public LineMachine {
 public:
  void receive(std::span<const std::uint8_t> bytes) override { device_.receive(bytes); }
  [[nodiscard]] bool busy() const override { return false; }
  void work(std::uint64_t) override {}
  [[nodiscard]] std::vector<std::uint8_t> take_output() override { return device_.take_output(); }
  [[nodiscard]] std::string trouble() const override { return {}; }

 private:
  DirectHashDevice device_;
};

// On Linux the settings of a pseudo-terminal are shared by its two ends.
void make_raw(int master) {
  termios settings{};
  if (::tcgetattr(master, &settings) != 0) return;
  ::cfmakeraw(&settings);
  ::tcsetattr(master, TCSANOW, &settings);
}

}  // namespace

std::unique_ptr<LineMachine> chips_on_a_line(const Bm13xxEmulatorOptions& options) {
  return std::make_unique<ChipLine>(options);
}

std::unique_ptr<LineMachine> antminer_on_a_line(const BitmainEmulatorOptions& options) {
  return std::make_unique<AntminerLine>(options);
}

std::unique_ptr<LineMachine> hashes_on_a_line() { return std::make_unique<HashLine>(); }

Result<std::unique_ptr<EmulatedLine>> EmulatedLine::open() {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) {
    return fail(ErrorCode::kUnavailable, fmt::format("no pseudo-terminal: {}", reason()));
  }
  std::unique_ptr<EmulatedLine> line(new EmulatedLine(master, ""));
  char name[64] = {};
  const bool ready = ::grantpt(master) == 0 && ::unlockpt(master) == 0 &&
                     ::ptsname_r(master, name, sizeof name) == 0 &&
                     ::fcntl(master, F_SETFL, O_NONBLOCK) == 0;
  if (!ready) {
    return fail(ErrorCode::kUnavailable, fmt::format("no pseudo-terminal: {}", reason()));
  }
  line->path_ = name;
  make_raw(master);
  return line;
}

EmulatedLine::~EmulatedLine() { ::close(master_); }

// What came from the hosts, in order; an empty element is a hang-up. A thread of its own fills it:
// it sleeps, so it is never late for a hang-up, however busy the machine is with hashing.
class EmulatedLine::Inbox {
 public:
  void push(std::vector<std::uint8_t> bytes) {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() < kElementsMax || bytes.empty()) waiting_.push_back(std::move(bytes));
    changed_.notify_all();
  }
  std::optional<std::vector<std::uint8_t>> pop(milliseconds time) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, time, [this] { return !waiting_.empty(); })) return std::nullopt;
    auto bytes = std::move(waiting_.front());
    waiting_.pop_front();
    return bytes;
  }

 private:
  static constexpr std::size_t kElementsMax = 1024;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::vector<std::uint8_t>> waiting_;
};

void EmulatedLine::listen(Inbox& inbox, const std::stop_token& stop) const {
  bool host = false;
  while (!stop.stop_requested()) {
    pollfd entry{.fd = master_, .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, kPollMs) <= 0) continue;
    std::uint8_t buffer[4096];
    const ssize_t count =
        (entry.revents & POLLIN) != 0 ? ::read(master_, buffer, sizeof buffer) : 0;
    if (count > 0) {
      host = true;
      inbox.push({buffer, buffer + count});
    } else if ((entry.revents & POLLHUP) != 0) {  // nobody has the other end open
      if (host) inbox.push({});
      host = false;
      make_raw(master_);
      std::this_thread::sleep_for(kEmptyPause);
    }
  }
}

void EmulatedLine::send(const std::vector<std::uint8_t>& bytes) const {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::write(master_, bytes.data() + sent, bytes.size() - sent);
    if (count <= 0 && errno != EINTR) {
      pollfd entry{.fd = master_, .events = POLLOUT, .revents = 0};
      if (::poll(&entry, 1, kPollMs) <= 0 || (entry.revents & POLLOUT) == 0) return;
    }
    if (count > 0) sent += static_cast<std::size_t>(count);
  }
}

void EmulatedLine::serve(const std::function<std::unique_ptr<LineMachine>()>& power_up,
                         const Options& options, std::stop_token stop) {
  Inbox inbox;
  const std::jthread listener([this, &inbox](const std::stop_token& gone) { listen(inbox, gone); });
  auto machine = power_up();
  auto next_work = steady_clock::now();
  const auto pause = std::chrono::duration_cast<steady_clock::duration>(
      std::chrono::duration<double>(kNoncesAtOnce / std::max(1.0, options.hashes_per_second_max)));
  while (!stop.stop_requested()) {
    const auto now = steady_clock::now();
    const auto rest = std::chrono::ceil<milliseconds>(next_work - now);
    const auto wait = machine->busy() ? std::clamp(rest, milliseconds(0), kIdle) : kIdle;
    if (const auto bytes = inbox.pop(wait)) {
      if (!bytes->empty()) {
        machine->receive(*bytes);
      } else {
        if (options.on_hang_up) options.on_hang_up(machine->trouble());
        machine = power_up();
      }
    } else if (machine->busy() && now >= next_work) {
      machine->work(kNoncesAtOnce);
      next_work = std::max(now, next_work) + pause;
    }
    send(machine->take_output());
  }
}

}  // namespace calx::device
