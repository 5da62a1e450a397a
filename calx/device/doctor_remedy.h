// The three safe things that free an Antminer's device, done only on its owner's word: planned,
// shown, recorded, and undone where that is possible. Nothing is ever killed, forced or opened.
#pragma once

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/device/cron_table.h"
#include "calx/device/miner_process.h"

namespace calx::device {

inline constexpr std::string_view kRemedyFormat = "calx-doctor-1";
inline constexpr std::uint64_t kRemedyFileBytesMax = 256 * 1024;
inline constexpr std::size_t kHoldersMax = 8;  // more are no miner's: something else is meant
inline constexpr std::chrono::milliseconds kStopHolderMax{15'000};
inline constexpr std::chrono::milliseconds kModuleProgramMax{30'000};

enum class Remedy : std::uint8_t {
  kCron,          // comments the lines out that start a miner
  kStopHolder,    // asks the holders to end (SIGTERM), and waits
  kReloadModule,  // rmmod and modprobe, never by force
};
/// "cron", "stop-holder" or "reload-module".
std::string_view to_string(Remedy remedy) noexcept;
/// Errors: kInvalidArgument.
Result<Remedy> parse_remedy(std::string_view name);

/// What a remedy would touch; also its record afterwards.
struct RemedyPlan {
  Remedy remedy = Remedy::kCron;
  BitmainPlace place = {};
  std::vector<CronLine> lines = {};
  std::vector<MinerProcess> holders = {};

  friend bool operator==(const RemedyPlan&, const RemedyPlan&) = default;
};

/// The system, as far as remedies act on it other than through files.
class SystemActions {
 public:
  virtual ~SystemActions() = default;
  SystemActions() = default;
  SystemActions(const SystemActions&) = delete;
  SystemActions& operator=(const SystemActions&) = delete;
  /// SIGTERM. Errors: kUnavailable.
  virtual Result<void> ask_to_end(const MinerProcess& process) = 0;
  /// The exit status of a program of the system. Errors: kNotFound, kDeadlineExceeded.
  virtual Result<int> run(const std::string& program, const std::string& argument) = 0;
};

/// Signals only under the root "/": process numbers of another tree are not this system's. Programs
/// are those in sbin, usr/sbin, bin and usr/bin below the root, started without a shell.
class RealSystem final : public SystemActions {
 public:
  explicit RealSystem(BitmainPlace place) : place_(std::move(place)) {}
  Result<void> ask_to_end(const MinerProcess& process) override;
  Result<int> run(const std::string& program, const std::string& argument) override;

 private:
  BitmainPlace place_;
};

/// Looks, and changes nothing. Errors: kNotFound (nothing to do); kUnavailable: a remedy that must
/// come first is missing (cron would start a stopped holder again; a held module cannot be
/// reloaded); kInvalidArgument (over kHoldersMax, process 1, or calx itself and its parent).
Result<RemedyPlan> plan_remedy(Remedy remedy, const BitmainPlace& place);

/// What applying would do, one line each.
std::vector<std::string> describe(const RemedyPlan& plan);

/// Does it. A table or process that changed since the plan is left alone.
/// Errors: kDataLoss, kUnavailable, kDeadlineExceeded (a holder that does not end in
/// kStopHolderMax; it is not killed), kCancelled. What was done before an error stays done.
Result<void> apply(const RemedyPlan& plan, SystemActions& system, const std::stop_token& stop);

/// Puts cron lines back. Returns what a person must do by hand: the commands of what was stopped.
Result<std::vector<std::string>> undo(const RemedyPlan& record);

/// What undoing would do, one line each.
std::vector<std::string> describe_restore(const RemedyPlan& record);

/// The record as a JSON file, whole or not at all, readable by its owner alone.
Result<void> save_plan(const RemedyPlan& plan, const std::filesystem::path& path);
/// Errors: kDataLoss.
Result<RemedyPlan> parse_remedy_record(std::string_view text);

}  // namespace calx::device
