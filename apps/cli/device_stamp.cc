// calx device stamp: one stamp for one commitment, searched by any engine.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "apps/cli/device.h"
#include "apps/cli/engine.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/one_stamp.h"
#include "calx/work/target.h"

namespace calx::cli {
namespace {

struct StampArguments {
  OneStamp stamp;
  EngineOptions engine;
  double seconds = 0;
};

Result<int> run_stamp(const StampArguments& arguments) {
  const Interrupt interrupt;
  CALX_ASSIGN(engine, open_engine(arguments.engine));
  auto deadline = work::Deadline::max();
  if (arguments.seconds > 0) {
    deadline = std::chrono::steady_clock::now() +
               std::chrono::milliseconds(static_cast<std::int64_t>(arguments.seconds * 1e3));
  }
  const auto made = make_one_stamp(arguments.stamp, *engine.runner, deadline, interrupt.token());
  fmt::print(stderr, "{}", describe_engines(engine));
  if (!made) return std::unexpected(made.error());
  return kDone;
}

}  // namespace

void add_device_stamp(CLI::App& device, Session& session) {
  auto* verb = device.add_subcommand("stamp", "one stamp for a commitment, by any engine");
  auto a = std::make_shared<StampArguments>();
  verb->add_option("commitment", a->stamp.commitment, "64 hex digits")->required();
  add_engine_options(*verb, a->engine);
  verb->add_option("--work", a->stamp.work_bits, "bits of work: 2^B hashes")
      ->check(CLI::Range(1u, work::kWorkBitsMax))
      ->capture_default_str();
  verb->add_option("--out", a->stamp.out, "file for the stamp; without it stdout");
  verb->add_option("--for", a->seconds, "seconds to search; without it until found")
      ->check(CLI::Range(0.0, 1e9));
  verb->callback([a, &session] { session.action = [a] { return run_stamp(*a); }; });
  verb->footer(
      "The stamp is JSON; what each engine of a pool did goes to stderr.\n"
      "Exit status 3: nobody found it, or the policy allows none of the engines.");
}

}  // namespace calx::cli
