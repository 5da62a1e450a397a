#include "calx/diffusion/training_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "calx/diffusion/schedule.h"
#include "calx/noise/stream.h"

namespace calx::diffusion {
namespace {

constexpr std::size_t kPixels = std::size_t{kDigitSide} * kDigitSide;

noise::Region line(std::size_t columns) {
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(columns);
  return region;
}

double unit_interval(std::uint32_t word) { return (word + 0.5) * 0x1p-32; }

}  // namespace

BatchSource::BatchSource(const DigitSet& digits, const noise::Seed& seed,
                         const BatchSettings& settings)
    : digits_(&digits), seed_(seed), settings_(settings) {
  const auto batch = static_cast<std::size_t>(settings.batch);
  for (auto* buffer : {&noisy_, &target_, &pictures_}) buffer->resize(batch * kPixels);
  times_.resize(batch);
  weights_.assign(batch, 1.0F);
  classes_.resize(batch);
}

Result<BatchSource> BatchSource::open(const DigitSet& digits, const noise::Seed& seed,
                                      const BatchSettings& settings) {
  if (digits.size() == 0) return fail(ErrorCode::kInvalidArgument, "training set: no pictures");
  if (settings.batch < 1 || settings.batch > nn::kUNetBatchMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("batch {}: wanted 1 to {}", settings.batch, nn::kUNetBatchMax));
  }
  if (!(settings.class_dropout >= 0 && settings.class_dropout <= 1)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("class dropout {}: wanted 0 to 1", settings.class_dropout));
  }
  if (settings.shift_pixels < 0 || settings.shift_pixels > 4) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("shift {} pixels: wanted 0 to 4", settings.shift_pixels));
  }
  return BatchSource(digits, seed, settings);
}

std::int64_t BatchSource::epochs(std::int64_t steps) const noexcept {
  return steps * settings_.batch / static_cast<std::int64_t>(digits_->size());
}

Result<std::size_t> BatchSource::picture_at(std::uint64_t position) {
  const std::uint64_t count = digits_->size();
  const std::uint64_t epoch = position / count;
  if (epoch != order_epoch_) {
    CALX_ASSIGN(stream, noise::Stream::open(seed_, "train/order", epoch));
    std::vector<std::uint32_t> keys(count);
    CALX_TRY(stream.bits(line(count), keys));
    order_.resize(count);
    std::iota(order_.begin(), order_.end(), 0U);
    std::ranges::stable_sort(order_, {}, [&](std::uint32_t i) { return keys[i]; });
    order_epoch_ = epoch;
  }
  return order_[position % count];
}

Result<void> BatchSource::draw_times(std::uint64_t step) {
  CALX_ASSIGN(stream, noise::Stream::open(seed_, "train/time", step));
  std::uint32_t word = 0;
  CALX_TRY(stream.bits(line(1), std::span(&word, 1)));
  for (std::size_t i = 0; i < times_.size(); ++i) {
    times_[i] = static_cast<float>((static_cast<double>(i) + unit_interval(word)) /
                                   static_cast<double>(times_.size()));
  }
  return {};
}

Result<void> BatchSource::draw_classes(std::uint64_t step) {
  CALX_ASSIGN(hide, noise::Stream::open(seed_, "train/class", step));
  CALX_ASSIGN(shift, noise::Stream::open(seed_, "train/shift", step));
  std::vector<std::uint32_t> hide_words(classes_.size()), shift_words(classes_.size());
  CALX_TRY(hide.bits(line(hide_words.size()), hide_words));
  CALX_TRY(shift.bits(line(shift_words.size()), shift_words));
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    CALX_ASSIGN(index, picture_at(step * classes_.size() + i));
    const bool hidden = unit_interval(hide_words[i]) < settings_.class_dropout;
    classes_[i] = hidden ? kDigitClasses : digits_->labels[index];
    shifted(index, shift_words[i], std::span(pictures_).subspan(i * kPixels, kPixels));
  }
  return {};
}

void BatchSource::shifted(std::size_t index, std::uint32_t word, std::span<float> out) const {
  const auto source = digits_->picture(index);
  const int reach = settings_.shift_pixels, places = 2 * reach + 1;
  const int dy = static_cast<int>(word % static_cast<std::uint32_t>(places)) - reach;
  const int dx = static_cast<int>(word / 65536 % static_cast<std::uint32_t>(places)) - reach;
  for (int row = 0; row < kDigitSide; ++row) {
    for (int column = 0; column < kDigitSide; ++column) {
      const int from_row = row - dy, from_column = column - dx;
      const bool inside =
          from_row >= 0 && from_row < kDigitSide && from_column >= 0 && from_column < kDigitSide;
      out[static_cast<std::size_t>(row * kDigitSide + column)] =
          inside ? source[static_cast<std::size_t>(from_row * kDigitSide + from_column)] : -1.0F;
    }
  }
}

Result<nn::TrainingBatch> BatchSource::draw(std::int64_t step) {
  const auto index = static_cast<std::uint64_t>(step);
  CALX_TRY(draw_times(index));
  CALX_TRY(draw_classes(index));
  CALX_ASSIGN(stream, noise::Stream::open(seed_, "train/noise", index));
  noise::Region region;
  region.channels = static_cast<std::uint32_t>(times_.size());
  region.rows = region.columns = kDigitSide;
  CALX_TRY(stream.normal(region, noisy_));
  for (std::size_t i = 0; i < times_.size(); ++i) {
    const NoiseLevel level = noise_level(static_cast<double>(times_[i]));
    const auto alpha = static_cast<float>(level.alpha), sigma = static_cast<float>(level.sigma);
    for (std::size_t p = i * kPixels; p < (i + 1) * kPixels; ++p) {
      const float noise = noisy_[p];
      target_[p] = velocity(alpha, sigma, noise, pictures_[p]);
      noisy_[p] = alpha * pictures_[p] + sigma * noise;
    }
  }
  return nn::TrainingBatch{noisy_, times_, classes_, target_, weights_};
}

}  // namespace calx::diffusion
