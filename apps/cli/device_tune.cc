// calx device tune: frequency and core voltage of a miner, inside its chip's limits.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "apps/cli/device.h"
#include "apps/cli/undoable_change.h"
#include "calx/device/tuning.h"

namespace calx::cli {
namespace {

struct TuneArguments {
  std::string address, saved;
  double mhz = 0, core_mv = 0;
  bool dry_run = false;
};

Result<int> tune(const TuneArguments& arguments, bool json) {
  CALX_ASSIGN(address, device::parse_lan_address(arguments.address, device::kAxeosPort));
  device::Operation asked;
  if (arguments.mhz > 0) asked.mhz = arguments.mhz;
  if (arguments.core_mv > 0) asked.core_mv = arguments.core_mv;
  CALX_ASSIGN(plan, device::plan_tuning(address, asked));
  const std::string saved =
      arguments.saved.empty() ? fmt::format("calx-tuning-{}.json", address.ip) : arguments.saved;
  const UndoableChange change{
      .noun = "tuning",
      .lines = describe(plan),
      .saved = saved,
      .save = [&plan](const std::filesystem::path& path) { return device::save_plan(plan, path); },
      .apply = [&plan] { return device::apply(plan); }};
  return carry_out(change, arguments.dry_run, json);
}

}  // namespace

void add_device_tune(CLI::App& device, Session& session) {
  auto* verb = device.add_subcommand("tune", "frequency and core voltage of an AxeOS miner");
  auto a = std::make_shared<TuneArguments>();
  verb->add_option("address", a->address, "of the miner: IP or IP:PORT")->required();
  verb->add_option("--frequency", a->mhz, "MHz")->check(CLI::Range(1.0, 65535.0));
  verb->add_option("--voltage", a->core_mv, "core voltage in mV")->check(CLI::Range(1.0, 65535.0));
  verb->add_option("--saved", a->saved, "file for the way back (default: calx-tuning-IP.json)");
  verb->add_flag("--dry-run", a->dry_run, "show what would change, and change nothing");
  verb->callback(
      [a, &session] { session.action = [a, &session] { return tune(*a, session.json); }; });
  verb->footer(
      "Both are cut to the limits of the chip that the miner names (BM1366, BM1368: 400-575 MHz,\n"
      "1100-1300 mV; BM1370: 400-625, 1000-1250; BM1397: 400-600, 1100-1500). The firmware itself\n"
      "has no limits. Watch the heat afterwards: calx device watch.");
}

}  // namespace calx::cli
