#include "calx/device/doctor_remedy.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

#include "calx/base/atomic_file.h"
#include "calx/device/doctor.h"

namespace calx::device {
namespace {

using nlohmann::json;

constexpr unsigned kOwnerOnly = 0600;
constexpr std::string_view kNames[] = {"cron", "stop-holder", "reload-module"};
constexpr const char* kModule = "bitmain_asic";
constexpr std::chrono::milliseconds kLookAgain{100};

std::string command_of(const MinerProcess& process) {
  if (process.arguments.empty()) return process.name;
  return fmt::format("{}", fmt::join(process.arguments, " "));
}

Result<RemedyPlan> plan_stop(RemedyPlan plan) {
  const auto lines = find_miner_lines(plan.place.root);
  if (!lines.empty()) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} line {} starts the miner again: --remedy cron comes first",
                            lines.front().table, lines.front().number));
  }
  for (MinerProcess& process : find_miner_processes(plan.place)) {
    if (!process.holds) continue;
    if (process.pid <= 1 || process.pid == ::getpid() || process.pid == ::getppid()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is held by process {} ({}), which is not stopped from here",
                              plan.place.device, process.pid, process.name));
    }
    plan.holders.push_back(std::move(process));
  }
  if (plan.holders.empty()) {
    return fail(ErrorCode::kNotFound, "no process has " + plan.place.device + " open");
  }
  if (plan.holders.size() <= kHoldersMax) return plan;
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("{} processes have {} open, at most {} are stopped: is it the right file?",
                  plan.holders.size(), plan.place.device, kHoldersMax));
}

Result<RemedyPlan> plan_reload(RemedyPlan plan) {
  if (!bitmain_module_owners(plan.place.root)) {
    return fail(ErrorCode::kNotFound, "module bitmain_asic is not in /proc/modules");
  }
  for (const MinerProcess& process : find_miner_processes(plan.place)) {
    if (!process.holds) continue;
    return fail(ErrorCode::kUnavailable,
                fmt::format("process {} ({}) has {} open: --remedy stop-holder comes first",
                            process.pid, process.name, plan.place.device));
  }
  return plan;
}

Result<void> stop_holders(const RemedyPlan& plan, SystemActions& system,
                          const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  for (const MinerProcess& holder : plan.holders) {
    if (!still_holds(plan.place, holder)) continue;  // gone, or another process by now
    CALX_TRY(system.ask_to_end(holder));
    const auto deadline = std::chrono::steady_clock::now() + kStopHolderMax;
    while (still_holds(plan.place, holder)) {
      if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "interrupted while waiting");
      if (std::chrono::steady_clock::now() >= deadline) {
        return fail(
            ErrorCode::kDeadlineExceeded,
            fmt::format("process {} ({}) still has {} open after {} s; it is not killed",
                        holder.pid, holder.name, plan.place.device, kStopHolderMax.count() / 1000));
      }
      std::unique_lock lock(mutex);
      never.wait_for(lock, stop, kLookAgain, [] { return false; });
    }
  }
  return {};
}

Result<void> reload_module(const RemedyPlan& plan, SystemActions& system) {
  CALX_ASSIGN(removed, system.run("rmmod", kModule));
  if (removed != 0) {
    return fail(
        ErrorCode::kUnavailable,
        fmt::format("rmmod {} ended with status {}: the kernel still counts an owner. It is "
                    "not forced; restart the miner",
                    kModule, removed));
  }
  CALX_ASSIGN(loaded, system.run("modprobe", kModule));
  if (loaded != 0 || !bitmain_module_owners(plan.place.root)) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("modprobe {} ended with status {} and the module is {}: restart the "
                            "miner",
                            kModule, loaded,
                            bitmain_module_owners(plan.place.root) ? "loaded" : "not loaded"));
  }
  std::error_code error;
  const auto node = plan.place.root / std::filesystem::path(plan.place.device).relative_path();
  if (std::filesystem::exists(node, error)) return {};
  return fail(ErrorCode::kUnavailable,
              fmt::format("the module is loaded again, but {} is missing: restart the miner",
                          plan.place.device));
}

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <class Number>
Number number_at(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return 0;
  const auto value = found->get<std::uint64_t>();
  return std::in_range<Number>(value) ? static_cast<Number>(value) : 0;
}

}  // namespace

std::string_view to_string(Remedy remedy) noexcept {
  return kNames[static_cast<std::size_t>(remedy)];
}

Result<Remedy> parse_remedy(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name);
  if (found != std::end(kNames)) return static_cast<Remedy>(found - std::begin(kNames));
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("remedy \"{}\", wanted one of {}", name, fmt::join(kNames, ", ")));
}

