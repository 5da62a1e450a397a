// Goal: what docs/protocol/noise.md says of the normal transform holds for each of the 2^32 words,
// and long streams of it pass two tests of fit.
// Method: law. Words of one sign are walked in order and the other sign is compared bit for bit.
// Equal values form runs; the distribution function is evaluated once a run, and the error is
// (Phi(z) - p) / phi(z) at both ends of the run. Streams: Kolmogorov-Smirnov and Anderson-Darling.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <vector>

#include "calx/noise/normal_transform.h"
#include "calx/noise/stream.h"

namespace calx::noise {
namespace {

constexpr std::uint64_t kHalf = std::uint64_t{1} << 31;  // words of one sign
constexpr std::size_t kPiece = 1 << 16;

double phi_below(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }
double density(double z) {
  return std::exp(-0.5 * z * z) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

struct Walk {
  bool monotone = true;
  bool symmetric = true;
  double error_max = 0;
  long double second = 0, fourth = 0, sixth = 0;  // sums over the words of one sign

  void add_run(float z, std::uint64_t first, std::uint64_t last) {
    const double below = phi_below(z);
    const double slope = density(z);
    for (const std::uint64_t word : {first, last}) {
      const double p = (static_cast<double>(word) + 0.5) * 0x1p-32;
      error_max = std::max(error_max, std::fabs(below - p) / slope);
    }
    const auto count = static_cast<long double>(last - first + 1);
    const long double square = static_cast<long double>(z) * z;
    second += count * square;
    fourth += count * square * square;
    sixth += count * square * square * square;
  }
};

Walk walk_all() {
  Walk result;
  std::vector<std::uint32_t> words(kPiece), complements(kPiece);
  std::vector<float> values(kPiece), negatives(kPiece);
  float run_value = -std::numeric_limits<float>::infinity();
  std::uint64_t run_first = 0;
  for (std::uint64_t base = 0; base < kHalf; base += kPiece) {
    for (std::size_t i = 0; i < kPiece; ++i) {
      words[i] = static_cast<std::uint32_t>(base + i);
      complements[i] = ~words[i];
    }
    normal_transform(words, values);
    normal_transform(complements, negatives);
    for (std::size_t i = 0; i < kPiece; ++i) {
      result.symmetric &= std::bit_cast<std::uint32_t>(negatives[i]) ==
                          (std::bit_cast<std::uint32_t>(values[i]) ^ 0x80000000u);
      if (values[i] == run_value) continue;
      result.monotone &= values[i] > run_value;
      if (base + i != 0) result.add_run(run_value, run_first, base + i - 1);
      run_value = values[i];
      run_first = base + i;
    }
  }
  result.monotone &= run_value < 0;
  result.add_run(run_value, run_first, kHalf - 1);
  return result;
}

TEST(NormalTransformSlowTest, AllWordsAreMonotoneSymmetricAndWithinTheStatedError) {
  const Walk walk = walk_all();
  EXPECT_TRUE(walk.monotone);
  EXPECT_TRUE(walk.symmetric);
  EXPECT_LT(walk.error_max, kNormalErrorMax);
  // Moments over all 2^32 words; odd ones vanish by symmetry. The bounds are the protocol's.
  const auto moment = [](long double sum) { return static_cast<double>(sum / kHalf); };
  RecordProperty("error_max", std::to_string(walk.error_max * 1e9) + "e-9");
  std::printf("error_max %.4g, second moment 1 %+.3g, fourth 3 %+.3g, sixth 15 %+.3g\n",
              walk.error_max, moment(walk.second) - 1, moment(walk.fourth) - 3,
              moment(walk.sixth) - 15);
  EXPECT_NEAR(moment(walk.second), 1.0, 1e-8);
  EXPECT_NEAR(moment(walk.fourth), 3.0, 1.1e-7);
  EXPECT_NEAR(moment(walk.sixth), 15.0, 3e-6);
}

TEST(StreamSlowTest, AHundredMillionValuesPassKolmogorovSmirnovAndAndersonDarling) {
  constexpr Region kRegion{.channels = 4, .rows = 5000, .columns = 5000};
  std::vector<float> values(kRegion.elements());
  const auto stream = Stream::open(Seed::parse("goodness of fit").value(), "init", 0);
  ASSERT_TRUE(stream->normal(kRegion, values));
  std::ranges::sort(values);
  const auto n = static_cast<double>(values.size());
  double distance = 0;
  long double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double below = phi_below(values[i]);
    const double above = phi_below(-static_cast<double>(values[i]));
    const auto rank = static_cast<double>(i);
    distance = std::max({distance, below - rank / n, (rank + 1) / n - below});
    sum += (2 * rank + 1) * std::log(below) + (2 * (n - rank) - 1) * std::log(above);
  }
  const double ks = std::sqrt(n) * distance;
  const auto ad = static_cast<double>(-n - sum / n);
  std::printf("sqrt(n) D = %.3f, A^2 = %.3f\n", ks, ad);
  EXPECT_LT(ks, 1.628);  // 1 % point of Kolmogorov's distribution
  EXPECT_LT(ad, 3.857);  // 1 % point, all parameters known (Stephens 1974, case 0)
  EXPECT_GT(ks, 0.441);  // 1 % point from below: values that fit too well are no random ones
}

}  // namespace
}  // namespace calx::noise
