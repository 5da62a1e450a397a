// The plain U-Net of arXiv 2604.14332: three resolutions, one block each way, no time, no class, no
// attention. Its encoder and decoder activations are what a substrate is coupled to.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/nn/parameters.h"
#include "calx/noise/seed.h"

namespace calx::nn {

inline constexpr int kPublishedChannelsMax = 16;
inline constexpr int kPublishedWidthMax = 256;
inline constexpr std::int64_t kPublishedBatchMax = 4096;

/// Images are [B, channels, side, side]. Width 64 with 1 channel has 2,024,449 parameters, width
/// 128 with 4 channels 8,091,396.
struct PublishedUNetConfig {
  int channels = 1;  // of the image, in and out
  int width = 64;    // of the finest resolution; 2 and 4 times it at the coarser ones
  int side = 32;

  friend bool operator==(const PublishedUNetConfig&, const PublishedUNetConfig&) = default;
};

/// Errors: kInvalidArgument names the number out of range: 1 to kPublishedChannelsMax channels, a
/// width that is a multiple of 8 up to kPublishedWidthMax, a side that is a multiple of 4 up to
/// 256.
Result<void> check(const PublishedUNetConfig& config);

/// What passes the last block, of the same images. Channel last: one pixel is one row, as
/// thermo::pair_statistics takes them.
struct BlockActivations {
  std::vector<float> encoder;    // [B, side, side, width], output of block e1
  std::vector<float> upsampled;  // [B, side, side, 2 width], block d2's output twice as large
  std::vector<float> decoder;    // [B, side, side, width], output of block d1
  std::vector<float> image;      // [B, channels, side, side]
};

/// A network for inference.
///
///   stem 3x3, SiLU; e1 (w -> w); mean over 2x2; e2 (w -> 2w); mean over 2x2; bot (2w -> 4w);
///   bilinear x2; d2 ([up, e2] -> 2w); bilinear x2; d1 ([up, e1] -> w); out 1x1
///   block: h = SiLU(norm1(conv1(x))); SiLU(norm2(conv2(h)) + proj(x)), 3x3 convolutions,
///   GroupNorm(8, eps 1e-5), proj 1x1 where the channels differ
///
/// Thread rule: the const functions may be called by many threads at once.
/// It is run in pieces of 16 images, so that an image's numbers depend on its place among those
/// 16 only through LibTorch's choice of kernels: not bit-equal across batch sizes.
class PublishedUNet {
 public:
  /// Fresh weights as torch draws them by default: convolutions and their biases uniform within
  /// +-1/sqrt(fan-in) from stream "train/weights" of `seed`, index = ordinal of the tensor; norms
  /// 1 and 0. Errors: those of check().
  static Result<PublishedUNet> create(const PublishedUNetConfig& config, const noise::Seed& seed);

  /// The weights that a Python program gets after torch.manual_seed(torch_seed), if it makes the
  /// blocks in the order above and conv1, conv2, proj inside a block: the published draw.
  /// LibTorch's global generator is left as it was; nobody else may use it meanwhile.
  /// Errors: those of check(). It promises no bits across versions of LibTorch.
  static Result<PublishedUNet> create_as_torch(const PublishedUNetConfig& config,
                                               std::uint64_t torch_seed);

  /// Errors: kDataLoss names the first tensor that is missing, of another shape, or not finite.
  static Result<PublishedUNet> load(const PublishedUNetConfig& config,
                                    const Parameters& parameters);

  PublishedUNet(PublishedUNet&&) noexcept;
  PublishedUNet& operator=(PublishedUNet&&) noexcept;
  ~PublishedUNet();

  [[nodiscard]] const PublishedUNetConfig& config() const noexcept;
  [[nodiscard]] std::int64_t parameter_count() const;
  [[nodiscard]] Parameters parameters() const;

  /// A copy of one tensor: "e1.conv1.weight" [w, w, 3, 3], "d1.conv1.weight" [w, 3w, 3, 3] (its
  /// input channels are the upsampled ones, then the skip), "out.weight" [channels, w, 1, 1].
  /// Errors: kInvalidArgument when there is none of that name.
  [[nodiscard]] Result<Parameter> tensor(std::string_view name) const;

  /// Images [B, channels, side, side] -> the same shape.
  /// Errors: kInvalidArgument (size; more than kPublishedBatchMax images), kResourceExhausted,
  /// kInternal when an output is not finite.
  [[nodiscard]] Result<std::vector<float>> forward(std::span<const float> images) const;

  /// The same pass, and what passed the last block. Errors: as forward().
  [[nodiscard]] Result<BlockActivations> activations(std::span<const float> images) const;

  /// The `out` layer alone: decoder activations [n, width] -> image values [n, channels]; sums in
  /// double. Errors: kInvalidArgument unless the size is a multiple of the width.
  [[nodiscard]] Result<std::vector<float>> decode(std::span<const float> decoder) const;

 private:
  struct State;
  explicit PublishedUNet(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace calx::nn
