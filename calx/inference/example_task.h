// A decoder task without a network, for tests: rows whose decoder is a noisy linear map of both
// ports.
#pragma once

#include <cstdint>
#include <vector>

#include "calx/inference/decoder_task.h"
#include "calx/noise/stream.h"

namespace calx::inference {

inline std::vector<float> example_normals(std::uint64_t index, std::size_t count) {
  std::vector<float> values(count);
  const auto stream = noise::Stream::open(noise::Seed(), "test/rows", index).value();
  stream.normal({.columns = static_cast<std::uint32_t>(count)}, values).value();
  return values;
}

/// D units; d = x W + 0.3 u V + 0.2 noise + 1, W of falling strength so that rank matters.
inline nn::BlockActivations example_blocks(std::uint64_t index, std::size_t rows,
                                           std::size_t units) {
  nn::BlockActivations blocks;
  blocks.encoder = example_normals(3 * index, rows * units);
  blocks.upsampled = example_normals(3 * index + 1, rows * 2 * units);
  blocks.decoder = example_normals(3 * index + 2, rows * units);
  const std::vector<float> w = example_normals(1000, units * units);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < units; ++i) {
      float& d = blocks.decoder[row * units + i];
      d = 0.2f * d + 1 + 0.3f * blocks.upsampled[row * 2 * units + i];
      for (std::size_t j = 0; j < units; ++j) {
        d += blocks.encoder[row * units + j] * w[i * units + j] / static_cast<float>(1 + j * j);
      }
    }
  }
  return blocks;
}

inline DecoderTask example_task(std::size_t rows, std::size_t units) {
  DecoderTask task;
  task.units = units;
  task.fit = example_blocks(1, rows, units);
  task.test = example_blocks(2, rows, units);
  const auto weights = [units](std::uint64_t index, std::size_t columns) {
    const auto values = example_normals(index, units * columns);
    return thermo::Matrix(units, columns, std::vector<double>(values.begin(), values.end()));
  };
  task.encoder_weights = weights(1001, 9 * units);
  task.decoder_weights = weights(1002, 27 * units);
  task.skip_weights = weights(1003, units);
  const auto out = example_normals(1004, units);
  task.out_weights.assign(out.begin(), out.end());
  task.test.image = task.decode(task.test.decoder);
  task.clean = task.test.image;
  for (float& value : task.clean) value += 0.1f;
  task.noisy = task.clean;
  for (float& value : task.noisy) value += 0.5f;
  return task;
}

}  // namespace calx::inference
