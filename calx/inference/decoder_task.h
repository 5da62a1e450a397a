// What a coupling is fitted to and judged by: the activations on both sides of a U-Net's last
// block, pixel by pixel, of pictures to fit and of other pictures to judge.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/nn/published_unet.h"
#include "calx/noise/seed.h"
#include "calx/thermo/matrix.h"

namespace calx::inference {

/// Pictures [n, 32, 32] in [-1, 1], and the number by which each is known: its noise is addressed
/// by it.
struct NumberedPictures {
  std::vector<float> pictures;
  std::vector<std::uint64_t> numbers;
};

/// One pixel is one sample; all activations are channel last.
struct DecoderTask {
  std::size_t units = 0;            // D, of the encoder's and of the decoder's activations
  nn::BlockActivations fit, test;   // .image of `test` is the digital network's answer
  std::vector<float> clean, noisy;  // the test pictures, and what the network saw of them
  thermo::Matrix encoder_weights;   // e1.conv1 [D, 9 D]
  thermo::Matrix decoder_weights;   // d1.conv1 [D, 27 D]: upsampled, then skip
  thermo::Matrix skip_weights;      // of d1.conv1: skip channels, centre tap [D, D]
  std::vector<double> out_weights;  // of the 1x1 layer `out` [D]
  double out_bias = 0;

  [[nodiscard]] std::size_t fit_rows() const noexcept { return fit.decoder.size() / units; }
  [[nodiscard]] std::size_t test_rows() const noexcept { return test.decoder.size() / units; }

  /// The `out` layer: decoder activations [n, D] -> one image value a row. Sums in double.
  /// \pre rows.size() a multiple of D
  [[nodiscard]] std::vector<float> decode(std::span<const float> rows) const;
};

/// noisy = clean + sigma N(0, 1); picture of number i takes the noise of stream "thermo/corrupt",
/// index i. Errors: kInvalidArgument (sigma negative or not finite, sizes).
Result<std::vector<float>> corrupted(const NumberedPictures& clean, double sigma,
                                     const noise::Seed& seed);

/// The activations of `network` on the corrupted pictures.
/// Errors: kInvalidArgument (a network of more than one channel or another side than 32, sizes);
/// those of the network. Memory: 1 MiB a picture at width 64.
Result<DecoderTask> decoder_task(const nn::PublishedUNet& network, const NumberedPictures& fit,
                                 const NumberedPictures& test, double sigma,
                                 const noise::Seed& noise);

/// How well decoder activations stand for the network's own.
struct DecoderFigures {
  double raw = 0, centred = 0, r2 = 0;  // inference::Agreement, centred about the fit's mean
  double clean_db = 0, digital_db = 0;  // PSNR of the decoded image
  friend bool operator==(const DecoderFigures&, const DecoderFigures&) = default;
};

/// `rows` [test rows, D]. Errors: those of agree().
Result<DecoderFigures> judge(const DecoderTask& task, std::span<const float> rows);

}  // namespace calx::inference
