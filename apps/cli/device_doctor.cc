// calx device doctor: why an Antminer's device is busy, and the safe remedies for it.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "apps/cli/device.h"
#include "apps/cli/interrupt.h"
#include "calx/device/doctor.h"
#include "calx/device/doctor_remedy.h"
#include "calx/format/canonical_json.h"

namespace calx::cli {
namespace {

struct DoctorArguments {
  device::BitmainPlace place;
  std::string root = "/", remedy, saved;
  bool dry_run = false;
};

Result<int> examine(const device::BitmainPlace& place, bool json) {
  const auto findings = device::examine_bitmain(place);
  if (json) {
    auto list = format::Json::array();
    for (const device::Finding& finding : findings) {
      list.push(format::Json{
          {"kind", to_string(finding.kind)}, {"seen", finding.seen}, {"remedy", finding.remedy}});
    }
    CALX_ASSIGN(text, format::encode_pretty_json(format::Json{{"findings", list}}));
    fmt::print("{}", text);
  } else {
    for (const device::Finding& finding : findings) {
      fmt::print("{:<10} {}\n{:<10} {}\n", to_string(finding.kind), finding.seen, "",
                 finding.remedy);
    }
  }
  return findings.front().kind == device::FindingKind::kFree ? kDone : kCheckFailed;
}

Result<int> cure(const DoctorArguments& arguments, const device::BitmainPlace& place, bool json) {
  CALX_ASSIGN(remedy, device::parse_remedy(arguments.remedy));
  CALX_ASSIGN(plan, device::plan_remedy(remedy, place));
  const bool undoable = remedy != device::Remedy::kReloadModule;
  const std::string saved = arguments.saved.empty()
                                ? fmt::format("calx-doctor-{}.json", to_string(remedy))
                                : arguments.saved;
  if (!json) {
    for (const std::string& line : describe(plan)) fmt::print("{}\n", line);
    std::fflush(stdout);  // shown before it is done
  }
  if (!arguments.dry_run) {
    if (undoable && std::filesystem::exists(saved)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} is the record of an earlier remedy: restore that first, or name "
                              "another file with --saved",
                              saved));
    }
    if (undoable) CALX_TRY(device::save_plan(plan, saved));
    const Interrupt interrupt;
    device::RealSystem system(place);
    CALX_TRY(device::apply(plan, system, interrupt.token()));
  }
  if (!json) {
    fmt::print("{}\n", arguments.dry_run ? "dry run: nothing was changed"
                       : undoable        ? "done; undo it with: calx device restore " + saved
                                         : "done");
    return kDone;
  }
  auto list = format::Json::array();
  for (const std::string& line : describe(plan)) list.push(line);
  format::Json document{{"changes", list}, {"done", !arguments.dry_run}};
  if (undoable) document.set("saved", saved);
  CALX_ASSIGN(text, format::encode_pretty_json(document));
  fmt::print("{}", text);
  return kDone;
}

}  // namespace

void add_device_doctor(CLI::App& device, Session& session) {
  auto* verb = device.add_subcommand("doctor", "why an Antminer says: device or resource busy");
  auto a = std::make_shared<DoctorArguments>();
  verb->add_option("--remedy", a->remedy,
                   "do this, in this order: cron comments the lines out that start a miner, "
                   "stop-holder asks its processes to end, reload-module runs rmmod and modprobe")
      ->check(CLI::IsMember({"cron", "stop-holder", "reload-module"}));
  verb->add_flag("--dry-run", a->dry_run, "show what the remedy would change, and change nothing");
  verb->add_option("--saved", a->saved, "file for the way back (default: calx-doctor-REMEDY.json)");
  verb->add_option("--device", a->place.device, "the device that is busy")->capture_default_str();
  verb->add_option("--root", a->root, "look, and change files, below this folder instead of /")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  verb->callback([a, &session] {
    session.action = [a, &session] {
      device::BitmainPlace place = a->place;
      std::error_code error;
      place.root = std::filesystem::canonical(a->root, error);  // for a restore from elsewhere
      if (error) place.root = a->root;
      return a->remedy.empty() ? examine(place, session.json) : cure(*a, place, session.json);
    };
  });
  verb->footer(
      "Without --remedy it only looks. It never opens the device, kills a process, forces a "
      "module\n"
      "out or restarts anything; processes below another --root are never signalled.\n"
      "Exit status 1: something stands in the way.");
}

}  // namespace calx::cli
