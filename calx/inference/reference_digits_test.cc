// Goal: the drawn digits are those that the reference defines, and a comparable task.
// Method: its renderer vector (image 0 of its own generator), and its measured shares on 2,400 of
// our pictures, each within five standard errors of both samples.
#include "calx/inference/reference_digits.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>

namespace calx::inference {
namespace {

constexpr std::size_t kPixels = 1024;
constexpr std::size_t kPictures = 2400;
constexpr double kReferencePictures = 12'000;

const diffusion::DigitSet& drawn() {
  static const auto set = draw_reference_digits(noise::Seed(), 0, kPictures).value();
  return set;
}

TEST(ReferenceDigitsTest, RenderTheReferencesFirstPicture) {
  constexpr std::array kJitter = {Point{-0.012842844795013951, -0.024387485644546403},
                                  Point{-0.013402839392297647, -0.02761704574826007},
                                  Point{-0.02480078998564535, 0.07229582929202918},
                                  Point{0.025131708346778955, -0.03252932841262044}};
  constexpr std::array kPlaced = {
      Point{18.164651241586373, 23.88763961224228}, Point{21.121923407861953, 8.060609325892331},
      Point{9.83999791869499, 19.711216223321784}, Point{23.12728603764484, 18.957788560982948}};
  const DigitPose pose{.rotation = 0.021487786708882507,
                       .shear = -0.1651167100607771,
                       .scale_x = 1.0335639064062943,
                       .scale_y = 0.860184144642589,
                       .half_width = 1.4724034073623666,
                       .centre = {16.77545238, 16.17021586}};
  const Glyph glyph = placed(reference_glyph(4), pose, kJitter);
  ASSERT_EQ(glyph.size(), 1U);
  ASSERT_EQ(glyph[0].size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {  // the centre is given to 8 decimals
    EXPECT_NEAR(glyph[0][i].x, kPlaced[i].x, 1e-8) << i;
    EXPECT_NEAR(glyph[0][i].y, kPlaced[i].y, 1e-8) << i;
  }
  std::array<float, kPixels> pixels{};
  render(glyph, pose.half_width, pixels);
  double sum = 0, squares = 0;
  for (const float value : pixels) {
    sum += double{value};
    squares += double{value} * double{value};
  }
  const double mean = sum / kPixels;
  EXPECT_NEAR(sum, -773.7838, 1e-3);
  EXPECT_NEAR(mean, -0.75564826, 1e-6);
  EXPECT_NEAR(std::sqrt(squares / kPixels - mean * mean), 0.6158154, 1e-5);

  constexpr std::array<std::string_view, 20> kInk = {
      "00000000000000000000450000000000", "00000000000000000006ff7000000000",
      "0000000000000000006fff8000000000", "000000000000000006ffff5000000000",
      "00000000000000005fffff3000000000", "0000000000000005ffffff0000000000",
      "000000000000005fffcffc0000000000", "00000000000004fffc6ff90000000000",
      "0000000000004fffc19ff60000000000", "000000000004effd20bff40000000000",
      "00000000003effd200eff10000000000", "0000000003effd2123ffd67700000000",
      "000000002dffefffffffffff80000000", "000000009fffffffffffffff70000000",
      "000000006fffffedcbff987600000000", "00000000022110000dff200000000000",
      "00000000000000001ffe000000000000", "00000000000000004ffb000000000000",
      "00000000000000003ff8000000000000", "00000000000000000350000000000000"};
  constexpr std::size_t kFirstRow = 6;
  for (std::size_t row = 0; row < 32; ++row) {
    const bool inked = row >= kFirstRow && row < kFirstRow + kInk.size();
    for (std::size_t column = 0; column < 32; ++column) {
      const double value = double{pixels[row * 32 + column]};
      const int shade = static_cast<int>(std::floor(15 * (value + 1) / 2 + 0.5));
      const int wanted =
          inked ? std::stoi(std::string(1, kInk[row - kFirstRow][column]), nullptr, 16) : 0;
      EXPECT_LE(std::abs(shade - wanted), inked ? 1 : 0) << row << " " << column;
    }
  }
}

TEST(ReferenceDigitsTest, PictureDependsOnSeedAndIndexAlone) {
  const auto alone = draw_reference_digits(noise::Seed(), 17, 1);
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->labels[0], drawn().labels[17]);
  EXPECT_TRUE(std::ranges::equal(alone->picture(0), drawn().picture(17)));
  const auto other = draw_reference_digits(noise::Seed::from_integer(std::int64_t{1}), 17, 1);
  EXPECT_NE(other->pictures, alone->pictures);
  EXPECT_NE(other->digest, alone->digest);
}

// Mean over pictures of some figure of one picture, against the reference's mean over 12,000.
template <class Figure>
void expect_share(const char* what, double reference, Figure&& figure, int label = -1) {
  double sum = 0, squares = 0, count = 0;
  for (std::size_t i = 0; i < drawn().size(); ++i) {
    if (label >= 0 && drawn().labels[i] != label) continue;
    double of_picture = 0;
    for (const float value : drawn().picture(i)) of_picture += figure(double{value});
    of_picture /= kPixels;
    sum += of_picture;
    squares += of_picture * of_picture;
    ++count;
  }
  const double mean = sum / count, variance = squares / count - mean * mean;
  const double theirs = kReferencePictures * count / kPictures;
  EXPECT_NEAR(mean, reference, 5 * std::sqrt(variance / count + variance / theirs) + 5e-4) << what;
}

TEST(ReferenceDigitsTest, SharesOfInkAreTheReferences) {
  expect_share("mean", -0.7787, [](double v) { return v; });
  expect_share("mean square", 0.5841 * 0.5841 + 0.7787 * 0.7787, [](double v) { return v * v; });
  expect_share("ink", 0.1106, [](double v) { return v > 0 ? 1.0 : 0.0; });
  expect_share("background", 0.8499, [](double v) { return v == -1 ? 1.0 : 0.0; });
  expect_share("full ink", 0.0713, [](double v) { return v == 1 ? 1.0 : 0.0; });
  constexpr std::array kByDigit = {.126, .068, .117, .114, .112, .120, .115, .086, .140, .107};
  for (int digit = 0; digit < 10; ++digit) {
    expect_share(
        std::to_string(digit).c_str(), kByDigit[static_cast<std::size_t>(digit)],
        [](double v) { return v > 0 ? 1.0 : 0.0; }, digit);
  }
}

// The largest eigenvalue of n samples spreads by a share of sqrt(2 / n): 0.0026 of 0.0907; sums of
// more spread less relative to their size, and a sample of 2,400 lifts the later ones by the share
// of its own noise, below 0.01.
TEST(ReferenceDigitsTest, PrincipalSharesAreTheReferences) {
  using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Rows x = Eigen::Map<const Rows>(drawn().pictures.data(), kPictures, kPixels);
  const Eigen::RowVectorXf mean = x.colwise().mean();
  x.rowwise() -= mean;
  Eigen::MatrixXf covariance = Eigen::MatrixXf::Zero(kPixels, kPixels);
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose(), 1.0f / kPictures);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solver(covariance, Eigen::EigenvaluesOnly);
  const Eigen::VectorXd spectrum = solver.eigenvalues().reverse().cast<double>();
  EXPECT_NEAR(spectrum.sum() / kPixels, 0.2215, 0.003);
  constexpr std::array<std::pair<int, double>, 5> kShares = {
      {{1, .0907}, {4, .2952}, {16, .6416}, {64, .8918}, {256, .9857}}};
  for (const auto& [count, share] : kShares) {
    EXPECT_NEAR(spectrum.head(count).sum() / spectrum.sum(), share, 0.015) << count;
  }
}

TEST(ReferenceDigitsTest, RefusesNoPictures) {
  EXPECT_FALSE(draw_reference_digits(noise::Seed(), 0, 0));
  EXPECT_FALSE(draw_reference_digits(noise::Seed(), 0, diffusion::kDigitsMax + 1));
}

}  // namespace
}  // namespace calx::inference
