// How much of stage A's figures is the draw of the weights: the public code fixes one seed, and
// leaves the signs of its singular vectors to the linear algebra library.
#pragma once

#include <cstddef>
#include <filesystem>
#include <stop_token>

#include "calx/base/result.h"
#include "calx/inference/report.h"
#include "calx/nn/published_unet.h"
#include "calx/noise/seed.h"

namespace calx::inference {

struct DrawSpreadSettings {
  nn::PublishedUNetConfig network;
  noise::Seed seed = {};  // the first; the others are derived from it
  std::size_t seeds = 6;
  std::size_t signs = 20;  // of each seed, the first as thermo::published_pair sets them
  std::size_t fit = 0, test = 0, units = 0, rank = 0;
  double onsite_j2 = 0.1;
  bool judged = true;  // the set-up is the reference's
};

struct DrawSpread {
  Table table;    // mean, standard deviation, least and greatest of every quantity; the reference
  Answer answer;  // does the reference lie within three standard deviations of the mean?
};

/// Network, inputs, interface and signs drawn again for every seed. Activations are kept in `work`
/// as mean_activations() does. Errors: its own; kInvalidArgument unless there are 2 seeds or more
/// and a choice of signs.
Result<DrawSpread> draw_spread(const DrawSpreadSettings& settings,
                               const std::filesystem::path& work, const Observer& observer,
                               const std::stop_token& stop);

}  // namespace calx::inference
