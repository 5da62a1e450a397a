#include "calx/inference/stage_split.h"

#include <fmt/format.h>

#include <vector>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"
#include "calx/inference/reference_digits.h"

namespace calx::inference {
namespace {

constexpr std::size_t kSplits = 5;  // data seeds that handwriting sets pictures aside for
constexpr std::uint64_t kHeldOutNumbers = std::uint64_t{1} << 32;

Result<void> check_sizes(std::uint32_t data_seed, const SplitSizes& sizes) {
  if (data_seed >= 1 && sizes.fit >= 1 && sizes.test >= 1 && sizes.train >= 1 &&
      sizes.fit + sizes.test <= kSplitStride) {
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("split: data seed {} with {} pictures to fit and {} to judge, wanted a "
                          "seed from 1 and together 2 to {}",
                          data_seed, sizes.fit, sizes.test, kSplitStride));
}

NumberedPictures part_of(const diffusion::DigitSet& set, std::size_t first, std::size_t count,
                         std::uint64_t number) {
  NumberedPictures part;
  for (std::size_t i = 0; i < count; ++i) {
    const auto picture = set.picture(first + i);
    part.pictures.insert(part.pictures.end(), picture.begin(), picture.end());
    part.numbers.push_back(number + i);
  }
  return part;
}

std::string digest_of(const StageSplit& split) {
  hash::Sha256 hasher;
  for (const NumberedPictures* part : {&split.fit, &split.test}) {
    hasher.update_u32(static_cast<std::uint32_t>(part->numbers.size()));
    for (const std::uint64_t number : part->numbers) {
      hasher.update_u32(static_cast<std::uint32_t>(number));
    }
  }
  return to_hex(hasher.finish());
}

}  // namespace

Result<StageSplit> drawn_split(const noise::Seed& seed, std::uint32_t data_seed,
                               const SplitSizes& sizes) {
  CALX_TRY(check_sizes(data_seed, sizes));
  const std::uint64_t first = sizes.train + kSplitStride * (data_seed - 1);
  CALX_ASSIGN(set, draw_reference_digits(seed, first, sizes.fit + sizes.test));
  StageSplit split{.fit = part_of(set, 0, sizes.fit, first),
                   .test = part_of(set, sizes.fit, sizes.test, first + sizes.fit),
                   .source = fmt::format("{}, pictures {} to {}", set.source, first,
                                         first + sizes.fit + sizes.test - 1),
                   .digest = {}};
  split.digest = digest_of(split);
  return split;
}

std::size_t handwritten_training_count(const diffusion::DigitSet& train) noexcept {
  const std::size_t aside = kSplits * kSplitStride;
  return train.size() > aside ? train.size() - aside : 0;
}

Result<StageSplit> handwritten_split(const diffusion::DigitSet& train,
                                     const diffusion::DigitSet& held_out, std::uint32_t data_seed,
                                     const SplitSizes& sizes) {
  CALX_TRY(check_sizes(data_seed, sizes));
  const std::size_t first = handwritten_training_count(train) + kSplitStride * (data_seed - 1);
  const std::size_t judged = kSplitStride * (data_seed - 1);
  if (data_seed > kSplits || handwritten_training_count(train) == 0 ||
      judged + sizes.test > held_out.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("split: data seed {} of {} training and {} held-out pictures, wanted a "
                            "seed up to {}, over {} and at least {}",
                            data_seed, train.size(), held_out.size(), kSplits,
                            kSplits * kSplitStride, judged + sizes.test));
  }
  StageSplit split{
      .fit = part_of(train, first, sizes.fit, first),
      .test = part_of(held_out, judged, sizes.test, kHeldOutNumbers + judged),
      .source = fmt::format(
          "fit: {} ({}), pictures {} to {}; judged on: {} ({}), pictures {} to {}", train.source,
          train.digest.substr(0, 16), first, first + sizes.fit - 1, held_out.source,
          held_out.digest.substr(0, 16), judged, judged + sizes.test - 1),
      .digest = {}};
  split.digest = digest_of(split);
  return split;
}

}  // namespace calx::inference
