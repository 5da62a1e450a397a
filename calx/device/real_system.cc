// Signals and programs of the system that calx runs on.
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "calx/device/doctor_remedy.h"

namespace calx::device {
namespace {

constexpr const char* kFolders[] = {"sbin", "usr/sbin", "bin", "usr/bin"};
constexpr std::chrono::milliseconds kLookAgain{10};

std::string reason(int error) { return std::error_code(error, std::generic_category()).message(); }

}  // namespace

Result<void> RealSystem::ask_to_end(const MinerProcess& process) {
  if (place_.root != "/") {
    return fail(ErrorCode::kUnavailable,
                fmt::format("process {} stands in the tree {}, whose numbers are not this system's",
                            process.pid, place_.root.string()));
  }
  if (process.pid <= 1 || !still_holds(place_, process)) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("process {} is not the one that held {}", process.pid, place_.device));
  }
  if (::kill(process.pid, SIGTERM) == 0) return {};
  return fail(ErrorCode::kUnavailable,
              fmt::format("process {} ({}): {}", process.pid, process.name, reason(errno)));
}

Result<int> RealSystem::run(const std::string& program, const std::string& argument) {
  std::filesystem::path path;
  for (const char* folder : kFolders) {
    path = place_.root / folder / program;
    if (::access(path.c_str(), X_OK) == 0) break;
    path.clear();
  }
  if (path.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("program {}: is in none of sbin, usr/sbin, bin, usr/bin below {}",
                            program, place_.root.string()));
  }
  std::string name = path.string(), word = argument;
  std::string search = "PATH=/sbin:/usr/sbin:/bin:/usr/bin";
  char* const arguments[] = {name.data(), word.data(), nullptr};
  char* const environment[] = {search.data(), nullptr};
  pid_t child = 0;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  // What the program says is no result of calx, whose own may be read by a program.
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  const int error = ::posix_spawn(&child, name.c_str(), &actions, nullptr, arguments, environment);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", name, reason(error)));
  }
  const auto deadline = std::chrono::steady_clock::now() + kModuleProgramMax;
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (ended < 0 && errno != EINTR) {
      return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", name, reason(errno)));
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return fail(ErrorCode::kDeadlineExceeded,
                  fmt::format("{} {}: did not end within {} s", name, argument,
                              kModuleProgramMax.count() / 1000));
    }
    std::this_thread::sleep_for(kLookAgain);
  }
}

}  // namespace calx::device
