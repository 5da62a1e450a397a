// Goal: the last decoder block of a U-Net can be watched and replaced, and nothing else changes.
// Method: the block replaced by its own recorded output gives the bits of the plain pass; planted
// outputs reach the picture of their own image alone; shapes by hand; errors provoked.
#include "calx/nn/last_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "calx/nn/unet.h"
#include "calx/noise/stream.h"

namespace calx::nn {
namespace {

using testing::HasSubstr;

constexpr std::size_t kRows = 3, kPixels = 64;

UNetConfig tiny(int blocks = 1) {
  UNetConfig config;
  config.side = 8;
  config.patch = 2;
  config.widths = {8, 16};
  config.classes = 3;
  config.embedding = 8;
  config.blocks = blocks;
  return config;
}

std::vector<float> normals(std::size_t count, std::uint64_t index) {
  std::vector<float> values(count);
  const auto stream = noise::Stream::open(noise::Seed(), "test", index);
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(count);
  EXPECT_TRUE(stream->normal(region, values));
  return values;
}

UNet shaken(const UNetConfig& config) {
  auto parameters = UNet::create(config, noise::Seed())->parameters();
  std::uint64_t index = 100;
  for (auto& parameter : parameters) {
    const auto values = normals(parameter.values.size(), index++);
    for (std::size_t i = 0; i < values.size(); ++i) parameter.values[i] += 0.2F * values[i];
  }
  return std::move(*UNet::load(config, parameters));
}

struct Inputs {
  std::vector<float> noisy = normals(kRows * kPixels, 1);
  std::vector<float> times{0.2F, 0.5F, 0.9F};
  std::vector<std::int32_t> classes{0, 2, 3};
};

std::vector<float> run(const UNet& network, LastBlock* block) {
  const Inputs in;
  std::vector<float> out(in.noisy.size());
  const auto done = block == nullptr ? network.forward(in.noisy, in.times, in.classes, out)
                                     : network.forward(in.noisy, in.times, in.classes, out, *block);
  EXPECT_TRUE(done);
  return out;
}

class Stand final : public LastBlock {
 public:
  using Act = std::function<Result<void>(std::span<const float>, std::span<float>)>;
  explicit Stand(Act act) : act_(std::move(act)) {}
  Result<void> replace(const BlockShape&, std::span<const float> in,
                       std::span<float> out) override {
    return act_(in, out);
  }

 private:
  Act act_;
};

class LastBlockDepthTest : public testing::TestWithParam<int> {};

TEST_P(LastBlockDepthTest, ItsOwnRecordedOutputGivesTheBitsOfThePlainPass) {
  const auto network = shaken(tiny(GetParam()));
  const auto plain = run(network, nullptr);
  BlockRecorder recorder;
  EXPECT_EQ(run(network, &recorder), plain);
  Stand replay([&](std::span<const float> in, std::span<float> out) -> Result<void> {
    EXPECT_TRUE(std::ranges::equal(in, recorder.in()));
    std::ranges::copy(recorder.out(), out.begin());
    return {};
  });
  EXPECT_EQ(run(network, &replay), plain);
  EXPECT_EQ(recorder.shape(), network.last_block_shape(kRows));
}
INSTANTIATE_TEST_SUITE_P(Blocks, LastBlockDepthTest, testing::Values(1, 2));

TEST(LastBlockTest, ReadsTheWayUpAndThenTheSkip) {
  const auto network = shaken(tiny());
  const BlockShape shape = network.last_block_shape(kRows);
  EXPECT_EQ(shape, (BlockShape{kRows, 4, 16, 8, 8}));
  EXPECT_EQ(network.last_block_macs(), 16U * (9 * 24 * 8 + 9 * 8 * 8 + 24 * 8));
  BlockRecorder recorder;
  run(network, &recorder);
  ASSERT_EQ(recorder.in().size(), shape.pixels() * shape.in());
  // Nearest-neighbour upsampling: the way up is the same in the four pixels of a square.
  const auto channel = [&](std::size_t pixel, std::size_t c) {
    return recorder.in()[pixel * shape.in() + c];
  };
  for (std::size_t c = 0; c < shape.up; ++c) EXPECT_EQ(channel(0, c), channel(5, c));
  std::size_t differ = 0;
  for (std::size_t c = shape.up; c < shape.in(); ++c) differ += channel(0, c) != channel(5, c);
  EXPECT_EQ(differ, shape.skip);
}

TEST(LastBlockTest, WhatIsPlantedInOneImageReachesThatImageAlone) {
  const auto network = shaken(tiny());
  BlockRecorder recorder;
  const auto plain = run(network, &recorder);
  Stand planted([&](std::span<const float>, std::span<float> out) -> Result<void> {
    std::ranges::copy(recorder.out(), out.begin());
    out[0] += 1;
    return {};
  });
  const auto changed = run(network, &planted);
  EXPECT_FALSE(std::equal(plain.begin(), plain.begin() + kPixels, changed.begin()));
  EXPECT_TRUE(std::equal(plain.begin() + kPixels, plain.end(), changed.begin() + kPixels));
}

TEST(LastBlockTest, SaysWhatItRefuses) {
  const auto network = shaken(tiny());
  BlockRecorder recorder;
  const Inputs in;
  std::vector<float> out(in.noisy.size());
  const auto short_out =
      network.forward(in.noisy, in.times, in.classes, std::span(out).first(5), recorder);
  ASSERT_FALSE(short_out);
  EXPECT_THAT(short_out.error().message, HasSubstr("5 pixels"));
  const auto few =
      network.forward(in.noisy, std::span(in.times).first(2), in.classes, out, recorder);
  ASSERT_FALSE(few);
  EXPECT_EQ(few.error().code, ErrorCode::kInvalidArgument);
  Stand broken([](std::span<const float>, std::span<float>) -> Result<void> {
    return fail(ErrorCode::kUnavailable, "no substrate");
  });
  const auto failed = network.forward(in.noisy, in.times, in.classes, out, broken);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "no substrate");
}

}  // namespace
}  // namespace calx::nn
