// Goal: 32 bytes are a layer of any shape, damage is mended or refused, and the capacity is the one
// stated.
// Method: all single errors and a walk over double and triple ones of the code; every field of the
// layout; the expansion written out as sums; laws of the error on normal weights by shape.
#include "calx/weights/neuron.h"

#include <gmock/gmock.h>

#include <cmath>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"
#include "calx/noise/stream.h"
#include "calx/weights/neuron_bases.h"
#include "calx/weights/reed_solomon.h"
#include "calx/weights/scale.h"

namespace calx::weights {
namespace {

Word example_word() {
  const auto digest = hash::sha256("a word");
  return add_checks(std::span(digest).first<kDataBytes>());
}

TEST(ReedSolomonTest, MendsEverySingleWrongByte) {
  const Word word = example_word();
  EXPECT_FALSE(mend(word)->place);
  for (std::size_t i = 0; i < kWordBytes; ++i) {
    for (unsigned error = 1; error < 256; ++error) {
      Word wrong = word;
      wrong[i] = static_cast<std::uint8_t>(wrong[i] ^ error);
      const auto mended = mend(wrong);
      ASSERT_TRUE(mended) << i << " " << error;
      ASSERT_EQ(mended->word, word);
      ASSERT_EQ(mended->place, i);
    }
  }
}

// The code is linear, so what happens to one word, or to one multiple of an error, happens to all:
// every pair of places with every ratio of two errors, and every triple with errors from a walk.
// (All pairs of errors: reed_solomon_slow_test.cc.)
TEST(ReedSolomonTest, NoticesEveryTwoWrongBytes) {
  for (std::size_t i = 0; i < kWordBytes; ++i) {
    for (std::size_t j = i + 1; j < kWordBytes; ++j) {
      for (const unsigned e : {1u, 77u}) {
        for (unsigned f = 1; f < 256; ++f) {
          Word wrong{};
          wrong[i] = static_cast<std::uint8_t>(e);
          wrong[j] = static_cast<std::uint8_t>(f);
          ASSERT_FALSE(mend(wrong)) << i << " " << j << " " << e << " " << f;
        }
      }
    }
  }
}

TEST(ReedSolomonTest, NoticesThreeWrongBytesAtEveryThreePlaces) {
  unsigned state = 1;
  const auto next = [&state] {
    state = state * 1664525u + 1013904223u;
    return static_cast<std::uint8_t>(state >> 24 | 1u);
  };
  for (std::size_t i = 0; i < kWordBytes; ++i) {
    for (std::size_t j = i + 1; j < kWordBytes; ++j) {
      for (std::size_t k = j + 1; k < kWordBytes; ++k) {
        for (int repeat = 0; repeat < 64; ++repeat) {
          Word wrong{};
          wrong[i] = next();
          wrong[j] = static_cast<std::uint8_t>(next() << 1 | 1u);
          wrong[k] = static_cast<std::uint8_t>(next() ^ 0x54u);
          ASSERT_FALSE(mend(wrong)) << i << " " << j << " " << k;
        }
      }
    }
  }
}

Neuron example_neuron() {
  Neuron neuron;
  for (int i = 0; i < 16; ++i) {
    neuron.u[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(i - 8);
    neuron.v[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(7 - i * 5 % 16);
  }
  neuron.bias = {-128, -1, 0, 127};
  neuron.weight_scale = 150;
  neuron.bias_scale = 99;
  neuron.exponent = -7;
  neuron.bases = 0x01020304;
  return neuron;
}

TEST(NeuronTest, HasTheLayoutThatItStates) {
  const Word word = *pack(example_neuron());
  EXPECT_EQ(to_hex(std::span(word).first(28)),
            "98badcfe10325476"
            "278de349af056bc1"
            "80ff007f"
            "019663f9"
            "01020304");
  EXPECT_EQ(unpack(word)->neuron, example_neuron());
  Word wrong = word;
  wrong[12] ^= 0x40;
  EXPECT_TRUE(unpack(wrong)->mended);
  EXPECT_EQ(unpack(wrong)->neuron, example_neuron());
  wrong[3] ^= 1;
  EXPECT_EQ(unpack(wrong).error().code, ErrorCode::kDataLoss);
}

TEST(NeuronTest, RefusesOtherVersionsEntriesAndShapes) {
  Neuron neuron = example_neuron();
  Word word = *pack(neuron);
  word[20] = 2;
  word = add_checks(std::span(word).first<kDataBytes>());
  EXPECT_EQ(unpack(word).error().code, ErrorCode::kInvalidArgument);
  word[20] = 1;
  word[23] = 61;
  word = add_checks(std::span(word).first<kDataBytes>());
  EXPECT_EQ(unpack(word).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(expand(neuron, 0, 4).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(expand(neuron, 4, 65537).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(expand(neuron, 65536, 65536).error().code, ErrorCode::kResourceExhausted);
  neuron.u[3] = 8;
  EXPECT_EQ(pack(neuron).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(fit_neuron({2, 2, {1, 2, 3}, {0, 0}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(fit_neuron({1, 1, {NAN}, {0}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(fit_neuron({1, 1, {1}, {0}}, 0).error().code, ErrorCode::kInvalidArgument);
}

TEST(NeuronTest, ExpandsToAnyShapeByTheStatedSums) {
  const Neuron neuron = example_neuron();
  for (const auto& [out, in] :
       {std::pair<std::size_t, std::size_t>{1, 1}, {4, 4}, {3, 9}, {32, 16}, {5, 2}, {100, 7}}) {
    const auto layer = expand(neuron, out, in);
    ASSERT_TRUE(layer);
    const Basis a = *make_basis("neuron/out", neuron.bases, out);
    const Basis b = *make_basis("neuron/in", neuron.bases, in);
    for (std::size_t o = 0; o < out; ++o) {
      int bias = 0;
      for (std::size_t r = 0; r < 4; ++r) bias += a[o][r] * neuron.bias[r];
      ASSERT_EQ(layer->bias[o], static_cast<float>(bias) * scale_value(99, -7));
      for (std::size_t i = 0; i < in; ++i) {
        int sum = 0;
        for (std::size_t r = 0; r < 4; ++r) {
          for (std::size_t k = 0; k < 4; ++k) {
            for (std::size_t c = 0; c < 4; ++c) {
              sum += a[o][r] * neuron.u[r * 4 + k] * neuron.v[k * 4 + c] * b[i][c];
            }
          }
        }
        ASSERT_EQ(layer->weights[o * in + i], static_cast<float>(sum) * scale_value(150, -7));
      }
    }
  }
}

Layer normal_layer(std::size_t out, std::size_t in, std::uint64_t index) {
  Layer layer{out, in, std::vector<float>(out * in), std::vector<float>(out)};
  const auto stream = noise::Stream::open(*noise::Seed::from_text("neuron"), "test", index);
  const auto rows = static_cast<std::uint32_t>(out), columns = static_cast<std::uint32_t>(in);
  EXPECT_TRUE(stream->normal({.rows = rows, .columns = columns}, layer.weights));
  EXPECT_TRUE(stream->normal({.channel_first = 1, .columns = rows}, layer.bias));
  return layer;
}

// Sixteen of out * in directions are kept, so about 1 - 16 / (out in) of a normal layer is lost, a
// little less for the choice among bases; at 4 x 4 only the rounding is.
TEST(NeuronTest, HoldsAsMuchAsSixteenDirectionsHold) {
  for (const auto& [out, in] :
       {std::pair<std::size_t, std::size_t>{4, 4}, {8, 4}, {8, 8}, {32, 16}}) {
    double mean = 0;
    for (std::uint64_t index = 0; index < 10; ++index) {
      const Layer layer = normal_layer(out, in, index);
      const auto neuron = fit_neuron(layer, 16);
      ASSERT_TRUE(neuron) << neuron.error().message;
      mean += relative_error(layer, *expand(*neuron, out, in)) / 10;
    }
    const double lost = 1 - 16.0 / static_cast<double>(out * in);
    EXPECT_GT(mean, lost - 0.25) << out << " x " << in;
    EXPECT_LT(mean, lost + 0.02) << out << " x " << in;
    EXPECT_GT(mean, std::exp2(-512.0 / static_cast<double>(out * in)));
  }
}

TEST(NeuronTest, FitsBiasesToo) {
  const Layer layer = normal_layer(4, 4, 3);
  const Layer back = *expand(*fit_neuron(layer), 4, 4);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(back.bias[i], layer.bias[i], 0.02);
  const Layer zero{5, 6, std::vector<float>(30), std::vector<float>(5)};
  EXPECT_EQ(expand(*fit_neuron(zero), 5, 6)->weights, zero.weights);
}

}  // namespace
}  // namespace calx::weights
