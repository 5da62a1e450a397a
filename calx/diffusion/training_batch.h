// The batches of a training run, addressed by step: nothing random is carried from one to the next.
#pragma once

#include <cstdint>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/nn/unet_trainer.h"
#include "calx/noise/seed.h"

namespace calx::diffusion {

struct BatchSettings {
  int batch = 64;
  double class_dropout = 0.1;  // share of pictures shown without their class, for guidance
  int shift_pixels = 0;        // each picture moved by up to this many pixels each way

  friend bool operator==(const BatchSettings&, const BatchSettings&) = default;
};

/// Draws batch `step` of a run; the same numbers whatever came before.
///
/// Slot i of step s shows picture order_e(p mod n) with p = s B + i, e = p / n, where order_e is
/// the permutation that sorts stream "train/order", index e. Its time is (i + u) / B with one u a
/// step from "train/time" (stratified); noise from "train/noise", channel i; the class is hidden
/// where "train/class" says so; shifts from "train/shift"; the index of all these is s.
class BatchSource {
 public:
  /// `digits` must outlive this. Errors: kInvalidArgument (settings out of range).
  static Result<BatchSource> open(const DigitSet& digits, const noise::Seed& seed,
                                  const BatchSettings& settings);

  /// Valid until the next call.
  Result<nn::TrainingBatch> draw(std::int64_t step);

  /// Whole passes over the pictures that the first `steps` batches make.
  [[nodiscard]] std::int64_t epochs(std::int64_t steps) const noexcept;

 private:
  BatchSource(const DigitSet& digits, const noise::Seed& seed, const BatchSettings& settings);
  Result<std::size_t> picture_at(std::uint64_t position);
  Result<void> draw_times(std::uint64_t step);
  Result<void> draw_classes(std::uint64_t step);
  void shifted(std::size_t index, std::uint32_t word, std::span<float> out) const;

  const DigitSet* digits_;
  noise::Seed seed_;
  BatchSettings settings_;
  std::vector<std::uint32_t> order_;
  std::uint64_t order_epoch_ = ~std::uint64_t{0};
  std::vector<float> noisy_, times_, target_, weights_, pictures_;
  std::vector<std::int32_t> classes_;
};

}  // namespace calx::diffusion
