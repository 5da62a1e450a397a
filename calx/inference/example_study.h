// A small network and few digits, for the tests of this layer.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "calx/diffusion/example_network.h"
#include "calx/diffusion/procedural_digits.h"
#include "calx/inference/block_fit.h"
#include "calx/nn/threads.h"

namespace calx::inference {

inline diffusion::DigitSet example_digits(std::int64_t seed, std::size_t count) {
  return std::move(*diffusion::draw_digits(noise::Seed::from_integer(seed), count));
}

inline BlockFitSettings example_fit_settings(int steps = 3) {
  BlockFitSettings settings;
  settings.steps = steps;
  settings.pictures = 4;
  settings.checks = 2;
  settings.stride = 1;
  return settings;
}

inline BlockStatistics example_statistics(const nn::UNet& network, int steps = 3) {
  nn::set_threads(1);
  auto statistics = gather_block_statistics(network, example_digits(1, 100),
                                            example_fit_settings(steps), 2, {}, {});
  EXPECT_TRUE(statistics) << statistics.error().message;
  return std::move(*statistics);
}

inline std::filesystem::path fresh_folder(const std::string& name) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("calx-inference-" + name + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace calx::inference
