// The pairs that stages A and B are about: one number a channel, the mean over the picture of what
// leaves the encoder's and the decoder's last block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/report.h"
#include "calx/nn/published_unet.h"
#include "calx/noise/seed.h"
#include "calx/thermo/matrix.h"

namespace calx::inference {

/// n pairs, [n, units] each.
struct ChannelPairs {
  std::size_t units = 0;
  std::vector<float> x;  // of block e1
  std::vector<float> d;  // of block d1

  [[nodiscard]] std::size_t count() const noexcept { return units == 0 ? 0 : x.size() / units; }
  /// Pairs first .. first + n - 1. \pre first + n <= count()
  [[nodiscard]] ChannelPairs part(std::size_t first, std::size_t n) const;
};

/// N(0, 1) images [count, channels, side, side]: image i from stream "thermo/inputs", index
/// first + i, of the seed. Errors: kResourceExhausted; those of the stream.
Result<std::vector<float>> white_images(const noise::Seed& seed, std::uint64_t first,
                                        std::size_t count, const nn::PublishedUNetConfig& shape);

/// Pictures [n, side, side] repeated over the channels, with sigma N(0, 1) added in every one:
/// stream "thermo/picture noise", index = the picture's place. Errors: as white_images();
/// kInvalidArgument unless the pictures are whole.
Result<std::vector<float>> noisy_images(std::span<const float> pictures, double sigma,
                                        const noise::Seed& seed,
                                        const nn::PublishedUNetConfig& shape);

/// The first `units` channels' means for every image [n, channels, side, side]. With a folder, the
/// answer is kept there in a file named by the digest of weights and images, and read back from it.
/// Errors: kInvalidArgument (units over the width; sizes), kDataLoss (a damaged file), kCancelled,
/// kInternal (a network whose output is not finite); those of writing.
Result<ChannelPairs> mean_activations(const nn::PublishedUNet& network,
                                      std::span<const float> images, std::size_t units,
                                      const std::filesystem::path& folder, const Observer& observer,
                                      const std::stop_token& stop);

/// The first convolution of a block ("e1" or "d1") as thermo::published_pair wants it, [out, in *
/// 9] with the tap fastest. Errors: kInvalidArgument when there is no such block.
Result<thermo::Matrix> first_convolution(const nn::PublishedUNet& network, std::string_view block);

}  // namespace calx::inference
