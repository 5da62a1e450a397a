#include "calx/deploy/deployment.h"

#include <fmt/format.h>

#include <array>
#include <random>
#include <thread>

#include "calx/base/hex.h"
#include "calx/deploy/far_side.h"
#include "calx/hash/sha256.h"

namespace calx::deploy {
namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::span<const std::uint8_t>;
using std::chrono::milliseconds;

struct Upload {
  std::string_view file;
  unsigned mode;
  Bytes bytes;
};

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

// What a shell printed, without the line ends at its end, on one line.
std::string one_line(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  std::string line(text);
  for (char& c : line) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    if (c < ' ' || c == '\x7f') c = '?';
  }
  return line;
}

std::string new_mark() {
  std::random_device device;
  return fmt::format("{:08x}", device());
}

// The two ways to say that an agent is there.
enum class State { kRunning, kStopped };

class Run {
 public:
  Run(Shell& shell, const Options& options, const Progress& progress)
      : shell_(shell), options_(options), progress_(progress), there_(options.folder, new_mark()) {}

  Result<Report> deploy(const Payload& payload, const HealthCheck& check,
                        const std::stop_token& stop);
  Result<bool> clean_up();

 private:
  // A script that must succeed; its output.
  Result<std::string> must(std::string_view what, const std::string& script, Bytes input = {},
                           std::size_t out_max = kOutputBytesMax,
                           std::optional<milliseconds> time = {}) {
    const auto deadline = Clock::now() + time.value_or(options_.command_time);
    auto outcome = shell_.run(script, input, out_max, deadline);
    if (!outcome) {
      return fail(outcome.error().code, fmt::format("{}: {}", what, outcome.error().message));
    }
    if (outcome->status == 0) return std::move(outcome->out);
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: the shell there ended with {}{}{}", what, outcome->status,
                            outcome->err.empty() ? "" : ": ", one_line(outcome->err)));
  }

  Result<void> send(const Upload& upload, bool can_digest);
  Result<State> state();
  Result<void> stop_agent();
  Result<std::string> start_and_check(const HealthCheck& check, const std::stop_token& stop);
  Result<Report> go_back(const HealthCheck& check, bool ran, const Error& why);
  void say(std::string_view line) const {
    if (progress_) progress_(line);
  }

  Shell& shell_;
  const Options& options_;
  const Progress& progress_;
  FarSide there_;
  std::string folder_ = {};
};

Result<void> Run::send(const Upload& upload, bool can_digest) {
  say(fmt::format("upload {} ({} bytes)", upload.file, upload.bytes.size()));
  CALX_TRY(must(fmt::format("upload of {}", upload.file), there_.receive(upload.file, upload.mode),
                upload.bytes, kOutputBytesMax, options_.upload_time));
  std::string seen;
  const std::string wanted = to_hex(hash::sha256(upload.bytes));
  if (can_digest) {
    CALX_ASSIGN(printed, must("digest of the upload", there_.digest(upload.file), {},
                              kOutputBytesMax, options_.upload_time));
    seen = printed.substr(0, printed.find_first_of(" \n"));
  } else {
    CALX_ASSIGN(back, must("read back the upload", there_.read_back(upload.file), {},
                           upload.bytes.size() + 1, options_.upload_time));
    seen = to_hex(hash::sha256(bytes_of(back)));
  }
  if (seen == wanted) return {};
  return fail(ErrorCode::kDataLoss, fmt::format("{} arrived with the SHA-256 {}, sent was {}",
                                                upload.file, one_line(seen), wanted));
}

Result<State> Run::state() {
  CALX_ASSIGN(printed, must("state of the agent", there_.state()));
  return first_line(printed) == "running" ? State::kRunning : State::kStopped;
}

