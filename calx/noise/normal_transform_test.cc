// Goal: one word gives one value, the same bits from every kernel, whatever the CPU flushes.
// Method: vectors from docs/protocol/calx_noise.py; laws (symmetry, order) at every seam; parity of
// all kernels with normal_value() at every seam, every length and 10^6 words.
#include "calx/noise/normal_transform.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "calx/noise/normal_table.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace calx::noise {
namespace {

std::uint32_t pattern(float value) { return std::bit_cast<std::uint32_t>(value); }

// Three words on either side of each octave's first word, of both signs.
std::vector<std::uint32_t> seam_words() {
  std::vector<std::uint32_t> words;
  for (int octave = 0; octave <= 31; ++octave) {
    for (std::int64_t step = -3; step <= 3; ++step) {
      const auto word = static_cast<std::uint32_t>((std::int64_t{1} << octave) + step);
      words.push_back(word);
      words.push_back(~word);
    }
  }
  return words;
}

std::vector<std::uint32_t> random_words(std::size_t count) {
  std::mt19937 generator(20260101);
  std::vector<std::uint32_t> words(count);
  for (std::uint32_t& word : words) {
    word = static_cast<std::uint32_t>(generator());
    if (generator() % 2 == 0) word >>= generator() % 32;  // the tails as often as the middle
    if (generator() % 2 == 0) word = ~word;
  }
  return words;
}

void expect_parity(const NormalKernel& kernel, const std::vector<std::uint32_t>& words) {
  std::vector<float> out(words.size());
  kernel.run(words.data(), out.data(), words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    ASSERT_EQ(pattern(out[i]), pattern(normal_value(words[i])))
        << kernel.name << " word " << words[i];
  }
}

TEST(NormalTransformTest, GivesTheValuesOfTheProtocol) {
  EXPECT_EQ(pattern(normal_value(0)), 0xc0cad08d);
  EXPECT_EQ(pattern(normal_value(1)), 0xc0c55364);
  EXPECT_EQ(pattern(normal_value(3)), 0xc0c0fdaf);
  EXPECT_EQ(pattern(normal_value(0x07ffffff)), 0xbfee6dff);
  EXPECT_EQ(pattern(normal_value(0x12345678)), 0xbfbbd932);
  EXPECT_EQ(pattern(normal_value(0x40000000)), 0xbf2cab5b);
  EXPECT_EQ(pattern(normal_value(0x7fffffff)), 0xafa06c99);
  EXPECT_EQ(pattern(normal_value(0x80000000)), 0x2fa06c99);
  EXPECT_EQ(normal_value(0xffffffff), kNormalMax);
}

TEST(NormalTransformTest, IsSymmetricAndMonotoneOverEverySeam) {
  for (const std::uint32_t word : seam_words()) {
    EXPECT_EQ(normal_value(~word), -normal_value(word));
    if (word != 0) {
      EXPECT_LE(normal_value(word - 1), normal_value(word)) << word;
    }
  }
}

TEST(NormalTransformTest, EveryKernelGivesTheSameBits) {
  for (const NormalKernel& kernel : normal_kernels()) {
    if (!kernel.supported()) continue;
    expect_parity(kernel, seam_words());
    expect_parity(kernel, random_words(1'000'000));
  }
}

TEST(NormalTransformTest, EveryKernelHandlesEveryLengthAndTouchesNothingBeyond) {
  const auto words = random_words(100);
  for (const NormalKernel& kernel : normal_kernels()) {
    if (!kernel.supported()) continue;
    for (std::size_t count = 0; count <= 70; ++count) {
      std::vector<float> out(count + 1, 99.0f);
      kernel.run(words.data() + count % 3, out.data(), count);
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(out[i], normal_value(words[count % 3 + i])) << kernel.name << " of " << count;
      }
      ASSERT_EQ(out[count], 99.0f) << kernel.name << " of " << count;
    }
  }
}

TEST(NormalTransformTest, FlushingSubnormalsChangesNoBit) {
#if defined(__x86_64__)
  const auto words = random_words(100'000);
  std::vector<float> kept(words.size());
  std::vector<float> flushed(words.size());
  for (const NormalKernel& kernel : normal_kernels()) {
    if (!kernel.supported()) continue;
    kernel.run(words.data(), kept.data(), words.size());
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040u);  // FTZ and DAZ
    kernel.run(words.data(), flushed.data(), words.size());
    _mm_setcsr(before);
    for (std::size_t i = 0; i < words.size(); ++i) ASSERT_EQ(pattern(kept[i]), pattern(flushed[i]));
  }
#else
  GTEST_SKIP() << "setting FTZ and DAZ is written for x86-64 only";
#endif
}

TEST(NormalTransformTest, TheKernelInForceIsASupportedOne) {
  EXPECT_TRUE(normal_kernel().supported());
  EXPECT_EQ(normal_kernels().front().name, "portable");
}

TEST(NormalTransformTest, TheTableOfTheProtocolIsTheTableOfTheCode) {
  std::ifstream file(CALX_SOURCE_DIR "/docs/protocol/normal_table.txt");
  ASSERT_TRUE(file);
  for (std::size_t row = 0; row < kNormalRows; ++row) {
    for (std::size_t k = 0; k < kNormalCoefficients; ++k) {
      std::string word;
      ASSERT_TRUE(file >> word);
      EXPECT_EQ(std::stoul(word, nullptr, 16), kNormalTable[k][row]) << row << ' ' << k;
      EXPECT_GE(std::bit_cast<float>(kNormalTable[k][row]), 0.0f);  // what makes it monotone
    }
  }
}

TEST(UniformValueTest, IsTheRoundedFractionAndReachesBothEnds) {
  EXPECT_EQ(uniform_value(0), -1.0f);
  EXPECT_EQ(uniform_value(0xffffffff), 1.0f);
  EXPECT_EQ(uniform_value(0x80000000), 0x1p-32f);
  for (const std::uint32_t word : seam_words()) {
    EXPECT_EQ(uniform_value(~word), -uniform_value(word));
    const double exact = (2.0 * word + 1.0 - 0x1p32) * 0x1p-32;
    EXPECT_EQ(uniform_value(word), static_cast<float>(exact));
  }
}

}  // namespace
}  // namespace calx::noise
