// Goal: the encoder finds the path that it states, by every kernel and any number of threads.
// Method: parity of every kernel of this CPU with the portable one, bit for bit, at every rate, and
// of small blocks with a search over all paths; laws of rate and distortion on normal weights. A
// kernel that this CPU lacks is skipped, never passed.
#include "calx/weights/viterbi.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "calx/noise/stream.h"
#include "calx/weights/block_codec.h"
#include "calx/weights/coded_tensor.h"
#include "calx/weights/gaussian.h"

namespace calx::weights {
namespace {

std::vector<float> normal_weights(std::uint32_t count) {
  const auto stream = noise::Stream::open(*noise::Seed::from_text("viterbi"), "test", 0);
  std::vector<float> weights(count);
  EXPECT_TRUE(stream->normal({.columns = count}, weights));
  return weights;
}

TEST(ViterbiKernelTest, GivesTheSameCodesByEveryKernelAtEveryRate) {
  const auto weights = normal_weights(1300);
  for (const Rate& rate : rates()) {
    // The second has whole registers of states in every plane at 1 to 4 bits, the first has not.
    for (const unsigned state_bits : {std::max(8u, 2 * rate.step_bits), 13u}) {
      const Trellis trellis{state_bits, rate.step_bits, rate.step_weights};
      if (!check(trellis)) continue;
      const Coding coding{trellis, CodebookKind::kC1, 64};
      const auto wanted = encode_tensor(weights, {1300}, coding, {.kernel = &viterbi_kernels()[0]});
      ASSERT_TRUE(wanted) << wanted.error().message;
      for (const ViterbiKernel& kernel : viterbi_kernels()) {
        if (!kernel.supported()) continue;
        const auto got = encode_tensor(weights, {1300}, coding, {.kernel = &kernel});
        ASSERT_TRUE(got);
        EXPECT_EQ(*wanted, *got) << kernel.name << " " << trellis.rate_name() << " " << state_bits;
      }
    }
  }
}

TEST(ViterbiKernelTest, LeavesTheSameCostsByEveryKernel) {
  const Trellis trellis{12, 2, 1};
  const auto values = normal_weights(4096);
  const float x = 0.3f, factor = 0.7f;
  const auto run = [&](const ViterbiKernel& kernel) {
    std::vector<float> cost = normal_weights(4096), least(1024), spread(1024);
    std::vector<std::uint8_t> from(1024);
    for (float& c : cost) c = std::round(std::fabs(c) * 4);  // many ties
    kernel.run({trellis, cost.data(), least.data(), spread.data(), values.data(), from.data(), &x,
                &factor});
    cost.insert(cost.end(), from.begin(), from.end());
    return cost;
  };
  for (const ViterbiKernel& kernel : viterbi_kernels()) {
    if (!kernel.supported()) continue;
    EXPECT_EQ(run(viterbi_kernels()[0]), run(kernel)) << kernel.name;
  }
}

// Every cyclic path of a block of 6 steps, by brute force; those through the state that the encoder
// put at the seam are what it chose from.
TEST(BlockEncoderTest, FindsTheBestPathThroughItsSeam) {
  const auto book = make_codebook(CodebookKind::kC1, {6, 2, 1});
  ASSERT_TRUE(book);
  auto encoder = BlockEncoder::make(*book);
  ASSERT_TRUE(encoder);
  const std::vector<float> factor(6, 1 / deviation(CodebookKind::kC1));
  const auto error = [&](std::span<const float> x, std::span<const std::uint8_t> codes) {
    std::vector<std::int16_t> values(6);
    decode_block(*book, codes, values);
    double sum = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      sum += std::pow(x[i] - factor[i] * static_cast<float>(values[i]), 2);
    }
    return sum;
  };
  const auto weights = normal_weights(240);
  for (std::size_t first = 0; first < weights.size(); first += 6) {
    const auto x = std::span(weights).subspan(first, 6);
    std::array<std::uint8_t, 2> codes{};
    encoder->encode(x, factor, codes);
    const unsigned seam = codes[0] & 63u;
    double least = std::numeric_limits<double>::infinity();
    for (unsigned path = seam; path < 4096; path += 64) {
      const std::array<std::uint8_t, 2> other = {static_cast<std::uint8_t>(path),
                                                 static_cast<std::uint8_t>(path >> 8)};
      least = std::min(least, error(x, other));
    }
    ASSERT_NEAR(error(x, codes), least, 1e-5 * least);
  }
}

// Rate-distortion: below Shannon's bound is impossible, more states and more bits are better. The
// bars are 5 % above what SplitMix64's codebooks give, so that the hash has to be as good.
TEST(GaussianTest, LiesBetweenTheBoundAndARandomCode) {
  const struct {
    const char* rate;
    unsigned state_bits;
    double bar;
  } rows[] = {{"1", 8, 0.320},   {"1.5", 10, 0.165}, {"2", 8, 0.098},  {"2", 10, 0.083},
              {"2", 12, 0.0765}, {"3", 10, 0.0243},  {"4", 12, 0.0062}};
  for (const CodebookKind kind : {CodebookKind::kG1, CodebookKind::kC1}) {
    double before = 1;
    for (const auto& row : rows) {
      const auto trellis = parse_trellis(row.rate, row.state_bits);
      const auto figures = measure_gaussian({*trellis, kind, 1024}, 32768);
      ASSERT_TRUE(figures) << figures.error().message;
      const double d = figures->relative_mse;
      EXPECT_LT(d, row.bar) << to_string(kind) << " " << row.rate << " " << row.state_bits;
      EXPECT_GT(d, gaussian_bound(figures->bits_per_weight) - 3 * figures->standard_error);
      EXPECT_LT(d, before);
      before = d;
    }
  }
}

TEST(EncodeTest, DoesNotDependOnThreadsOrOnWhereARunBegan) {
  const auto weights = normal_weights(5000);
  const Coding coding{{10, 2, 1}, CodebookKind::kG1, 128};
  const auto whole = encode_tensor(weights, {50, 100}, coding);
  ASSERT_TRUE(whole);
  EXPECT_EQ(*encode_tensor(weights, {50, 100}, coding, {.threads = 3}), *whole);
  const std::size_t before = 2 * coding.trellis.block_bytes(kBlockWeights);
  EncodeOptions rest{.codes_before = std::span(whole->codes).first(before)};
  std::uint64_t told = 0;
  rest.progress = [&told](std::uint64_t done, std::uint64_t) { told = told == 0 ? done : told; };
  EXPECT_EQ(*encode_tensor(weights, {50, 100}, coding, rest), *whole);
  EXPECT_EQ(told, 3 * kBlockWeights);
}

TEST(EncodeTest, KeepsZerosAndFarScales) {
  std::vector<float> weights(4096, 0.0f);
  const Coding coding{{10, 2, 1}, CodebookKind::kC1, 256};
  const auto nothing = encode_tensor(weights, {4096}, coding);
  ASSERT_TRUE(nothing);
  EXPECT_EQ(*decode_tensor(*nothing), weights);
  const auto normal = normal_weights(4096);
  for (std::size_t i = 0; i < 4096; ++i) {
    weights[i] = std::ldexp(normal[i], i < 512 ? -80 : i < 2048 ? 30 : 40);
  }
  const auto coded = encode_tensor(weights, {4096}, coding);
  ASSERT_TRUE(coded);
  const auto decoded = *decode_tensor(*coded);
  for (const std::size_t first : {512u, 2048u}) {
    double errors = 0, squares = 0;
    for (std::size_t i = first; i < 2 * std::max<std::size_t>(first, 1024); ++i) {
      errors += std::pow(double{weights[i]} - double{decoded[i]}, 2);
      squares += std::pow(double{weights[i]}, 2);
    }
    EXPECT_LT(errors / squares, 0.1) << first;
  }
  EXPECT_EQ(decoded[0], 0.0f);  // 2^-120 of the largest is below the scales of the tensor
}

TEST(EncodeTest, RefusesWhatItCannotCode) {
  const Coding coding{{10, 2, 1}, CodebookKind::kC1, 128};
  const auto code = [&](std::vector<float> weights, std::vector<std::uint64_t> shape) {
    const auto coded = encode_tensor(weights, std::move(shape), coding);
    return coded ? ErrorCode{} : coded.error().code;
  };
  EXPECT_EQ(code({1, 2}, {3}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({}, {0}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({1, std::numeric_limits<float>::quiet_NaN()}, {2}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({1, -std::numeric_limits<float>::infinity()}, {2}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({1, 0x1p48f}, {2}), ErrorCode::kInvalidArgument);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped =
      encode_tensor(std::vector<float>(9), {9}, coding, {.stop = stop.get_token()});
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace calx::weights
