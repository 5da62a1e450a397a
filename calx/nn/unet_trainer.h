// One training step of the U-Net: weighted squared error, AdamW, running mean of the weights.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "calx/base/result.h"
#include "calx/nn/parameters.h"
#include "calx/nn/unet.h"

namespace calx::nn {

/// A batch as plain arrays; the caller draws all that is random, so a step is a function of this.
struct TrainingBatch {
  std::span<const float> noisy;           // [B, 1, side, side]
  std::span<const float> times;           // [B], in [0, 1]
  std::span<const std::int32_t> classes;  // [B], 0..classes
  std::span<const float> target;          // [B, 1, side, side], velocity
  std::span<const float> weights;         // [B], of each image in the mean
};

struct OptimizerSettings {
  double learning_rate = 1e-3;
  double weight_decay = 0.01;
  double beta1 = 0.9, beta2 = 0.99;
  double gradient_norm_max = 1.0;
  double ema_decay = 0.999;  // mean = decay * mean + (1 - decay) * weights
  std::uint64_t dropout_seed = 0;
};

/// All that a run needs to go on, apart from what the caller draws by step number.
struct TrainerState {
  std::int64_t steps = 0;  // optimizer steps behind these numbers
  Parameters weights, mean, moment1, moment2;
};

/// Thread rule: one thread calls; LibTorch spreads the arithmetic (nn/threads.h).
class UNetTrainer {
 public:
  static Result<UNetTrainer> create(const UNetConfig& config, const noise::Seed& seed);
  /// Goes on from a saved state: the next step gives the same bits as an unbroken run at the same
  /// thread count. Errors: kDataLoss when the state does not fit the network.
  static Result<UNetTrainer> resume(const UNetConfig& config, const TrainerState& state);

  UNetTrainer(UNetTrainer&&) noexcept;
  UNetTrainer& operator=(UNetTrainer&&) noexcept;
  ~UNetTrainer();

  /// One step; returns the loss mean_i w_i mean_pixels (v - target)^2 before it.
  /// Errors: kInvalidArgument (sizes); kInternal when the loss is not finite (weights unchanged).
  Result<float> step(const TrainingBatch& batch, const OptimizerSettings& settings);

  /// The same loss and its gradient, without a step (dropout off).
  Result<float> loss(const TrainingBatch& batch) const;
  Result<Parameters> gradient(const TrainingBatch& batch);

  [[nodiscard]] TrainerState state() const;
  /// The network with the mean weights. Errors: those of UNet::load().
  [[nodiscard]] Result<UNet> mean_network() const;

 private:
  struct State;
  explicit UNetTrainer(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace calx::nn
