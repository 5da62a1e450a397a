// A small network whose every weight counts, for the tests of this layer.
#pragma once

#include <gtest/gtest.h>

#include "calx/diffusion/digit_set.h"
#include "calx/nn/unet.h"
#include "calx/noise/stream.h"

namespace calx::diffusion {

inline nn::UNetConfig example_config() {
  nn::UNetConfig config;
  config.side = kDigitSide;
  config.patch = 4;
  config.widths = {8, 16};
  config.embedding = 16;
  return config;
}

/// Fresh weights end in zeros; these are shaken, so that pictures differ with class and seed.
inline nn::Parameters example_parameters() {
  auto parameters = nn::UNet::create(example_config(), noise::Seed())->parameters();
  std::uint64_t index = 0;
  for (auto& parameter : parameters) {
    std::vector<float> values(parameter.values.size());
    noise::Region region;
    region.columns = static_cast<std::uint32_t>(values.size());
    EXPECT_TRUE(noise::Stream::open(noise::Seed(), "example", index++)->normal(region, values));
    for (std::size_t i = 0; i < values.size(); ++i) parameter.values[i] += 0.1F * values[i];
  }
  return parameters;
}

inline nn::UNet example_network() {
  return std::move(*nn::UNet::load(example_config(), example_parameters()));
}

}  // namespace calx::diffusion
