#include "calx/inference/sample_study.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/base/origin.h"
#include "calx/diffusion/model_file.h"
#include "calx/hash/sha256.h"
#include "calx/inference/reference_digits.h"
#include "calx/nn/threads.h"

namespace calx::inference {
namespace {

constexpr std::uint64_t kReferenceTestFirst = 11'000;  // reference 3.5

diffusion::DigitSet first_of(const diffusion::DigitSet& digits, std::size_t count) {
  diffusion::DigitSet out = digits;
  const std::size_t pixels = digits.pictures.size() / digits.size();
  out.labels.resize(std::min(count, digits.size()));
  out.pictures.resize(out.labels.size() * pixels);
  return out;
}

Result<Report> denoise(const diffusion::DigitSet& train, const diffusion::DigitSet& held_out,
                       const SampleStudySettings& settings, const WholeRun& run,
                       const Observer& observer, const std::stop_token& stop) {
  PosteriorSettings posterior = settings.posterior;
  posterior.seed = settings.whole.seed;
  CALX_ASSIGN(bytes, read_file(run.model, diffusion::kModelBytesMax));
  CALX_ASSIGN(model, diffusion::parse_model(bytes));
  CALX_ASSIGN(network, nn::UNet::load(model.config, model.parameters));
  CALX_ASSIGN(prior, draw_reference_digits(posterior.seed, 0, settings.prior_pictures));
  CALX_ASSIGN(test,
              draw_reference_digits(posterior.seed, kReferenceTestFirst, settings.noisy_pictures));
  const bool learnt = std::ranges::any_of(
      model.notes, [&](const auto& note) { return note.second == train.digest; });
  const std::vector<PosteriorData> data = {
      {"Reference digits", std::move(prior), std::move(test), false},
      {fmt::format("Digits of {}", train.source), first_of(train, settings.prior_pictures),
       first_of(held_out, settings.noisy_pictures), learnt}};
  std::vector<PosteriorPart> parts;
  for (const PosteriorData& one : data) {
    CALX_ASSIGN(rows, study_posterior(one, &network, posterior, run.threads, observer, stop));
    parts.push_back({&one, std::move(rows)});
  }
  return posterior_report(
      parts, posterior,
      {{"command", run.command},
       {"origin", std::string(to_string(Origin::kSoftware))},
       {"thermal noise", "calx-noise-1, stream posterior/thermal; exact draws at kT = 1"},
       {"seed", posterior.seed.to_string()},
       {"model", run.model.filename().string()},
       {"model_sha256", to_hex(hash::sha256(std::span<const std::uint8_t>(bytes)))},
       {"reference_prior_sha256", data[0].prior.digest},
       {"reference_noisy_sha256", data[0].test.digest},
       {"training_sha256", train.digest},
       {"held_out_sha256", held_out.digest},
       {"libtorch", nn::torch_version()}});
}

}  // namespace

Result<SampleStudyResult> study_sampling(const diffusion::DigitSet& train,
                                         const diffusion::DigitSet& held_out,
                                         const SampleStudySettings& settings, const WholeRun& run,
                                         const std::filesystem::path& out, const Observer& observer,
                                         const std::stop_token& stop) {
  if (!settings.images && !settings.denoising) {
    return fail(ErrorCode::kInvalidArgument, "neither images nor denoising is wanted");
  }
  SampleStudyResult result;
  const auto keep = [&](Report report) -> Result<void> {
    CALX_ASSIGN(files, write_report(report, out));
    result.files.push_back(std::move(files));
    result.reports.push_back(std::move(report));
    return {};
  };
  if (settings.images) {
    CALX_ASSIGN(whole, study_whole_images(train, held_out, settings.whole, run, observer, stop));
    CALX_TRY(keep(std::move(whole.report)));
  }
  if (settings.denoising) {
    CALX_ASSIGN(report, denoise(train, held_out, settings, run, observer, stop));
    CALX_TRY(keep(std::move(report)));
  }
  return result;
}

}  // namespace calx::inference
