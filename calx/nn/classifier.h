// A small convolutional classifier with a feature layer: what judges pictures, not what makes them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/nn/parameters.h"
#include "calx/noise/seed.h"

namespace calx::nn {

inline constexpr std::int64_t kClassifierBatchMax = 4096;

/// Pictures are [B, 1, side, side].
struct ClassifierConfig {
  int side = 32;
  std::vector<int> widths{16, 32, 64};  // channels of each stage; every stage halves the side
  int features = 64;
  int classes = 10;
  float dropout = 0.25F;  // of the features, training only

  friend bool operator==(const ClassifierConfig&, const ClassifierConfig&) = default;
};

/// Errors: kInvalidArgument names the first number out of range (side divisible by 2^stages).
Result<void> check(const ClassifierConfig& config);

/// For inference. A stage is conv 3x3 - batch norm (running statistics) - ReLU - max pool 2x2; then
/// linear - ReLU = features; then linear = logits.
/// Thread rule: forward() may be called by many threads at once.
class Classifier {
 public:
  /// Fresh weights from stream "train/weights" of `seed`. Errors: those of check().
  static Result<Classifier> create(const ClassifierConfig& config, const noise::Seed& seed);

  /// Errors: kDataLoss names the first tensor that is missing, unknown or of another shape.
  static Result<Classifier> load(const ClassifierConfig& config, const Parameters& parameters);

  Classifier(Classifier&&) noexcept;
  Classifier& operator=(Classifier&&) noexcept;
  ~Classifier();

  [[nodiscard]] const ClassifierConfig& config() const noexcept;
  [[nodiscard]] std::int64_t parameter_count() const;  // trained numbers, running statistics apart
  /// Weights and running statistics.
  [[nodiscard]] Parameters parameters() const;

  /// pictures [B, 1, side, side] in [-1, 1] -> features [B, config().features], all >= 0, and
  /// logits [B, config().classes]. Not bit-equal across batch sizes.
  /// Errors: kInvalidArgument (sizes); kResourceExhausted.
  Result<void> forward(std::span<const float> pictures, std::span<float> features,
                       std::span<float> logits) const;

 private:
  friend class ClassifierTrainer;
  struct State;
  explicit Classifier(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

struct ClassifierStep {
  double learning_rate = 1e-3;
  double weight_decay = 0.01;
  double label_smoothing = 0.1;
  std::uint64_t dropout_seed = 0;  // of this step
};

/// AdamW on the cross entropy of smoothed labels.
/// Thread rule: one thread calls; LibTorch spreads the arithmetic (nn/threads.h).
class ClassifierTrainer {
 public:
  static Result<ClassifierTrainer> create(const ClassifierConfig& config, const noise::Seed& seed);

  ClassifierTrainer(ClassifierTrainer&&) noexcept;
  ClassifierTrainer& operator=(ClassifierTrainer&&) noexcept;
  ~ClassifierTrainer();

  /// One step; returns the loss before it. At least two pictures, for the batch statistics.
  /// Errors: kInvalidArgument (sizes, labels); kInternal when the loss is not finite.
  Result<float> step(std::span<const float> pictures, std::span<const std::int32_t> labels,
                     const ClassifierStep& settings);

  /// A copy of the network as it is now.
  [[nodiscard]] Result<Classifier> network() const;

 private:
  struct State;
  explicit ClassifierTrainer(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace calx::nn
