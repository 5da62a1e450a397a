// The U-Net as a LibTorch module (private to the layer).
#pragma once

#include <span>

#include "calx/nn/parameters.h"
#include "calx/nn/torch.h"
#include "calx/nn/unet.h"

namespace calx::nn {

class ResidualBlock : public torch::nn::Module {
 public:
  ResidualBlock(int channels_in, int channels_out, int embedding, float dropout);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& embedding);

 private:
  torch::nn::GroupNorm norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, skip_{nullptr};
  torch::nn::Linear modulation_{nullptr};
  float dropout_;
};

class Attention : public torch::nn::Module {
 public:
  explicit Attention(int channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::GroupNorm norm_{nullptr};
  torch::nn::Conv2d qkv_{nullptr}, out_{nullptr};
};

class UNetModule : public torch::nn::Module {
 public:
  explicit UNetModule(const UNetConfig& config);
  /// x [B, 1, side, side], times [B] f32, classes [B] i64 -> velocity [B, 1, side, side].
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& times,
                        const torch::Tensor& classes);

  /// forward() in three parts: up to the last decoder block, that block, what follows it.
  struct Halfway {
    torch::Tensor x;          // what the block reads, [B, up + skip, side, side]
    torch::Tensor embedding;  // of time and class
  };
  Halfway to_last_block(const torch::Tensor& x, const torch::Tensor& times,
                        const torch::Tensor& classes);
  torch::Tensor last_block(const Halfway& halfway);
  torch::Tensor after_last_block(const torch::Tensor& h);

 private:
  using Blocks = std::vector<std::shared_ptr<ResidualBlock>>;
  std::shared_ptr<ResidualBlock> add_block(const std::string& name, int channels_in,
                                           int channels_out);
  torch::Tensor embed(const torch::Tensor& times, const torch::Tensor& classes);

  UNetConfig config_;
  torch::nn::Conv2d stem_{nullptr}, last_{nullptr};
  torch::nn::GroupNorm last_norm_{nullptr};
  torch::nn::Linear time1_{nullptr}, time2_{nullptr};
  torch::nn::Embedding class_{nullptr};
  std::vector<Blocks> encoder_, decoder_;
  std::shared_ptr<ResidualBlock> middle1_, middle2_;
  std::shared_ptr<Attention> attention_;
};

/// Where a network's last convolutions start: at zero, as UNet::create() states, or drawn as all
/// other weights.
enum class LastLayers : bool { kZero, kDrawn };

/// Fresh weights as UNet::create() states.
Result<void> initialize(torch::nn::Module& module, const noise::Seed& seed,
                        LastLayers last = LastLayers::kZero);

/// Copies of `tensors` under the names of the module's parameters, and the way back.
/// Errors of the way back: kDataLoss names the first tensor that is missing, of another shape, or
/// that holds a number that is not finite; earlier ones may have been copied.
Parameters export_tensors(const torch::nn::Module& module,
                          const std::vector<torch::Tensor>& tensors);
Result<void> import_tensors(const torch::nn::Module& module,
                            const std::vector<torch::Tensor>& tensors,
                            const Parameters& parameters);

/// The views that forward passes and training steps share; sizes and classes are checked.
struct UNetBatch {
  torch::Tensor noisy, times, classes;
};
Result<UNetBatch> view_batch(const UNetConfig& config, std::span<const float> noisy,
                             std::span<const float> times, std::span<const std::int32_t> classes);

}  // namespace calx::nn
