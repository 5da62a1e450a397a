// Which pictures of stage C train the network, fit the couplings and judge them.
#pragma once

#include <cstdint>
#include <string>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/inference/decoder_task.h"
#include "calx/noise/seed.h"

namespace calx::inference {

/// Pictures between the starts of two data seeds' splits.
inline constexpr std::size_t kSplitStride = 200;

struct SplitSizes {
  std::size_t train = 10'000, fit = 96, test = 64;
};

struct StageSplit {
  NumberedPictures fit, test;
  std::string source;  // of the pictures, in words with their digests
  std::string digest;  // SHA-256 of the index list: u32 counts and indices, big-endian; hex
};

/// Where the drawn digits of stage C come from: stream "digits/reference" of this seed. Network: 0
/// to train - 1. Data seed s: fit from train + 200 (s - 1), test right behind.
/// Errors: kInvalidArgument (s = 0; fit and test over kSplitStride; sizes of 0).
Result<StageSplit> drawn_split(const noise::Seed& seed, std::uint32_t data_seed,
                               const SplitSizes& sizes);

/// Handwriting: the training part's last pictures fit (5 strides are kept from the network, which
/// trains on those before them); the held-out part judges, from 200 (s - 1) on. Held-out pictures
/// are numbered from 2^32 on, so that no two pictures share their noise.
/// Errors: as above; kInvalidArgument when either part is too small.
Result<StageSplit> handwritten_split(const diffusion::DigitSet& train,
                                     const diffusion::DigitSet& held_out, std::uint32_t data_seed,
                                     const SplitSizes& sizes);

/// Pictures of `train` that the network of handwritten_split() may see.
std::size_t handwritten_training_count(const diffusion::DigitSet& train) noexcept;

}  // namespace calx::inference
