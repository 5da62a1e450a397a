// The published U-Net as a LibTorch module (private to the layer).
#pragma once

#include <span>

#include "calx/nn/published_unet.h"
#include "calx/nn/torch.h"

namespace calx::nn {

class PublishedBlock : public torch::nn::Module {
 public:
  PublishedBlock(int channels_in, int channels_out);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, proj_{nullptr};
  torch::nn::GroupNorm norm1_{nullptr}, norm2_{nullptr};
};

class PublishedModule : public torch::nn::Module {
 public:
  explicit PublishedModule(const PublishedUNetConfig& config);

  struct Outputs {
    torch::Tensor encoder, upsampled, decoder, image;  // all [B, channels, side, side]
  };
  Outputs forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d stem_{nullptr}, out_{nullptr};
  std::shared_ptr<PublishedBlock> e1_, e2_, bot_, d2_, d1_;
};

/// A view of the images, [B, channels, side, side]; the size is checked.
Result<torch::Tensor> view_images(const PublishedUNetConfig& config, std::span<const float> images);

}  // namespace calx::nn
