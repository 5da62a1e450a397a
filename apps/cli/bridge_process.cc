#include "apps/cli/bridge_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

extern char** environ;

namespace calx::cli {
namespace {

constexpr int kLineWaitMilliseconds = 30'000;

}  // namespace

Result<BridgeProcess> BridgeProcess::start(std::vector<std::string> words) {
  words.insert(words.begin(), {"calx", "device", "bridge", "--json", "--quiet"});
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return fail(ErrorCode::kUnavailable, fmt::format("bridge: no pipe: {}", std::strerror(errno)));
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  // The signals that end a study must reach the bridge through the study alone.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  pid_t id = 0;
  const int status =
      posix_spawn(&id, "/proc/self/exe", &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(pipe[1]);
  if (status != 0) {
    ::close(pipe[0]);
    return fail(ErrorCode::kUnavailable,
                fmt::format("bridge: cannot be started: {}", std::strerror(status)));
  }
  BridgeProcess process(id, pipe[0]);
  CALX_ASSIGN(first, process.line());
  const auto said = nlohmann::json::parse(first, nullptr, false);
  if (!said.is_object() || said.value("event", "") != "listening") {
    return fail(ErrorCode::kUnavailable, fmt::format("bridge: it said \"{}\" first", first));
  }
  process.port_ = said.value("port", std::uint16_t{0});
  return process;
}

BridgeProcess::BridgeProcess(BridgeProcess&& other) noexcept
    : id_(std::exchange(other.id_, 0)),
      output_(std::exchange(other.output_, -1)),
      port_(other.port_),
      text_(std::move(other.text_)) {}

BridgeProcess::~BridgeProcess() {
  if (id_ > 0) {
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
  }
  if (output_ >= 0) ::close(output_);
}

Result<std::string> BridgeProcess::line() {
  for (;;) {
    const std::size_t end = text_.find('\n');
    if (end != std::string::npos) {
      std::string line = text_.substr(0, end);
      text_.erase(0, end + 1);
      return line;
    }
    pollfd ready{.fd = output_, .events = POLLIN, .revents = 0};
    std::array<char, 4096> chunk;
    const ssize_t got = ::poll(&ready, 1, kLineWaitMilliseconds) > 0
                            ? ::read(output_, chunk.data(), chunk.size())
                            : 0;
    if (got <= 0) {
      return fail(ErrorCode::kUnavailable, "bridge: its process ended, or says nothing any more");
    }
    text_.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

Result<std::string> BridgeProcess::stop() {
  ::kill(id_, SIGTERM);
  std::string last;
  for (auto next = line(); next; next = line()) last = *next;
  int status = 0;
  ::waitpid(std::exchange(id_, 0), &status, 0);
  if (!last.starts_with('{')) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("bridge: its process ended with status {} and no summary", status));
  }
  return last;
}

}  // namespace calx::cli
