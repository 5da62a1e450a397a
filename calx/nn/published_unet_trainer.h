// One training step of the published U-Net: mean squared error, Adam.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "calx/base/result.h"
#include "calx/nn/parameters.h"
#include "calx/nn/published_unet.h"

namespace calx::nn {

/// All that a run needs to go on, apart from what the caller draws by step number.
struct PublishedTrainerState {
  std::int64_t steps = 0;  // optimizer steps behind these numbers
  Parameters weights, moment1, moment2;

  friend bool operator==(const PublishedTrainerState&, const PublishedTrainerState&) = default;
};

/// Adam (0.9, 0.999, 1e-8), no weight decay, no running mean of the weights.
/// Thread rule: one thread calls; LibTorch spreads the arithmetic (nn/threads.h).
class PublishedUNetTrainer {
 public:
  /// Weights as PublishedUNet::create() draws them. Errors: those of check().
  static Result<PublishedUNetTrainer> create(const PublishedUNetConfig& config,
                                             const noise::Seed& seed);
  /// Goes on from a saved state: the next step gives the same bits as an unbroken run at the same
  /// thread count. Errors: kDataLoss when the state does not fit the network or is not finite.
  static Result<PublishedUNetTrainer> resume(const PublishedUNetConfig& config,
                                             const PublishedTrainerState& state);

  PublishedUNetTrainer(PublishedUNetTrainer&&) noexcept;
  PublishedUNetTrainer& operator=(PublishedUNetTrainer&&) noexcept;
  ~PublishedUNetTrainer();

  /// One step on images [B, channels, side, side]; returns the mean squared error over all pixels
  /// before it. Errors: kInvalidArgument (sizes, rate); kInternal when the loss is not finite
  /// (weights unchanged).
  Result<float> step(std::span<const float> noisy, std::span<const float> clean,
                     double learning_rate);

  [[nodiscard]] PublishedTrainerState state() const;
  /// The network with the weights as they are. Errors: those of PublishedUNet::load().
  [[nodiscard]] Result<PublishedUNet> network() const;

 private:
  struct State;
  explicit PublishedUNetTrainer(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace calx::nn
