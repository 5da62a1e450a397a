#include "calx/eval/sweep.h"

#include <fmt/format.h>

#include <chrono>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/diffusion/model_file.h"
#include "calx/eval/frechet.h"
#include "calx/eval/held_out.h"
#include "calx/eval/judge.h"
#include "calx/eval/sample_set.h"
#include "calx/format/canonical_json.h"
#include "calx/hash/sha256.h"
#include "calx/nn/threads.h"

namespace calx::eval {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPairsMax = 1000;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Result<void> write_tables(const std::vector<SweepRow>& rows, const SweepSettings& settings,
                          const QualityRun& run) {
  std::string text = fmt::format(
      "# Choice of guidance and steps\n\nWritten by `{}`. Origin: software. {} pictures of each "
      "pair from hash noise with {}; FD-clf against the other training pictures, so the "
      "held-out ones stay untouched by the choice. The first row is as many training pictures.\n\n"
      "| guidance | steps | judged as asked | FD-clf | SHA-256 of the pixels |\n"
      "|---|---|---|---|---|\n",
      run.command, settings.count, settings.sampler);
  format::Json list = format::Json::array();
  for (const auto& row : rows) {
    const double share = static_cast<double>(row.correct) / static_cast<double>(settings.count);
    const std::string what = row.steps == 0 ? std::string("training pictures | -")
                                            : fmt::format("{:.2f} | {}", row.guidance, row.steps);
    text += fmt::format("| {} | {:.1f} % | {:.2f} | {:.16} |\n", what, 100 * share, row.distance,
                        row.digest);
    format::Json json;
    json.set("guidance", fmt::format("{:.3f}", row.guidance)).set("steps", row.steps);
    json.set("correct", row.correct).set("fd_clf", fmt::format("{:.6f}", row.distance));
    json.set("sha256", row.digest);
    list.push(std::move(json));
  }
  format::Json json;
  json.set("command", run.command).set("origin", "software");
  json.set("seed", settings.seed.to_string()).set("sampler", settings.sampler);
  json.set("count", static_cast<std::int64_t>(settings.count)).set("rows", std::move(list));
  std::error_code error;
  std::filesystem::create_directories(run.out, error);
  CALX_TRY(write_file(run.out / "quality_sweep.md", text));
  CALX_ASSIGN(encoded, format::encode_pretty_json(json));
  return write_file(run.out / "quality_sweep.json", encoded);
}

}  // namespace

Result<std::vector<SweepRow>> sweep_sampling(const diffusion::DigitSet& train,
                                             const SweepSettings& settings, const QualityRun& run,
                                             const StudyObserver& observer,
                                             const std::stop_token& stop) {
  const std::size_t pairs = settings.guidances.size() * settings.steps.size();
  if (pairs == 0 || pairs > kPairsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("sweep of {} pairs: wanted 1 to {}", pairs, kPairsMax));
  }
  CALX_ASSIGN(bytes, read_file(run.model, diffusion::kModelBytesMax));
  CALX_ASSIGN(model, diffusion::parse_model(bytes));
  CALX_ASSIGN(network, nn::UNet::load(model.config, model.parameters));
  CALX_ASSIGN(judge, load_judge(run.judge));
  const auto width = static_cast<std::size_t>(judge.network.config().features);
  CALX_ASSIGN(parts, spread_out(train, settings.count));
  CALX_ASSIGN(rest, judge_pictures(judge.network, parts.rest.pixels, run.threads));
  CALX_ASSIGN(real, judge_pictures(judge.network, parts.chosen.pixels, run.threads));
  CALX_ASSIGN(reference, fit_gaussian(rest.features, width));
  CALX_ASSIGN(chosen, fit_gaussian(real.features, width));
  CALX_ASSIGN(floor, frechet_distance(reference, chosen));
  const auto& labels = parts.chosen.labels;
  std::vector<SweepRow> rows = {
      {0, 0, count_equal(real.classes, labels), floor,
       to_hex(hash::sha256(std::span<const std::uint8_t>(parts.chosen.pixels)))}};
  for (const double guidance : settings.guidances) {
    for (const int steps : settings.steps) {
      SamplePlan plan{hash::sha256(std::span<const std::uint8_t>(bytes)),
                      settings.seed,
                      InitialNoise::kHash,
                      settings.sampler,
                      guidance,
                      steps,
                      labels};
      const auto started = Clock::now();
      const auto progress = [&](std::size_t made_now, std::size_t done, std::size_t count) {
        if (observer) {
          observer({fmt::format("guidance {:.2f}, {} steps", guidance, steps), done, count,
                    seconds_since(started) / static_cast<double>(made_now) *
                        static_cast<double>(count - done)});
        }
      };
      CALX_ASSIGN(set, make_samples(network, plan, {run.work, run.threads}, progress, stop));
      CALX_ASSIGN(judgement, judge_pictures(judge.network, set.pixels, run.threads));
      CALX_ASSIGN(cloud, fit_gaussian(judgement.features, width));
      CALX_ASSIGN(distance, frechet_distance(reference, cloud));
      rows.push_back(
          {guidance, steps, count_equal(judgement.classes, plan.classes), distance, set.digest});
    }
  }
  CALX_TRY(write_tables(rows, settings, run));
  return rows;
}

}  // namespace calx::eval