Result<RemedyPlan> plan_remedy(Remedy remedy, const BitmainPlace& place) {
  RemedyPlan plan{.remedy = remedy, .place = place};
  switch (remedy) {
    case Remedy::kStopHolder:
      return plan_stop(std::move(plan));
    case Remedy::kReloadModule:
      return plan_reload(std::move(plan));
    case Remedy::kCron:
      break;
  }
  plan.lines = find_miner_lines(place.root);
  if (!plan.lines.empty()) return plan;
  return fail(ErrorCode::kNotFound, "no line of a cron table starts a miner");
}

std::vector<std::string> describe(const RemedyPlan& plan) {
  std::vector<std::string> lines;
  for (const CronLine& line : plan.lines) {
    lines.push_back(fmt::format("{} line {}: put \"{}\" before: {}", line.table, line.number,
                                kCronMark, line.text));
  }
  for (const MinerProcess& holder : plan.holders) {
    lines.push_back(fmt::format("process {}: ask it to end (SIGTERM), wait at most {} s: {}",
                                holder.pid, kStopHolderMax.count() / 1000, command_of(holder)));
  }
  if (plan.remedy == Remedy::kReloadModule) {
    lines.push_back(fmt::format("rmmod {}, not by force", kModule));
    lines.push_back(fmt::format("modprobe {}", kModule));
  }
  return lines;
}

Result<void> apply(const RemedyPlan& plan, SystemActions& system, const std::stop_token& stop) {
  switch (plan.remedy) {
    case Remedy::kStopHolder:
      return stop_holders(plan, system, stop);
    case Remedy::kReloadModule:
      return reload_module(plan, system);
    case Remedy::kCron:
      break;
  }
  for (const CronLine& line : plan.lines) CALX_TRY(mark_line(plan.place.root, line));
  return {};
}

Result<std::vector<std::string>> undo(const RemedyPlan& record) {
  for (const CronLine& line : record.lines) CALX_TRY(unmark_line(record.place.root, line));
  std::vector<std::string> by_hand;
  for (const MinerProcess& holder : record.holders) by_hand.push_back(command_of(holder));
  return by_hand;
}

std::vector<std::string> describe_restore(const RemedyPlan& record) {
  std::vector<std::string> lines;
  for (const CronLine& line : record.lines) {
    lines.push_back(
        fmt::format("{}: take \"{}\" away before: {}", line.table, kCronMark, line.text));
  }
  for (const MinerProcess& holder : record.holders) {
    lines.push_back("to be started by hand: " + command_of(holder));
  }
  return lines;
}

Result<void> save_plan(const RemedyPlan& plan, const std::filesystem::path& path) {
  json lines = json::array(), holders = json::array();
  for (const CronLine& line : plan.lines) {
    lines.push_back({{"table", line.table}, {"number", line.number}, {"text", line.text}});
  }
  for (const MinerProcess& holder : plan.holders) {
    holders.push_back({{"pid", holder.pid},
                       {"name", holder.name},
                       {"arguments", holder.arguments},
                       {"started", holder.started}});
  }
  const json root = {{"format", kRemedyFormat},
                     {"remedy", to_string(plan.remedy)},
                     {"root", plan.place.root.string()},
                     {"device", plan.place.device},
                     {"lines", lines},
                     {"holders", holders}};
  return write_file(path, root.dump(2, ' ', true, json::error_handler_t::replace) + "\n",
                    kOwnerOnly);
}

Result<RemedyPlan> parse_remedy_record(std::string_view text) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object() || text_at(root, "format") != kRemedyFormat ||
      text_at(root, "root").empty()) {
    return fail(ErrorCode::kDataLoss, fmt::format("no record of format {}", kRemedyFormat));
  }
  CALX_ASSIGN(remedy, parse_remedy(text_at(root, "remedy")));
  RemedyPlan plan{.remedy = remedy,
                  .place = {.root = text_at(root, "root"), .device = text_at(root, "device")}};
  const auto each = [&root](const char* key, const auto& take) {
    const auto found = root.find(key);
    if (found == root.end() || !found->is_array()) return;
    for (const json& object : *found) {
      if (object.is_object()) take(object);
    }
  };
  each("lines", [&plan](const json& object) {
    plan.lines.push_back({.table = text_at(object, "table"),
                          .number = number_at<std::size_t>(object, "number"),
                          .text = text_at(object, "text")});
  });
  each("holders", [&plan](const json& object) {
    MinerProcess holder{.pid = number_at<int>(object, "pid"),
                        .name = text_at(object, "name"),
                        .started = number_at<std::uint64_t>(object, "started"),
                        .holds = true};
    const auto arguments = object.find("arguments");
    if (arguments != object.end() && arguments->is_array()) {
      for (const json& word : *arguments) {
        if (word.is_string()) holder.arguments.push_back(word.get<std::string>());
      }
    }
    plan.holders.push_back(std::move(holder));
  });
  return plan;
}

}  // namespace calx::device
