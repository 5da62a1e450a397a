// Of stage C: the quick sizes, and what is out of range.
#include <fmt/format.h>

#include <algorithm>

#include "calx/inference/stage_c.h"

namespace calx::inference {

StageCSettings quick_stage_c() {
  StageCSettings s;
  s.unet_seeds = s.data_seeds = {1};
  s.network.sizes = {.train = 64, .fit = 4, .test = 4};
  s.network.width = 16;
  s.network.train_images = 320;
  s.arms.rank = 8;
  s.arms.low_rank = 2;
  s.arms.ranks = {1, 2, 4, 8, 16};
  s.arms.counts = {1, 4};
  s.arms.interface_steps = 100;
  s.arms.interface_batch = 512;
  s.average_pixels = 4;
  s.quick = true;
  return s;
}

Result<void> check(const StageCSettings& s) {
  const auto seeds = [](const std::vector<std::uint32_t>& list) {
    auto sorted = list;
    std::ranges::sort(sorted);
    return !list.empty() && list.size() <= kStageSeedsMax && sorted.front() > 0 &&
           std::ranges::adjacent_find(sorted) == sorted.end();
  };
  if (!seeds(s.unet_seeds) || !seeds(s.data_seeds)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("stage c: {} U-Net seeds and {} data seeds, wanted 1 to {} different "
                            "ones from 1 of each",
                            s.unet_seeds.size(), s.data_seeds.size(), kStageSeedsMax));
  }
  std::vector<std::size_t> ranks = s.arms.ranks;
  ranks.push_back(s.arms.rank);
  ranks.push_back(s.arms.low_rank);
  const auto [least, most] = std::ranges::minmax(ranks);
  if (s.network.width < 1 || least < 1 || most > static_cast<std::size_t>(s.network.width) ||
      std::ranges::find(s.arms.ranks, s.arms.rank) == s.arms.ranks.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("stage c: ranks from {} to {}, wanted 1 to the {} units of the decoder "
                            "and {} among them",
                            least, most, s.network.width, s.arms.rank));
  }
  return {};
}

}  // namespace calx::inference
