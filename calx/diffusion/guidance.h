// The U-Net as a denoiser: one class, pushed away from "no class" by the guidance.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/diffusion/sampler.h"
#include "calx/nn/unet.h"

namespace calx::diffusion {

/// v = v_none + guidance (v_class - v_none), then x_0 = alpha x - sigma v, held to [-1, 1].
/// Guidance 1 is the plain class-conditional network and costs half.
/// Source: Ho and Salimans 2022, eq. 6, with guidance = 1 + w.
/// Thread rule: any number of threads, each with nn::set_threads(1) for equal bits.
class GuidedDenoiser final : public Denoiser {
 public:
  /// `network` must outlive this.
  GuidedDenoiser(const nn::UNet& network, std::int32_t class_index, float guidance) noexcept
      : network_(network), class_index_(class_index), guidance_(guidance) {}

  Result<void> denoise(std::span<const float> noisy, double t,
                       std::span<float> picture) const override;

 private:
  const nn::UNet& network_;
  std::int32_t class_index_;
  float guidance_;
};

}  // namespace calx::diffusion