// Asks it to end, and kills it when it does not.
Result<void> Run::stop_agent() {
  for (const std::string_view signal : {"TERM", "KILL"}) {
    CALX_TRY(must("stop the agent", there_.signal(signal)));
    const auto until = Clock::now() + options_.stop_time;
    do {
      CALX_ASSIGN(now, state());
      if (now == State::kStopped) return {};
      std::this_thread::sleep_for(options_.check_interval);
    } while (Clock::now() < until);
  }
  return fail(ErrorCode::kUnavailable, "the agent that runs there does not end");
}

Result<std::string> Run::start_and_check(const HealthCheck& check, const std::stop_token& stop) {
  CALX_TRY(must("start the agent", there_.start()));
  const auto began = Clock::now();
  Error last{ErrorCode::kDeadlineExceeded, "it was never asked"};
  std::optional<std::string> well;
  // One that is well has only to stay alive, which may take longer than becoming well may.
  while (well || Clock::now() < began + options_.check_time) {
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the deployment was stopped");
    CALX_ASSIGN(now, state());
    if (now == State::kStopped) {
      CALX_ASSIGN(log, must("read what it printed", there_.log()));
      return fail(ErrorCode::kUnavailable, fmt::format("the agent ended by itself; it printed: {}",
                                                       log.empty() ? "nothing" : one_line(log)));
    }
    const auto since = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
    if (well && since >= options_.alive_time) return *well;
    if (!well) {
      auto answer = check(began + options_.check_time, since);
      if (answer) {
        well = std::move(*answer);
      } else {
        last = answer.error();
      }
    }
    std::this_thread::sleep_for(options_.check_interval);
  }
  CALX_ASSIGN(log, must("read what it printed", there_.log()));
  return fail(ErrorCode::kDeadlineExceeded,
              fmt::format("the agent is not well after {} ms: {}; it printed: {}",
                          options_.check_time.count(), last.message,
                          log.empty() ? "nothing" : one_line(log)));
}

Result<Report> Run::go_back(const HealthCheck& check, bool ran, const Error& why) {
  say(fmt::format("roll back: {}", why.message));
  Report report{.end = End::kRolledBack, .folder = folder_, .reason = why.message};
  const auto back = [&]() -> Result<void> {
    CALX_TRY(stop_agent());
    CALX_ASSIGN(printed, must("roll back", there_.roll_back()));
    if (first_line(printed) == "nothing") {
      report.end = End::kRemoved;
      return {};
    }
    if (!ran) return {};
    say("start the old agent");
    CALX_ASSIGN(health, start_and_check(check, {}));
    report.health = std::move(health);
    return {};
  };
  if (const auto done = back(); !done) {
    return fail(
        ErrorCode::kInternal,
        fmt::format("{}; and the way back failed: {}; look into {} there, or remove it with "
                    "--cleanup and deploy again",
                    why.message, done.error().message, folder_));
  }
  if (why.code == ErrorCode::kCancelled) return std::unexpected(why);
  return report;
}

std::vector<Upload> uploads_of(const Payload& payload, std::string_view start) {
  std::vector<Upload> uploads = {{kBinaryFile, 0700, payload.binary},
                                 {kStartFile, 0700, bytes_of(start)}};
  if (!payload.token.empty()) uploads.push_back({kTokenFile, 0600, payload.token});
  if (!payload.certificate.empty()) {
    uploads.push_back({kCertificateFile, 0600, payload.certificate});
  }
  if (!payload.key.empty()) uploads.push_back({kKeyFile, 0600, payload.key});
  return uploads;
}

