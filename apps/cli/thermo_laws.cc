// calx thermo laws: certificates, negative twins, integrators under noise, long walks on hashes.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>

#include "apps/cli/interrupt.h"
#include "apps/cli/neural.h"
#include "apps/cli/thermo.h"

namespace calx::cli {
namespace {

struct LawOptions {
  inference::LawSettings settings;
  std::string seed = "42", work = "thermo-work/laws", out = "docs/results/thermo";
  unsigned threads = 1;
  bool quick = false;
};

Result<int> run_laws(const Session& session, LawOptions& options) {
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  options.settings.seed = seed;
  if (options.quick) options.settings.unit_steps = 20'000'000;
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  const inference::Observer observer = [](const inference::Progress& now) {
    fmt::print(stderr, "calx thermo laws: {}\n", now.stage);
  };
  CALX_ASSIGN(report, module->study_laws(options.settings,
                                         {.work = options.work,
                                          .command = session.command,
                                          .threads = options.threads,
                                          .stop = interrupt.token()},
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

void add_thermo_laws(CLI::App& thermo, Session& session) {
  auto* verb = thermo.add_subcommand(
      "laws",
      "certify a good run and its negative twins, every integrator under every noise, and long "
      "walks on double SHA-256; status 1 if one is not as its law says");
  auto options = std::make_shared<LawOptions>();
  options->threads = std::max(1U, std::thread::hardware_concurrency());
  verb->add_option("--seed", options->seed, "seed of substrates and noise")->capture_default_str();
  verb->add_option("--chains", options->settings.chains, "of each certified run")
      ->capture_default_str();
  verb->add_option("--unit-steps", options->settings.unit_steps, "of each long walk, at least")
      ->capture_default_str();
  verb->add_option("--work", options->work, "folder that keeps finished rows if stopped")
      ->capture_default_str();
  verb->add_option("--out", options->out, "folder for laws.json, .md and .html")
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "the samples do not depend on it")
      ->check(CLI::Range(1, 256));
  verb->add_flag("--quick", options->quick,
                 "walks of 2e7 unit-steps: their errors are 7 times wider");
  verb->callback([&session, options] {
    session.action = [&session, options] { return run_laws(session, *options); };
  });
}

}  // namespace calx::cli
