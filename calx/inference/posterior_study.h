// Denoising without a network: a substrate whose energy is a Gaussian prior plus the likelihood of
// the noisy picture, beside the shipped network at the same noise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/inference/report.h"
#include "calx/nn/unet.h"
#include "calx/noise/seed.h"
#include "calx/thermo/posterior.h"

namespace calx::inference {

/// Pictures that make the prior, and others that are made noisy.
struct PosteriorData {
  std::string name;
  diffusion::DigitSet prior, test;
  bool network_knows = false;  // whether the network learnt pictures of this kind
};

struct PosteriorSettings {
  noise::Seed seed;
  std::vector<double> sigmas = {0.1, 0.3, 0.5, 1.0};  // of noise on pictures in [-1, 1]
  std::vector<std::size_t> ranks = {0, 16, 64, 256};  // of the prior, rising
  double variance_floor = 1e-4;
};

/// One noise and one rank.
struct PosteriorCell {
  double mean_db = 0;    // PSNR of the posterior mean
  double sample_db = 0;  // of one thermal sample a picture
  double condition = 0;  // of M
};

struct PosteriorRow {
  double sigma = 0;
  double noisy_db = 0;
  std::vector<PosteriorCell> cells;           // as ranks
  std::optional<double> network_db, told_db;  // the network without and with the picture's class
};

/// For every sigma: y = x + sigma eps, eps from stream "posterior/noise" of the seed, index = place
/// of the sigma, channel = picture. The substrate gets bias kT y / sigma^2, rests at its mean, and
/// is drawn once, exactly, at kT = 1 (stream "posterior/thermal"). The network sees alpha y at the
/// time of sigma / alpha = sigma.
/// Errors: kInvalidArgument (settings, sizes); kCancelled; those of the network.
Result<std::vector<PosteriorRow>> study_posterior(const PosteriorData& data,
                                                  const nn::UNet* network,
                                                  const PosteriorSettings& settings, int threads,
                                                  const Observer& observer,
                                                  const std::stop_token& stop);

/// The prior of a lower rank: the axes that are dropped go into the floor, as fit_prior() would.
/// \pre rank <= prior.variance.size()
thermo::Prior truncated(const thermo::Prior& prior, std::size_t rank);

/// One draw of the posterior a row of `mean` [n, D], added to it: modes of variance
/// s sigma^2 / (s + sigma^2), s = prior variance or floor. `normals` [n, D].
/// \pre sizes
void add_thermal(const thermo::Prior& prior, double sigma, std::span<const float> normals,
                 std::span<float> mean);

/// "posterior": tables of all data sets, as reference 3.5, with its figures beside.
struct PosteriorPart {
  const PosteriorData* data;
  std::vector<PosteriorRow> rows;
};
Report posterior_report(std::span<const PosteriorPart> parts, const PosteriorSettings& settings,
                        std::vector<std::pair<std::string, std::string>> facts);

}  // namespace calx::inference
