// calx thermo generate: substrates that make digits by themselves, judged.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>

#include "apps/cli/data_folder.h"
#include "apps/cli/digit_source.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/neural.h"
#include "apps/cli/thermo.h"

namespace calx::cli {
namespace {

struct GenerateOptions {
  inference::GeneratorSettings settings;
  std::string seed = "calx generator", data, judge, out = "docs/results/thermo";
  unsigned threads = 1;
  bool quick = false;
};

Result<std::filesystem::path> judge_file(const std::string& given) {
  if (!given.empty()) return std::filesystem::path(given);
  std::error_code error;
  for (const auto& folder : model_folders()) {
    const auto path = folder / "judge" / "weights.safetensors";
    if (std::filesystem::is_regular_file(path, error)) return path;
  }
  return fail(ErrorCode::kNotFound, "no judge/weights.safetensors in models/ or $CALX_MODELS");
}

Result<int> run_generate(const Session& session, GenerateOptions& options) {
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  CALX_ASSIGN(judge, judge_file(options.judge));
  options.settings.seed = seed;
  if (options.quick) {
    options.settings.learnt = std::min<std::size_t>(options.settings.learnt, 4000);
    options.settings.count = std::min<std::size_t>(options.settings.count, 500);
    options.settings.metered = std::min<std::size_t>(options.settings.metered, 50);
  }
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  const inference::Observer observer = [](const inference::Progress& now) {
    fmt::print(stderr, "calx thermo generate: {}  {}/{}\n", now.stage, now.done, now.count);
  };
  CALX_ASSIGN(report, module->study_generator(training_digits(options.data),
                                              held_out_digits(options.data), options.settings,
                                              {.judge = judge,
                                               .command = session.command,
                                               .threads = options.threads,
                                               .stop = interrupt.token()},
                                              options.out, observer));
  if (session.json) {
    fmt::print("{}", report.json);
    return kDone;
  }
  fmt::print("{}\nreport     {}\npage       {}\n", report.markdown, report.files.markdown.string(),
             report.files.page.string());
  return kDone;
}

}  // namespace

void add_thermo_generate(CLI::App& thermo, Session& session) {
  auto* verb = thermo.add_subcommand(
      "generate",
      "teach substrates to make 14 x 14 digits by themselves, and judge what they make");
  auto options = std::make_shared<GenerateOptions>();
  options->threads = std::max(1U, std::thread::hardware_concurrency());
  verb->add_option("--seed", options->seed, "seed of noising, samples and the Gaussian")
      ->capture_default_str();
  verb->add_option("--data", options->data,
                   "training .npz, or `procedural` (default: MNIST, if found)");
  verb->add_option("--judge", options->judge, "another judge's .safetensors file");
  verb->add_option("--learnt", options->settings.learnt, "training pictures that are noised")
      ->capture_default_str();
  verb->add_option("--count", options->settings.count, "pictures of each arm")
      ->capture_default_str();
  verb->add_option("--metered", options->settings.metered, "of them, how many give their heat")
      ->capture_default_str();
  verb->add_option("--out", options->out, "folder for generator.json, .md and .html")
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "the pictures do not depend on it")
      ->check(CLI::Range(1, 256));
  verb->add_flag("--quick", options->quick,
                 "fewer pictures: noisier couplings, and figures that compare with no full run");
  verb->callback([&session, options] {
    session.action = [&session, options] { return run_generate(session, *options); };
  });
}

}  // namespace calx::cli
