#include "calx/weights/gaussian.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <new>

#include "calx/noise/stream.h"

namespace calx::weights {
namespace {

constexpr std::uint32_t kColumns = 1 << 16;

Result<std::vector<float>> normal_samples(std::uint64_t count) {
  CALX_ASSIGN(seed, noise::Seed::from_text("calx-weights-1"));
  CALX_ASSIGN(stream, noise::Stream::open(seed, "gaussian", 0));
  const auto rows = static_cast<std::uint32_t>((count + kColumns - 1) / kColumns);
  std::vector<float> values(std::size_t{rows} * kColumns);
  CALX_TRY(stream.normal({.rows = rows, .columns = kColumns}, values));
  values.resize(static_cast<std::size_t>(count));
  return values;
}

void judge(std::span<const float> source, std::span<const float> decoded,
           GaussianFigures& figures) {
  double errors = 0, squares = 0, block_squares = 0;
  std::size_t blocks = 0;
  for (std::size_t first = 0; first + kBlockWeights <= source.size(); first += kBlockWeights) {
    double block = 0;
    for (std::size_t i = first; i < first + kBlockWeights; ++i) {
      const double x = source[i], e = x - static_cast<double>(decoded[i]);
      block += e * e;
      squares += x * x;
    }
    errors += block;
    block_squares += block * block;
    ++blocks;
  }
  const auto n = static_cast<double>(blocks);
  const double mean = errors / n;
  figures.relative_mse = errors / squares;
  const double variance = std::max(0.0, block_squares / n - mean * mean) / (n - 1);
  figures.standard_error = std::sqrt(variance) * n / squares;
}

}  // namespace

double gaussian_bound(double bits) noexcept { return std::exp2(-2 * bits); }

double GaussianFigures::gap_db() const noexcept {
  return 10 * std::log10(relative_mse / gaussian_bound(bits_per_weight));
}

Result<GaussianFigures> measure_gaussian(const Coding& coding, std::uint64_t samples,
                                         const EncodeOptions& options) {
  if (samples < kGaussianSamplesMin || samples > kTensorWeightsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("gaussian: {} samples, wanted {} to {}", samples, kGaussianSamplesMin,
                            kTensorWeightsMax));
  }
  try {
    CALX_ASSIGN(source, normal_samples(samples));
    const auto began = std::chrono::steady_clock::now();
    CALX_ASSIGN(coded, encode_tensor(source, {samples}, coding, options));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    CALX_ASSIGN(decoded, decode_tensor(coded));
    GaussianFigures figures;
    figures.samples = samples;
    figures.bits_per_weight = coded.bits_per_weight();
    figures.seconds = took.count();
    judge(source, decoded, figures);
    return figures;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "gaussian: the samples do not fit in memory");
  }
}

}  // namespace calx::weights