Result<Report> Run::deploy(const Payload& payload, const HealthCheck& check,
                           const std::stop_token& stop) {
  CALX_ASSIGN(printed, must("prepare the folder", there_.prepare()));
  folder_ = first_line(printed);
  const bool can_digest = printed.find("\nsha256sum\n") != std::string::npos;
  const bool ran = printed.ends_with("\nrunning\n");
  say(fmt::format("folder {}, {}, {}", folder_, ran ? "an agent runs" : "no agent runs",
                  can_digest ? "sha256sum compares" : "no sha256sum: uploads are read back"));
  const std::string start = start_script(payload, options_);
  const auto prepared = [&]() -> Result<void> {
    for (const Upload& upload : uploads_of(payload, start)) {
      if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the deployment was stopped");
      CALX_TRY(send(upload, can_digest));
    }
    say("keep the old files");
    CALX_TRY(must("keep the old files", there_.keep()));
    return {};
  }();
  if (!prepared) {
    // Nothing was switched; the uploads are only in the way, and the next cleanup finds them too.
    (void)must("remove the uploads", there_.forget_uploads());
    return std::unexpected(prepared.error());
  }
  const auto switched = [&]() -> Result<std::string> {
    if (ran) say("stop the old agent");
    CALX_TRY(stop_agent());
    say("switch");
    CALX_TRY(must("switch", there_.switch_over()));
    say("start the new agent");
    return start_and_check(check, stop);
  }();
  if (!switched) return go_back(check, ran, switched.error());
  return Report{.end = End::kDeployed, .folder = folder_, .health = *switched};
}

Result<bool> Run::clean_up() {
  CALX_ASSIGN(there, must("look for the folder",
                          fmt::format("[ ! -d {} ] || echo there\n", shell_word(options_.folder))));
  if (there.empty()) {
    say("there is no such folder");
    return true;
  }
  say("stop the agent");
  CALX_TRY(stop_agent());
  say("remove its files");
  CALX_ASSIGN(printed, must("clean up", there_.clean_up()));
  return printed.empty();
}

}  // namespace

std::string start_script(const Payload& payload, const Options& options) {
  std::string script =
      "#!/bin/sh\n# Placed by calx device deploy; runs in its own folder.\nexec ./calx-agent";
  for (const std::string& argument : options.arguments) script += " " + shell_word(argument);
  if (!payload.token.empty()) script += fmt::format(" --token-file {}", kTokenFile);
  if (!payload.certificate.empty()) script += fmt::format(" --tls-cert {}", kCertificateFile);
  if (!payload.key.empty()) script += fmt::format(" --tls-key {}", kKeyFile);
  return script + "\n";
}

Result<Report> deploy(Shell& shell, const Payload& payload, const Options& options,
                      const HealthCheck& check, const Progress& progress, std::stop_token stop) {
  if (payload.binary.empty() || payload.binary.size() > kBinaryBytesMax) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("a binary of {} bytes, wanted 1 to {}",
                                                         payload.binary.size(), kBinaryBytesMax));
  }
  return Run(shell, options, progress).deploy(payload, check, stop);
}

Result<bool> clean_up(Shell& shell, const Options& options, const Progress& progress) {
  return Run(shell, options, progress).clean_up();
}

std::vector<PlannedStep> plan(const Payload& payload, const Options& options) {
  const FarSide there(options.folder, "MARK");
  const std::string start = start_script(payload, options);
  std::vector<PlannedStep> steps = {{"prepare the folder", there.prepare()}};
  for (const Upload& upload : uploads_of(payload, start)) {
    steps.push_back({fmt::format("upload {} ({} bytes, mode {:04o})", upload.file,
                                 upload.bytes.size(), upload.mode),
                     there.receive(upload.file, upload.mode)});
    steps.push_back({fmt::format("compare with SHA-256 {}", to_hex(hash::sha256(upload.bytes))),
                     there.digest(upload.file)});
  }
  steps.push_back({"keep the old files", there.keep()});
  steps.push_back({"stop the old agent, if one runs", there.signal("TERM")});
  steps.push_back({"switch", there.switch_over()});
  steps.push_back(
      {"start: the script " + std::string(kStartFile) + " is:\n" + start, there.start()});
  steps.push_back({"ask whether it is well; if not, stop it and roll back", there.roll_back()});
  return steps;
}

std::vector<PlannedStep> clean_up_plan(const Options& options) {
  const FarSide there(options.folder, "MARK");
  return {{"stop the agent, if one runs", there.signal("TERM")},
          {"remove every file that deployments place", there.clean_up()}};
}

}  // namespace calx::deploy
