#include "calx/inference/decoder_task.h"

#include <fmt/format.h>

#include <cmath>
#include <new>
#include <string_view>

#include "calx/base/assert.h"
#include "calx/inference/agreement.h"
#include "calx/noise/stream.h"

namespace calx::inference {
namespace {

constexpr std::size_t kSide = 32, kPixels = kSide * kSide, kTaps = 9, kCentreTap = 4;

Result<thermo::Matrix> first_convolution(const nn::PublishedUNet& network, std::string_view name,
                                         std::size_t units) {
  CALX_ASSIGN(tensor, network.tensor(name));
  return thermo::Matrix(units, tensor.values.size() / units,
                        std::vector<double>(tensor.values.begin(), tensor.values.end()));
}

// The last third of the input channels is the skip.
thermo::Matrix skip_of(const thermo::Matrix& decoder) {
  const std::size_t units = decoder.rows, first = 2 * units;
  thermo::Matrix skip(units, units);
  for (std::size_t out = 0; out < units; ++out) {
    for (std::size_t in = 0; in < units; ++in) {
      skip(out, in) = decoder(out, (first + in) * kTaps + kCentreTap);
    }
  }
  return skip;
}

Result<void> check_pictures(const NumberedPictures& set, std::string_view what) {
  if (!set.numbers.empty() && set.pictures.size() == set.numbers.size() * kPixels) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} pictures: {} values for {} numbers, wanted 1,024 for each and at "
                          "least one",
                          what, set.pictures.size(), set.numbers.size()));
}

}  // namespace

std::vector<float> DecoderTask::decode(std::span<const float> rows) const {
  CALX_ASSERT(rows.size() % units == 0);
  std::vector<float> image(rows.size() / units);
  for (std::size_t row = 0; row < image.size(); ++row) {
    double sum = out_bias;
    for (std::size_t i = 0; i < units; ++i) sum += out_weights[i] * double{rows[row * units + i]};
    image[row] = static_cast<float>(sum);
  }
  return image;
}

Result<std::vector<float>> corrupted(const NumberedPictures& clean, double sigma,
                                     const noise::Seed& seed) {
  CALX_TRY(check_pictures(clean, "corrupted"));
  if (!(sigma >= 0) || !std::isfinite(sigma)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("noise of {}, wanted a finite number of at least 0", sigma));
  }
  std::vector<float> noisy = clean.pictures, xi(kPixels);
  for (std::size_t i = 0; i < clean.numbers.size(); ++i) {
    CALX_ASSIGN(stream, noise::Stream::open(seed, "thermo/corrupt", clean.numbers[i]));
    CALX_TRY(stream.normal({.rows = kSide, .columns = kSide}, xi));
    for (std::size_t p = 0; p < kPixels; ++p) {
      noisy[i * kPixels + p] += static_cast<float>(sigma) * xi[p];
    }
  }
  return noisy;
}

Result<DecoderTask> decoder_task(const nn::PublishedUNet& network, const NumberedPictures& fit,
                                 const NumberedPictures& test, double sigma,
                                 const noise::Seed& noise) try {
  const auto& shape = network.config();
  if (shape.channels != 1 || static_cast<std::size_t>(shape.side) != kSide) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("decoder task: a network of {} channels at side {}, wanted 1 at 32",
                            shape.channels, shape.side));
  }
  CALX_TRY(check_pictures(fit, "fit"));
  CALX_TRY(check_pictures(test, "test"));
  DecoderTask task;
  task.units = static_cast<std::size_t>(shape.width);
  CALX_ASSIGN(encoder, first_convolution(network, "e1.conv1.weight", task.units));
  CALX_ASSIGN(decoder, first_convolution(network, "d1.conv1.weight", task.units));
  CALX_ASSIGN(out_weight, network.tensor("out.weight"));
  CALX_ASSIGN(out_bias, network.tensor("out.bias"));
  task.encoder_weights = std::move(encoder);
  task.decoder_weights = std::move(decoder);
  task.skip_weights = skip_of(task.decoder_weights);
  task.out_weights.assign(out_weight.values.begin(), out_weight.values.end());
  task.out_bias = double{out_bias.values.at(0)};
  CALX_ASSIGN(fit_noisy, corrupted(fit, sigma, noise));
  CALX_ASSIGN(test_noisy, corrupted(test, sigma, noise));
  CALX_ASSIGN(fit_blocks, network.activations(fit_noisy));
  CALX_ASSIGN(test_blocks, network.activations(test_noisy));
  task.fit = std::move(fit_blocks);
  task.test = std::move(test_blocks);
  task.clean = test.pictures;
  task.noisy = std::move(test_noisy);
  return task;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted, "decoder task: no memory for the activations");
}

Result<DecoderFigures> judge(const DecoderTask& task, std::span<const float> rows) {
  // As a float, which is what a constant answer is: its distance from the centre is then 0.
  std::vector<double> centre = row_mean(task.fit.decoder, task.units);
  for (double& value : centre) value = double{static_cast<float>(value)};
  CALX_ASSIGN(agreement, agree(rows, task.test.decoder, task.units, centre));
  const std::vector<float> image = task.decode(rows);
  return DecoderFigures{.raw = agreement.raw,
                        .centred = agreement.centred,
                        .r2 = agreement.r2,
                        .clean_db = psnr_db(image, task.clean),
                        .digital_db = psnr_db(image, task.test.image)};
}

}  // namespace calx::inference
