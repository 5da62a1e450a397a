// calx_bench: what `calx bench` runs. A program of its own, so that the command line links neither
// OpenSSL nor anything else of a rival.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>

#include "bench/cases.h"
#include "bench/miner.h"
#include "bench/report.h"
#include "calx/base/atomic_file.h"
#include "calx/hash/kernel.h"

namespace calx::bench {
namespace {

constexpr int kBadInput = 2;
constexpr Effort kFull{.pairs = 21, .slice_seconds = 0.02, .judge = true};
constexpr Effort kQuick{.pairs = 2, .slice_seconds = 0.001, .judge = false};

struct Options {
  std::string group = "all";
  std::vector<std::string> against;
  std::filesystem::path python = "/usr/bin/python3", calx, report_folder;
  bool json = false, quick = false;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("group", options.group, "hash, noise, thermo, start, device or all")
      ->check(CLI::IsMember({"hash", "noise", "thermo", "start", "device", "all"}))
      ->capture_default_str();
  app.add_option("--against", options.against,
                 "NAME=PATH of a rival that you built: minerd, cpuminer-opt");
  app.add_option("--python", options.python, "a Python with torch and NumPy")
      ->capture_default_str();
  app.add_option("--calx", options.calx, "the command line that `start` times");
  app.add_option("--report", options.report_folder, "also write bench.md and bench.json there");
  app.add_flag("--json", options.json, "print JSON");
  app.add_flag("--quick", options.quick, "check every answer, time hardly, judge nothing");
}

Result<Rivals> rivals_of(const Options& options) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  Rivals rivals{.python = options.python,
                .script = self.parent_path() / "rivals.py",
                .calx = options.calx,
                .quick = options.quick};
  for (const auto& word : options.against) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (equals == std::string::npos || !is_miner(name))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("--against {}: wanted minerd=PATH or cpuminer-opt=PATH", word));
    rivals.miners.emplace_back(name, word.substr(equals + 1));
  }
  return rivals;
}

// The command line without paths: those mean nothing on another machine.
std::string command_of(const Options& options, const Rivals& rivals) {
  std::string command = "calx bench " + options.group;
  for (const auto& miner : rivals.miners) command += fmt::format(" --against {}=PATH", miner.first);
  return options.quick ? command + " --quick" : command;
}

// CALX_KERNEL, as everywhere in calx: one kernel for every operation.
Result<void> force_kernel(const char* name) {
  if (name == nullptr || *name == '\0') return {};
  const auto status = hash::force_kernel(name);
  if (status == hash::KernelStatus::kChosen) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("CALX_KERNEL={}: {} here (see calx hash kernels)", name,
                          hash::to_string(status)));
}

Result<int> run(const Options& options) {
  CALX_TRY(force_kernel(std::getenv("CALX_KERNEL")));
  CALX_ASSIGN(rivals, rivals_of(options));
  Report report{.machine = this_machine(), .command = command_of(options, rivals)};
  report.effort = options.quick ? kQuick : kFull;
  // A quick run measures nothing worth a priority, and may run beside others of its kind.
  std::optional<RaisedAutogroup> autogroup;
  if (!options.quick) autogroup.emplace();
  const bool raised = autogroup && autogroup->raised();
  report.facts.emplace_back("scheduler group raised", raised ? "yes" : "no");

  // Processes first, while this one is small: the system counts the memory of a program that starts
  // another one towards the peak of that other one. Each group's buffers go before the next.
  const std::pair<std::string_view, std::function<std::vector<Case>()>> groups[] = {
      {"start", [&] { return start_cases(rivals); }},
      {"hash", [&] { return hash_cases(rivals, report.machine, report.facts); }},
      {"noise", [&] { return noise_cases(rivals, report.facts); }},
      {"thermo", [&] { return thermo_cases(rivals); }},
      {"thermo", [&] { return thermo_memory_cases(report.machine.cores, options.quick); }}};
  std::vector<Outcome> outcomes;
  for (const auto& [group, make_cases] : groups) {
    if (options.group != "all" && options.group != group) continue;
    for (const auto& work : make_cases()) {
      fmt::print(stderr, "calx bench: {}\n", work.name);
      outcomes.push_back(measure(work, report.effort));
      if (!options.json) fmt::print("{}\n", to_line(outcomes.back()));
      std::fflush(stdout);
    }
  }
  std::vector<Figure> figures;
  if (options.group == "all" || options.group == "device") {
    for (const auto& work : device_cases(rivals)) {
      fmt::print(stderr, "calx bench: {}\n", work.name);
      figures.push_back(measure(work, options.quick));
      if (!options.json) fmt::print("{}\n", to_line(figures.back()));
      std::fflush(stdout);
    }
  }
  report.outcomes = outcomes;
  report.figures = figures;
  if (options.json) fmt::print("{}", to_json(report));
  if (!options.report_folder.empty()) {
    CALX_TRY(write_file(options.report_folder / "bench.md", to_markdown(report)));
    CALX_TRY(write_file(options.report_folder / "bench.json", to_json(report)));
  }
  return exit_status(outcomes, figures);
}

}  // namespace
}  // namespace calx::bench

int main(int argc, char** argv) {
  CLI::App app{
      "Times Calx and its rivals in turns, in one run, and prints the ratios.\n"
      "Exit status: 0 every bar met, 1 a wrong answer or a bar missed, 2 bad usage, 3 a rival not "
      "available.",
      "calx bench"};
  calx::bench::Options options;
  calx::bench::declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "calx bench: {} (see calx bench --help)\n", error.what());
    return calx::bench::kBadInput;
  }
  const auto status = calx::bench::run(options);
  if (status) return *status;
  fmt::print(stderr, "calx bench: {}\n", status.error().message);
  return calx::exit_status(status.error().code);
}
