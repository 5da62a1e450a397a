// The two studies of `calx thermo sample`: whole images through a substrate, and denoising by a
// substrate alone.
#pragma once

#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/inference/posterior_study.h"
#include "calx/inference/report.h"
#include "calx/inference/whole_images.h"

namespace calx::inference {

struct SampleStudySettings {
  WholeSettings whole;
  PosteriorSettings posterior;  // its seed is taken from `whole`
  std::size_t prior_pictures = 10'000, noisy_pictures = 256;
  bool images = true, denoising = true;  // which of the two
};

struct SampleStudyResult {
  std::vector<Report> reports;
  std::vector<ReportFiles> files;  // as reports
};

/// Runs what is wanted and writes whole-images.{json,md,html} and posterior.{json,md,html} into
/// `out`, each as soon as it is known. The posterior is studied on reference digits (prior:
/// pictures 0 .., noisy: from 11,000 on) and on the given digits (prior: training, noisy: held
/// out).
/// Errors: those of the studies and of writing; kInvalidArgument when neither is wanted.
Result<SampleStudyResult> study_sampling(const diffusion::DigitSet& train,
                                         const diffusion::DigitSet& held_out,
                                         const SampleStudySettings& settings, const WholeRun& run,
                                         const std::filesystem::path& out, const Observer& observer,
                                         const std::stop_token& stop);

}  // namespace calx::inference
