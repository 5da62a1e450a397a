// Goal: codes, codebooks, scales and decoded values are those of calx-weights-1 on every machine.
// Method: vectors of the standard (docs/protocol/weights.md), which this project made with
// docs/protocol/calx_weights.py; laws of the state graph and of the values; every refusal.
#include "calx/weights/trellis.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>
#include <string>

#include "calx/base/hex.h"
#include "calx/hash/big_endian.h"
#include "calx/hash/sha256.h"
#include "calx/weights/block_codec.h"
#include "calx/weights/codebook.h"
#include "calx/weights/coded_tensor.h"
#include "calx/weights/scale.h"

namespace calx::weights {
namespace {

constexpr CodebookKind kKinds[] = {CodebookKind::kG1, CodebookKind::kC1, CodebookKind::kPg1,
                                   CodebookKind::kPc1};

// Big-endian 16-bit words of the values, so that the digest does not depend on the machine.
std::string digest_of(std::span<const std::int16_t> values) {
  hash::Sha256 sha;
  for (const std::int16_t value : values) {
    const auto word = static_cast<std::uint16_t>(value);
    sha.update_u8(static_cast<std::uint8_t>(word >> 8)).update_u8(static_cast<std::uint8_t>(word));
  }
  return to_hex(sha.finish());
}

std::string digest_of(std::span<const float> values) {
  hash::Sha256 sha;
  for (const float value : values) sha.update_u32(std::bit_cast<std::uint32_t>(value));
  return to_hex(sha.finish());
}

// Bytes of SHA-256("calx-weights-1 test" || u32 0), then || u32 1, ...
std::vector<std::uint8_t> example_bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes;
  for (std::uint32_t i = 0; bytes.size() < count; ++i) {
    const auto digest = hash::Sha256().update("calx-weights-1 test").update_u32(i).finish();
    bytes.insert(bytes.end(), digest.begin(), digest.end());
  }
  bytes.resize(count);
  return bytes;
}

CodedTensor example_tensor(const Coding& coding, std::uint64_t weights) {
  CodedTensor tensor{{weights}, coding, -3, {}, {}};
  tensor.codes = example_bytes(code_bytes(coding.trellis, weights));
  tensor.scales = example_bytes((weights + coding.group - 1) / coding.group);
  const std::size_t rest = weights % kBlockWeights;
  const std::size_t bits = coding.trellis.steps(rest) * coding.trellis.step_bits;
  if (rest != 0 && bits % 8 != 0) {
    tensor.codes.back() = static_cast<std::uint8_t>(tensor.codes.back() & ((1u << bits % 8) - 1));
  }
  return tensor;
}

TEST(CodebookTest, HasTheValuesOfTheStandard) {
  const char* const wanted[] = {"7efd927cc2ed4daf948b4bb1e8f4e993a7934e2b838e1d384b50771239e0a0da",
                                "467c467e1e4a7e92f09380523105b06e0f02165dc23331b6026b29a1584d6b6c",
                                "38004e7cbfc8b12a7da6fc1a1e98145c3233f9d058af0fa6e5b50caa360ea06d",
                                "c6a7b90649b0da77ed07bf1e0a488308fad6ce208340f1fc2244f54b6f98571b"};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto book = make_codebook(kKinds[i], {16, 3, 2});
    ASSERT_TRUE(book);
    EXPECT_EQ(digest_of(book->values), wanted[i]) << to_string(kKinds[i]);
  }
}

TEST(CodebookTest, TakesThePairOfItsCounter) {
  const auto digest = hash::Sha256().update("calx-weights-1/c1").update_u32(kC1Counter).finish();
  const CongruentPair pair = congruent_pair(kC1Counter);
  EXPECT_EQ(pair.a, hash::load_be32(digest.data()) | 1u);
  EXPECT_EQ(pair.b, hash::load_be32(digest.data() + 4));
  const auto book = make_codebook(CodebookKind::kC1, {12, 2, 1});
  ASSERT_TRUE(book);
  for (std::uint32_t s = 0; s < 4096; ++s) {
    ASSERT_EQ(book->values[s], byte_sum(pair.a * s + pair.b));
  }
}

// Law: the mean of 2^16 values has standard error deviation / 256, the variance deviation^2
// sqrt(2) / 256; five of them allow one codebook in a million.
TEST(CodebookTest, HasTheMeanAndVarianceThatItStates) {
  for (const CodebookKind kind : kKinds) {
    const auto book = make_codebook(kind, {16, 2, 1});
    ASSERT_TRUE(book);
    double sum = 0, squares = 0;
    for (const std::int16_t value : book->values) {
      sum += value;
      squares += double{1} * value * value;
    }
    const double n = 65536, sd = deviation(kind);
    EXPECT_LT(std::fabs(sum / n), 5 * sd / 256) << to_string(kind);
    EXPECT_NEAR(squares / n, sd * sd, 5 * std::sqrt(2.0) * sd * sd / 256) << to_string(kind);
  }
}

TEST(CodebookTest, OfFewerStatesBeginsOneOfMore) {
  for (const CodebookKind kind : kKinds) {
    const auto small = make_codebook(kind, {10, 2, 1}), large = make_codebook(kind, {14, 2, 1});
    ASSERT_TRUE(small && large);
    EXPECT_TRUE(std::equal(small->values.begin(), small->values.end(), large->values.begin()));
  }
}

