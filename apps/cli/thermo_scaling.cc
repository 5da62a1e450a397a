// calx thermo scaling: what a step costs from a thousand units to a million.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "apps/cli/interrupt.h"
#include "apps/cli/neural.h"
#include "apps/cli/thermo.h"

namespace calx::cli {
namespace {

struct ScalingOptions {
  inference::ScalingSettings settings;
  std::string out = "docs/results/thermo";
  bool quick = false;
};

Result<int> run_scaling(const Session& session, ScalingOptions& options) {
  if (options.quick) {
    options.settings.units = {1000, 10'000, 100'000};
    options.settings.seconds = 0.01;
  }
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  const inference::Observer observer = [](const inference::Progress& now) {
    fmt::print(stderr, "calx thermo scaling: {}  {}/{}\n", now.stage, now.done, now.count);
  };
  CALX_ASSIGN(report, module->study_scaling(options.settings,
                                            {.command = session.command, .stop = interrupt.token()},
                                            options.out, observer));
  if (session.json) {
    fmt::print("{}", report.json);
  } else {
    fmt::print("{}\nreport     {}\npage       {}\n", report.markdown,
               report.files.markdown.string(), report.files.page.string());
  }
  return report.holds ? kDone : kCheckFailed;
}

}  // namespace

void add_thermo_scaling(CLI::App& thermo, Session& session) {
  auto* verb = thermo.add_subcommand(
      "scaling", "time steps of 10^3 to 10^6 units; status 1 if they grow otherwise than O(D k)");
  auto options = std::make_shared<ScalingOptions>();
  verb->add_option("--out", options->out, "folder for scaling.json, .md and .html")
      ->capture_default_str();
  verb->add_flag("--quick", options->quick, "up to 10^5 units, hardly timed");
  verb->callback([&session, options] {
    session.action = [&session, options] { return run_scaling(session, *options); };
  });
}

}  // namespace calx::cli
