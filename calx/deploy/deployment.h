// An agent onto another machine, whole or not at all.
//
// The new files are uploaded beside the old ones and compared by SHA-256 while the old agent
// serves; only then is it stopped, its files kept, the new one started and asked whether it is
// well. If it is not, the old files take their places again and the old agent is started. Two
// deployments into one folder at the same time are not kept apart.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/deploy/shell.h"

namespace calx::deploy {

inline constexpr std::size_t kBinaryBytesMax = std::size_t{256} << 20;

struct Payload {
  std::vector<std::uint8_t> binary = {};
  std::vector<std::uint8_t> token = {}, certificate = {}, key = {};  // empty: none
};

struct Options {
  std::string folder = "calx-agent";        // see FarSide
  std::vector<std::string> arguments = {};  // of the agent, beside those for the files of Payload
  std::chrono::milliseconds command_time = std::chrono::seconds(30);  // of a small command
  std::chrono::milliseconds upload_time = std::chrono::minutes(10);   // of one file
  std::chrono::milliseconds stop_time = std::chrono::seconds(10);     // then it is killed
  std::chrono::milliseconds check_time = std::chrono::seconds(30);    // until it must be well
  std::chrono::milliseconds check_interval = std::chrono::milliseconds(200);
  std::chrono::milliseconds alive_time = std::chrono::seconds(1);  // it must not die for so long
};

/// Asks once whether the agent that was started `since_start` ago is well, and says who answered.
/// An error is a reason to ask again until the time is over.
using HealthCheck =
    std::function<Result<std::string>(Deadline deadline, std::chrono::milliseconds since_start)>;
using Progress = std::function<void(std::string_view line)>;

enum class End {
  kDeployed,    // the new agent is well
  kRolledBack,  // it was not: the old agent runs again and is well, or was not running before
  kRemoved,     // it was not, and nothing had been there before: nothing is there now
};
constexpr std::string_view to_string(End end) noexcept {
  switch (end) {
    case End::kDeployed:
      return "deployed";
    case End::kRolledBack:
      return "rolled back";
    case End::kRemoved:
      return "removed";
  }
  return "unknown";
}

struct Report {
  End end = End::kDeployed;
  std::string folder = {};  // its path there
  std::string health = {};  // of the agent that runs now; empty if none does
  std::string reason = {};  // why the new agent was not well, with the end of what it printed
};

/// Errors: those of the shell and kDataLoss (what arrived is not what was sent) before anything was
/// switched: the old agent serves on. kCancelled when `stop` was requested; also then the old agent
/// is back. kInternal when the way back failed too: the message says what is known.
Result<Report> deploy(Shell& shell, const Payload& payload, const Options& options,
                      const HealthCheck& check, const Progress& progress, std::stop_token stop);

/// Stops the agent and removes everything that deployments placed. True if nothing is left of the
/// folder, or there was none. Errors: those of the shell.
Result<bool> clean_up(Shell& shell, const Options& options, const Progress& progress);

/// What deploy() would type, in its order; nothing is done.
struct PlannedStep {
  std::string title, script;
};
std::vector<PlannedStep> plan(const Payload& payload, const Options& options);
std::vector<PlannedStep> clean_up_plan(const Options& options);

/// The script that starts the agent there.
std::string start_script(const Payload& payload, const Options& options);

}  // namespace calx::deploy