TEST(ScaleTest, RisesBySixteenthsOfAnOctaveAndRoundsToTheNearest) {
  EXPECT_EQ(scale_value(240, 0), 1.0f);
  EXPECT_EQ(scale_value(0, 5), 0.0f);
  for (const int exponent : {-kExponentMax, -3, 0, kExponentMax - 1}) {
    for (unsigned b = 1; b < 255; ++b) {
      const auto byte = static_cast<std::uint8_t>(b);
      const float value = scale_value(byte, exponent);
      const float next = scale_value(static_cast<std::uint8_t>(b + 1), exponent);
      EXPECT_NEAR(next / value, std::exp2(1.0 / 16), 1e-6);
      EXPECT_EQ(nearest_scale(value, exponent), b);
      EXPECT_EQ(nearest_scale(value * 1.02f, exponent), b);
      EXPECT_EQ(nearest_scale(value * 1.023f, exponent), b + 1);
    }
  }
  EXPECT_EQ(nearest_scale(0, 0), 0);
  EXPECT_EQ(nearest_scale(1e30f, 0), 255);
  EXPECT_EQ(nearest_scale(scale_value(1, 0) * 0.9f, 0), 0);
}

TEST(DecodeTest, GivesTheWeightsOfTheStandard) {
  const struct {
    const char* rate;
    unsigned state_bits;
    CodebookKind kind;
    const char* digest;
  } rows[] = {
      {"1", 16, CodebookKind::kC1,
       "bf8af97e4abeb001c80744f8d075c8ee7cd3b0d13f0d76c95191421f6ec51e59"},
      {"1.5", 16, CodebookKind::kC1,
       "bd663f225902f20f9981bab12079a539a01e7af4974c6b27dd58ab8e3403228e"},
      {"1.6", 16, CodebookKind::kC1,
       "d7de86b92d35575eba5cba9f4c868d822820336c8c5fabf498256d0e49490803"},
      {"2", 16, CodebookKind::kC1,
       "10df8cdd6cc58ef6756ad23023b49c547e71288dbc7a7c13b997875297437454"},
      {"2", 12, CodebookKind::kG1,
       "1216d972138136afecd70ca1300f647cc6d5626a602f93626d25c6838cac36a5"},
      {"3", 18, CodebookKind::kC1,
       "ff2d9f6c08142b956a8ff71f5fc93600ff65491fdc5e0781445df6d3a547f85c"},
      {"4", 8, CodebookKind::kC1,
       "174c4488de71af3d1562bce24677e059985a535c7331f138b0d6c217b05141ff"},
  };
  for (const auto& row : rows) {
    const auto trellis = parse_trellis(row.rate, row.state_bits);
    ASSERT_TRUE(trellis);
    const auto weights = decode_tensor(example_tensor({*trellis, row.kind, 64}, 2600));
    ASSERT_TRUE(weights) << weights.error().message;
    EXPECT_EQ(digest_of(std::span<const float>(*weights)), row.digest) << row.rate;
  }
}

// The definition, bit by bit.
TEST(DecodeTest, ReadsStatesAsWindowsOfACyclicString) {
  for (const Rate& rate : rates()) {
    const Trellis trellis{16, rate.step_bits, rate.step_weights};
    const auto book = make_codebook(CodebookKind::kC1, trellis);
    ASSERT_TRUE(book);
    for (const std::size_t weights : {1u, 7u, 100u, 1023u, 1024u}) {
      const auto codes = example_tensor({trellis, CodebookKind::kC1, 64}, weights).codes;
      std::vector<std::int16_t> values(weights);
      decode_block(*book, codes, values);
      const std::size_t bits = trellis.steps(weights) * trellis.step_bits;
      for (std::size_t i = 0; i < weights; ++i) {
        std::uint32_t state = 0;
        for (std::size_t b = 0; b < 16; ++b) {
          const std::size_t at = (i / trellis.step_weights * trellis.step_bits + b) % bits;
          state |= static_cast<std::uint32_t>(codes[at / 8] >> (at % 8) & 1) << b;
        }
        const std::size_t v = i % trellis.step_weights;
        ASSERT_EQ(values[i], book->values[v * trellis.states() + state]) << i;
      }
    }
  }
}

TEST(TrellisTest, RefusesWhatIsNotOfTheStandard) {
  EXPECT_EQ(check(Trellis{16, 2, 2}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(check(Trellis{3, 2, 1}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(check(Trellis{21, 2, 1}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(parse_trellis("2.5", 16).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(parse_codebook("h1").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(parse_trellis("1.6", 16)->rate_name(), "8/5");
  EXPECT_EQ(check(Coding{{16, 2, 1}, CodebookKind::kC1, 100}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(DecodeTest, RefusesATensorThatCannotBeOne) {
  const CodedTensor whole = example_tensor({{16, 3, 1}, CodebookKind::kC1, 64}, 2001);
  ASSERT_TRUE(check(whole));
  CodedTensor tensor = whole;
  tensor.codes.pop_back();
  EXPECT_EQ(decode_tensor(tensor).error().code, ErrorCode::kDataLoss);
  tensor = whole;
  tensor.scales.push_back(1);
  EXPECT_EQ(decode_tensor(tensor).error().code, ErrorCode::kDataLoss);
  tensor = whole;
  tensor.codes.back() |= 0x80;  // 977 steps of 3 bits leave 5 bits of the last byte
  EXPECT_EQ(decode_tensor(tensor).error().code, ErrorCode::kDataLoss);
  tensor = whole;
  tensor.exponent = 61;
  EXPECT_EQ(decode_tensor(tensor).error().code, ErrorCode::kInvalidArgument);
  tensor = whole;
  tensor.shape = {0};
  EXPECT_EQ(decode_tensor(tensor).error().code, ErrorCode::kInvalidArgument);
  tensor.shape = {1u << 20, 1u << 20};
  EXPECT_EQ(decode_tensor(tensor).error().code, ErrorCode::kResourceExhausted);
  std::vector<float> out(3);
  EXPECT_EQ(decode_tensor(whole, out).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::weights
