// Goal: means and covariances of a run, and the figures that a certificate is made of.
// Method: parity with sums over the whole set at once; a certificate of samples drawn from the law
// passes, one of samples from another law fails by name; faults.
#include "calx/thermo/moments.h"

#include <gmock/gmock.h>

#include "calx/thermo/eigen_view.h"
#include "calx/thermo/exact_law.h"
#include "calx/thermo/example_substrate.h"
#include "calx/thermo/gaussian_judge.h"
#include "calx/thermo/noise_source.h"

namespace calx::thermo {
namespace {

using testing::HasSubstr;

Matrix example_covariance() {
  return equilibrium_covariance(dense_stiffness(example_substrate(8, 2)).value(), 1).value();
}

// [samples, 19] from N(0, covariance).
Eigen::MatrixXd draw(const Matrix& covariance, std::uint32_t samples) {
  std::vector<std::uint32_t> words(samples * covariance.rows);
  std::vector<float> xi(words.size());
  normals(*philox_noise(noise::Seed::from_integer(std::int64_t{9})),
          {.chains = samples, .units = static_cast<std::uint32_t>(covariance.rows)}, words, xi);
  const Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>> rows(
      xi.data(), samples, static_cast<Eigen::Index>(covariance.rows));
  return rows.cast<double>() * view(square_root(covariance).value()).transpose();
}

std::vector<double> row_of(const Eigen::MatrixXd& x, Eigen::Index i) {
  return to_vector(Eigen::VectorXd(x.row(i)));
}

TEST(MomentsTest, AgreesWithSumsOverTheWholeSet) {
  const Eigen::MatrixXd x = draw(example_covariance(), 500).array() + 100;
  Moments moments(19), variances(19, Moments::Keep::kVariances);
  for (Eigen::Index i = 0; i < x.rows(); ++i) {
    moments.add(row_of(x, i));
    variances.add(row_of(x, i));
  }
  const Eigen::VectorXd mean = x.colwise().mean();
  const Eigen::MatrixXd centred = x.rowwise() - mean.transpose();
  const Eigen::MatrixXd wanted = centred.transpose() * centred / 499;
  EXPECT_LT((view(moments.mean()) - mean).norm(), 1e-11);
  EXPECT_LT((view(moments.covariance()) - wanted).norm(), 1e-11 * wanted.norm());
  EXPECT_LT((view(variances.variances()) - wanted.diagonal()).norm(), 1e-11 * wanted.norm());
  EXPECT_EQ(moments.samples(), 500u);
}

Certificate judge(const Matrix& claimed, const Eigen::MatrixXd& x) {
  auto judge = GaussianJudge::create(std::vector<double>(claimed.rows), claimed).value();
  for (Eigen::Index i = 0; i < x.rows(); ++i) judge.add(row_of(x, i));
  return judge.judge(static_cast<double>(x.rows()));
}

TEST(MomentsTest, CertifiesSamplesOfTheLaw) {
  const Matrix c = example_covariance();
  const auto certificate = judge(c, draw(c, 20'000));
  EXPECT_TRUE(certificate.passed()) << describe(certificate);
  EXPECT_THAT(describe(certificate), HasSubstr("pass  trace"));
}

TEST(MomentsTest, NamesWhatIsWrong) {
  const Matrix c = example_covariance();
  const Eigen::MatrixXd x = draw(c, 20'000);
  EXPECT_TRUE(judge(c, x * 1.02).found("trace"));
  EXPECT_TRUE(judge(c, x.array() + 0.05).found("mean"));
  Eigen::MatrixXd swapped = x;
  swapped.col(0).swap(swapped.col(18));
  EXPECT_TRUE(judge(c, swapped).found("frobenius"));
  Eigen::MatrixXd flat = x.array().sign() * 0.5;
  EXPECT_TRUE(judge(c, flat).found("coverage"));
  Eigen::MatrixXd still = x;
  still.col(3).setZero();
  EXPECT_TRUE(judge(c, still).found("modes"));
  EXPECT_TRUE(judge(c, x.topRows(900)).found("samples"));
  EXPECT_FALSE(judge(c, x.topRows(0)).passed());
  EXPECT_FALSE(Certificate{}.passed());
}

TEST(MomentsTest, RefusesALawThatIsNone) {
  EXPECT_FALSE(GaussianJudge::create(std::vector<double>(2), Matrix(2, 2)));
  EXPECT_FALSE(GaussianJudge::create(std::vector<double>(3), Matrix(2, 2)));
}

}  // namespace
}  // namespace calx::thermo
