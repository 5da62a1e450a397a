#include "bench/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

extern char** environ;

namespace calx::bench {
namespace {

using Clock = std::chrono::steady_clock;

// -1 stands for /dev/null.
Result<pid_t> spawn(const std::vector<std::string>& argv, int input, int output, int errors) {
  std::vector<char*> arguments;
  for (const auto& word : argv) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::array wanted = {input, output, errors};
  for (int target = 0; target < 3; ++target) {
    const int source = wanted[static_cast<std::size_t>(target)];
    if (source < 0)
      posix_spawn_file_actions_addopen(&actions, target, "/dev/null", O_RDWR, 0);
    else
      posix_spawn_file_actions_adddup2(&actions, source, target);
  }
  pid_t pid = 0;
  const int status =
      posix_spawn(&pid, argv[0].c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (status != 0)
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: cannot be started ({})", argv[0], std::strerror(status)));
  return pid;
}

int milliseconds_to(Clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

// Appends what arrives before `end`; false at the end of the file or at the deadline.
bool read_some(int from, Clock::time_point end, std::string& out) {
  pollfd ready{.fd = from, .events = POLLIN, .revents = 0};
  int polled = 0;
  do polled = poll(&ready, 1, milliseconds_to(end));
  while (polled < 0 && errno == EINTR);
  if (polled <= 0) return false;
  std::array<char, 4096> buffer{};
  const ssize_t count = read(from, buffer.data(), buffer.size());
  if (count <= 0) return false;
  out.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

}  // namespace

Result<ProcessRun> run_process(const std::vector<std::string>& argv,
                               std::chrono::milliseconds deadline) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0)
    return fail(ErrorCode::kUnavailable, "pipe: " + std::string(std::strerror(errno)));
  const auto start = Clock::now();
  auto pid = spawn(argv, -1, pipe_ends[1], pipe_ends[1]);
  close(pipe_ends[1]);
  if (!pid) {
    close(pipe_ends[0]);
    return fail(std::move(pid));
  }

  ProcessRun run;
  while (read_some(pipe_ends[0], start + deadline, run.output) &&
         run.output.size() <= kChildOutputBytesMax) {
  }
  run.timed_out = Clock::now() >= start + deadline;
  if (run.timed_out || run.output.size() > kChildOutputBytesMax) kill(*pid, SIGKILL);
  int status = 0;
  rusage usage{};
  while (wait4(*pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  run.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  close(pipe_ends[0]);
  if (run.output.size() > kChildOutputBytesMax)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{}: wrote more than {} bytes", argv[0], kChildOutputBytesMax));
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  run.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  run.rss_kib_max = static_cast<std::uint64_t>(usage.ru_maxrss);
  run.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return run;
}

LineChild::LineChild(pid_t pid, int to, int from, std::string name)
    : pid_(pid), to_(to), from_(from), name_(std::move(name)) {}

Result<std::unique_ptr<LineChild>> LineChild::start(const std::vector<std::string>& argv) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
    return fail(ErrorCode::kUnavailable, "pipe: " + std::string(std::strerror(errno)));
  signal(SIGPIPE, SIG_IGN);
  auto pid = spawn(argv, in[0], out[1], STDERR_FILENO);
  close(in[0]);
  close(out[1]);
  if (!pid) {
    close(in[1]);
    close(out[0]);
    return fail(std::move(pid));
  }
  return std::unique_ptr<LineChild>(new LineChild(*pid, in[1], out[0], argv[0]));
}

LineChild::~LineChild() {
  close(to_);
  close(from_);
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<std::string> LineChild::ask(std::string_view line, std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  const std::string text = std::string(line) + "\n";
  if (write(to_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail(ErrorCode::kUnavailable, name_ + ": ended before it was asked");
  for (;;) {
    if (const auto stop = pending_.find('\n'); stop != std::string::npos) {
      std::string answer = pending_.substr(0, stop);
      pending_.erase(0, stop + 1);
      return answer;
    }
    if (pending_.size() > kChildOutputBytesMax || !read_some(from_, end, pending_)) break;
  }
  if (Clock::now() >= end)
    return fail(ErrorCode::kDeadlineExceeded,
                fmt::format("{}: no answer within {} ms", name_, deadline.count()));
  return fail(ErrorCode::kUnavailable, name_ + ": ended without an answer");
}

}  // namespace calx::bench
