// calx device redirect and restore: a miner pointed at a bridge, and back.
#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/device.h"
#include "apps/cli/terminal_text.h"
#include "apps/cli/undoable_change.h"
#include "apps/cli/verb.h"
#include "calx/base/atomic_file.h"
#include "calx/device/doctor_remedy.h"
#include "calx/device/redirect.h"
#include "calx/device/tuning.h"
#include "calx/format/canonical_json.h"

namespace calx::cli {
namespace {

struct RedirectArguments {
  std::string address, api = "axeos", bridge, user = "calx", saved;
  bool dry_run = false;
};

Result<int> redirect(const RedirectArguments& arguments, bool json) {
  const bool cgminer = arguments.api == to_string(device::MinerApi::kCgminer);
  CALX_ASSIGN(address, device::parse_lan_address(
                           arguments.address, cgminer ? device::kCgminerPort : device::kAxeosPort));
  constexpr std::uint16_t kStratumPort = 3333;
  CALX_ASSIGN(bridge, device::parse_lan_address(arguments.bridge, kStratumPort));
  const device::AxeosPool pool{bridge.ip, bridge.port, arguments.user};
  CALX_ASSIGN(plan,
              device::plan_redirect(cgminer ? device::MinerApi::kCgminer : device::MinerApi::kAxeos,
                                    address, pool));
  const std::string saved =
      arguments.saved.empty() ? fmt::format("calx-redirect-{}.json", address.ip) : arguments.saved;
  const UndoableChange change{
      .noun = "redirection",
      .lines = describe(plan),
      .saved = saved,
      .save = [&plan](const std::filesystem::path& path) { return device::save_plan(plan, path); },
      .apply = [&plan] { return device::apply(plan); }};
  return carry_out(change, arguments.dry_run, json);
}

// A way back, whatever it undoes: every file of them names its format.
struct WayBack {
  std::vector<std::string> lines;
  std::function<Result<void>()> go;
};

Result<WayBack> read_way_back(const std::string& saved) {
  CALX_ASSIGN(bytes, read_file(saved, device::kRemedyFileBytesMax));
  const std::string text(bytes.begin(), bytes.end());
  if (text.find(device::kTuningFormat) != std::string::npos) {
    CALX_ASSIGN(plan, device::parse_tuning(text));
    return WayBack{describe_restore(plan), [plan] { return device::restore(plan); }};
  }
  if (text.find(device::kRemedyFormat) != std::string::npos) {
    CALX_ASSIGN(record, device::parse_remedy_record(text));
    return WayBack{describe_restore(record), [record]() -> Result<void> {
                     CALX_TRY(device::undo(record));
                     return {};
                   }};
  }
  CALX_ASSIGN(plan, device::load_plan(saved));
  return WayBack{describe_restore(plan), [plan] { return device::restore(plan); }};
}

Result<int> restore(const std::string& saved, bool dry_run, bool json) {
  CALX_ASSIGN(way, read_way_back(saved));
  if (!dry_run) {
    CALX_TRY(way.go());
    std::error_code error;
    std::filesystem::remove(saved, error);
  }
  if (json) {
    auto list = format::Json::array();
    for (const std::string& line : way.lines) list.push(line);
    CALX_ASSIGN(text, format::encode_pretty_json(
                          format::Json{{"changes", list}, {"done", !dry_run}, {"saved", saved}}));
    fmt::print("{}", text);
    return kDone;
  }
  for (const std::string& line : way.lines) fmt::print("{}\n", terminal_text(line));
  fmt::print("{}\n", dry_run ? "dry run: nothing was changed" : "done; " + saved + " is removed");
  return kDone;
}

}  // namespace

void add_device_redirect(CLI::App& device, Session& session) {
  auto arguments = std::make_shared<RedirectArguments>();
  auto* verb =
      device.add_subcommand("redirect", "point a miner at a bridge, its old pool behind it");
  verb->add_option("address", arguments->address, "of the miner: IP or IP:PORT")->required();
  verb->add_option("--bridge", arguments->bridge, "where calx device bridge listens: IP or IP:PORT")
      ->required();
  verb->add_option("--api", arguments->api, "how the miner is spoken to")
      ->check(CLI::IsMember({"axeos", "cgminer"}))
      ->capture_default_str();
  verb->add_option("--user", arguments->user, "worker name at the bridge")->capture_default_str();
  verb->add_option("--saved", arguments->saved,
                   "file for the way back (default: calx-redirect-IP.json)");
  verb->add_flag("--dry-run", arguments->dry_run, "show what would change, and change nothing");
  verb->callback([arguments, &session] {
    session.action = [arguments, &session] { return redirect(*arguments, session.json); };
  });
  verb->footer(
      "Frequency and voltage are never touched. Passwords cannot be read back from a\n"
      "miner, so they are not sent: the one that is set stays.");
}

void add_device_restore(CLI::App& device, Session& session) {
  auto saved = std::make_shared<std::string>();
  auto dry_run = std::make_shared<bool>(false);
  auto* verb = device.add_subcommand("restore", "undo a redirect, tune or remedy from its file");
  verb->add_option("saved", *saved,
                   "calx-redirect-IP.json, calx-tuning-IP.json or calx-doctor-REMEDY.json")
      ->required();
  verb->add_flag("--dry-run", *dry_run, "show what would change, and change nothing");
  verb->callback([=, &session] {
    session.action = [=, &session] { return restore(*saved, *dry_run, session.json); };
  });
}

}  // namespace calx::cli
