// calx study devices: a crowd of emulated miners in bad weather, and what the bridge made of it.
#include <fmt/format.h>
#include <sys/resource.h>

#include <filesystem>
#include <memory>

#include "apps/cli/bridge_process.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/verb.h"
#include "apps/cli/weather_report.h"
#include "calx/base/atomic_file.h"
#include "calx/stratum/difficulty.h"

namespace calx::cli {
namespace {

constexpr int kLog2Difficulty = -18;  // 2^14 hashes: at 6 to 10 kH/s about one share in two seconds
constexpr std::size_t kLoadMiners = 500;  // from so many on time and memory are judged,
constexpr double kLoadSeconds = 60;       // in a run at least so long
constexpr double kSpareSeconds = 120;     // after which the bridge ends even if its study is gone

struct DevicesOptions {
  emulate::WeatherOptions weather;
  double seconds = 600, mega_per_second = kStudyHashesPerSecondMax / 1e6;
  unsigned work_bits = 26;
  std::string out = "docs/results";
  bool quick = false;
};

// A socket for each miner, on either side.
void allow_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
}

void shorten(DevicesOptions& options) {
  options.seconds = std::min(options.seconds, 8.0);
  options.weather.miners = std::min<std::size_t>(options.weather.miners, 40);
  options.weather.liars = std::min<std::size_t>(options.weather.liars, 4);
  options.weather.idle_time = std::chrono::seconds(1);
  options.weather.speed = 8;
  options.work_bits = std::min(options.work_bits, 24u);
}

std::vector<std::string> bridge_words(const DevicesOptions& options) {
  return {"--listen",
          "127.0.0.1:0",
          "--difficulty",
          fmt::format("{}", stratum::difficulty_of(kLog2Difficulty)),
          "--drill",
          "--work",
          fmt::format("{}", options.work_bits),
          "--for",
          fmt::format("{:.0f}", options.seconds + kSpareSeconds)};
}

Result<int> study_devices(const Session& session, DevicesOptions options) {
  if (options.quick) shorten(options);
  options.weather.run_time =
      std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1e3));
  options.weather.hashes_per_second = options.mega_per_second * 1e6;
  allow_many_files();
  const Interrupt interrupt;
  CALX_ASSIGN(bridge, BridgeProcess::start(bridge_words(options)));
  options.weather.port = bridge.port();
  options.weather.bridge = bridge.id();
  WeatherStudy study{.options = options.weather, .command = session.command};
  study.judges_load = options.weather.miners >= kLoadMiners && options.seconds >= kLoadSeconds;
  CALX_ASSIGN(report,
              emulate::run_weather(options.weather, interrupt.token(), [](std::string_view now) {
                fmt::print(stderr, "calx study devices: {}\n", now);
              }));
  study.report = std::move(report);
  CALX_ASSIGN(last, bridge.stop());
  CALX_ASSIGN(summary, read_summary(last));
  study.bridge = std::move(summary);

  const std::filesystem::path out = options.out;
  std::error_code exists;
  std::filesystem::create_directories(out, exists);
  const std::string json = to_json(study);
  CALX_TRY(write_file(out / "devices.json", json));
  CALX_TRY(write_file(out / "devices.md", to_markdown(study)));
  CALX_TRY(write_file(out / "devices.html", to_page(study)));
  const auto checks = judge(study);
  if (session.json) {
    fmt::print("{}", json);
  } else {
    for (const auto& check : checks) {
      const char* mark = check.mark == format::PageMark::kPass   ? "met"
                         : check.mark == format::PageMark::kFail ? "MISSED"
                                                                 : "not judged";
      fmt::print("{:<30} {:<10} {}\n", check.name, mark, check.detail);
    }
    fmt::print("{}\n", (out / "devices.html").string());
  }
  if (!study.report.complete) {
    return fail(ErrorCode::kCancelled,
                fmt::format("stopped early; what there is stands in {}, labelled so",
                            (out / "devices.json").string()));
  }
  return holds(checks) ? kDone : kCheckFailed;
}

}  // namespace

void add_study_devices(CLI::App& study, Session& session) {
  auto* verb = study.add_subcommand(
      "devices", "a crowd of emulated miners, some of them liars, in bad weather on one bridge");
  auto o = std::make_shared<DevicesOptions>();
  verb->add_option("--miners", o->weather.miners, "connected at once")
      ->check(CLI::Range(std::size_t{1}, emulate::kMinersMax))
      ->capture_default_str();
  verb->add_option("--liars", o->weather.liars, "of them")->capture_default_str();
  verb->add_option("--for", o->seconds, "seconds of work")
      ->check(CLI::Range(1.0, 86400.0))
      ->capture_default_str();
  verb->add_option("--mhs", o->mega_per_second, "what all may hash together, million a second")
      ->check(CLI::Range(1e-3, 1e6))
      ->capture_default_str();
  verb->add_option("--faults", o->weather.faults, "plan of the honest (calx device emulate --help)")
      ->capture_default_str();
  verb->add_option("--liar-faults", o->weather.liar_faults, "plan of the liars")
      ->capture_default_str();
  verb->add_option("--seed", o->weather.seed, "of devices, waits and faults")
      ->capture_default_str();
  verb->add_option("--work", o->work_bits, "bits of each of the stamps made meanwhile")
      ->check(CLI::Range(1u, 48u))
      ->capture_default_str();
  verb->add_option("--out", o->out, "folder for devices.json, .md and .html")
      ->capture_default_str();
  verb->add_flag("--quick", o->quick,
                 "40 miners for 8 s at eight times their speed; judges no time and no memory");
  verb->callback(
      [o, &session] { session.action = [o, &session] { return study_devices(session, *o); }; });
  verb->footer(
      "The bridge runs in a process of its own. The miners know what they planned, and judge its\n"
      "answers by that. Ctrl-C writes what there is, labelled as interrupted.\n"
      "Exit status 1: a wrong verdict, a stamp that does not hold, a liar not named, or a bar\n"
      "missed.");
}

}  // namespace calx::cli
