// The class-conditional U-Net that predicts the velocity v of a noisy image.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/nn/last_block.h"
#include "calx/nn/parameters.h"
#include "calx/noise/seed.h"

namespace calx::nn {

inline constexpr int kUNetWidthMax = 512;
inline constexpr int kUNetLevelsMax = 4;
inline constexpr std::int64_t kUNetBatchMax = 4096;

/// The network's shape. Images are [B, 1, side, side].
struct UNetConfig {
  int side = 32;
  int patch = 2;                    // pixel-unshuffle: the network sees patch^2 channels
  std::vector<int> widths{64, 96};  // channels of each resolution, finest first
  int blocks = 1;                   // residual blocks a level, each way
  int classes = 10;                 // class `classes` is "no class" (guidance)
  int embedding = 128;              // width of the time and class embedding
  float dropout = 0.0F;             // inside residual blocks, training only

  friend bool operator==(const UNetConfig&, const UNetConfig&) = default;
};

/// Errors: kInvalidArgument names the first number out of range (widths are multiples of 8; side
/// is a multiple of patch * 2^(levels - 1)).
Result<void> check(const UNetConfig& config);

/// A network for inference. Stem 3x3; a level is residual blocks, halved by average pooling; in the
/// middle a block, single-head self-attention, a block; the way up takes the skips in. A block is
/// GroupNorm(8) - SiLU - 3x3 - GroupNorm(8) scaled and shifted by the embedding - SiLU - 3x3.
/// The embedding is MLP(sinusoids of 1000 t) + row of the class.
///
/// Source: Ho, Jain, Abbeel 2020 (network); Salimans and Ho 2022 (v); Ho and Salimans 2022 (class).
/// Thread rule: forward() may be called by many threads at once.
class UNet {
 public:
  /// Fresh weights: uniform within +-1/sqrt(fan-in) from stream "train/weights" of `seed`, index =
  /// ordinal of the tensor; the last convolution of each block, of the attention and of the network
  /// starts at zero. Errors: those of check().
  static Result<UNet> create(const UNetConfig& config, const noise::Seed& seed);

  /// Errors: kDataLoss names the first tensor that is missing, unknown or of another shape.
  static Result<UNet> load(const UNetConfig& config, const Parameters& parameters);

  UNet(UNet&&) noexcept;
  UNet& operator=(UNet&&) noexcept;
  ~UNet();

  [[nodiscard]] const UNetConfig& config() const noexcept;
  [[nodiscard]] std::int64_t parameter_count() const;
  [[nodiscard]] Parameters parameters() const;

  /// velocity = v(noisy, time, class); noisy and velocity [B, 1, side, side], times [B] in [0, 1],
  /// classes [B] in 0..config().classes. Not bit-equal across batch sizes.
  /// Errors: kInvalidArgument when a size or class is wrong; kResourceExhausted.
  Result<void> forward(std::span<const float> noisy, std::span<const float> times,
                       std::span<const std::int32_t> classes, std::span<float> velocity) const;

  /// The same with `block` in the place of the last decoder block, or beside it. The rest of the
  /// network sees what the block gives, so a block that gives its own recorded output gives the
  /// same bits as forward().
  /// Errors: those of forward(); those of the block.
  Result<void> forward(std::span<const float> noisy, std::span<const float> times,
                       std::span<const std::int32_t> classes, std::span<float> velocity,
                       LastBlock& block) const;

  /// What the last decoder block maps for `images` rows, and its multiply-adds for one of them
  /// without norms and activations.
  [[nodiscard]] BlockShape last_block_shape(std::size_t images = 1) const noexcept;
  [[nodiscard]] std::uint64_t last_block_macs() const noexcept;

 private:
  struct State;
  explicit UNet(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace calx::nn
