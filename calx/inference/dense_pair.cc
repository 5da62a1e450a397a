#include "calx/inference/dense_pair.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <cmath>
#include <new>
#include <utility>

#include "calx/base/assert.h"

namespace calx::inference {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using FloatRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// One column a row of the input: [D, n].
MatrixXd columns_of(std::span<const float> rows, Index units) {
  const Index n = static_cast<Index>(rows.size()) / units;
  CALX_ASSERT(n * units == static_cast<Index>(rows.size()));
  return Eigen::Map<const FloatRows>(rows.data(), n, units).transpose().cast<double>();
}

std::vector<float> rows_of(const Eigen::Ref<const MatrixXd>& columns) {
  std::vector<float> rows(static_cast<std::size_t>(columns.size()));
  Eigen::Map<FloatRows>(rows.data(), columns.cols(), columns.rows()) =
      columns.transpose().cast<float>();
  return rows;
}

thermo::Spectrum spectrum_of(const MatrixXd& matrix) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(matrix, Eigen::EigenvaluesOnly);
  return {solver.eigenvalues()(0), solver.eigenvalues()(matrix.rows() - 1)};
}

}  // namespace

struct DensePair::Parts {
  Index d = 0;
  MatrixXd m;
  Eigen::LLT<MatrixXd> whole, decoder;

  [[nodiscard]] auto a() const { return m.topLeftCorner(d, d); }
  [[nodiscard]] auto b() const { return m.bottomRightCorner(d, d); }
  [[nodiscard]] auto j() const { return m.topRightCorner(d, d); }

  [[nodiscard]] MatrixXd stack(std::span<const float> encoder,
                               std::span<const float> decoder_rows) const {
    CALX_ASSERT(encoder.size() == decoder_rows.size());
    MatrixXd both(2 * d, static_cast<Index>(encoder.size()) / d);
    both.topRows(d) = columns_of(encoder, d);
    both.bottomRows(d) = columns_of(decoder_rows, d);
    return both;
  }
  [[nodiscard]] PairRows split(const MatrixXd& both) const {
    return {rows_of(both.topRows(d)), rows_of(both.bottomRows(d))};
  }
};

DensePair::DensePair(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
DensePair::DensePair(DensePair&&) noexcept = default;
DensePair& DensePair::operator=(DensePair&&) noexcept = default;
DensePair::~DensePair() = default;

Result<DensePair> DensePair::of(const thermo::Substrate& pair) try {
  CALX_TRY(thermo::check(pair));
  const auto& modules = pair.modules;
  const bool plain = modules.size() == 2 && pair.couplings.size() == 1 &&
                     modules[0].units == modules[1].units && !modules[0].clamped &&
                     !modules[1].clamped && modules[0].quartic.empty() &&
                     modules[1].quartic.empty();
  if (!plain) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("dense pair: {} modules and {} couplings, wanted two free modules of "
                            "equally many units without quartic terms, and one coupling",
                            modules.size(), pair.couplings.size()));
  }
  CALX_ASSIGN(m, thermo::dense_stiffness(pair));
  auto parts = std::make_unique<Parts>();
  parts->d = static_cast<Index>(modules[0].units);
  const Index n = 2 * parts->d;
  parts->m = Eigen::Map<const MatrixXd>(m.values.data(), n, n);
  parts->m = ((parts->m + parts->m.transpose()) / 2).eval();
  parts->whole.compute(parts->m);
  parts->decoder.compute(MatrixXd(parts->b()));
  if (parts->whole.info() != Eigen::Success || parts->decoder.info() != Eigen::Success) {
    return fail(ErrorCode::kInvalidArgument,
                "dense pair: M is not positive definite, wanted an energy with a minimum");
  }
  return DensePair(std::move(parts));
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted, "dense pair: no memory for its matrix");
}

std::size_t DensePair::units() const noexcept { return static_cast<std::size_t>(parts_->d); }

std::vector<float> DensePair::encoder_bias(std::span<const float> x) const {
  return rows_of(parts_->a() * columns_of(x, parts_->d));
}

std::vector<float> DensePair::decoder_bias(std::span<const float> d) const {
  return rows_of(parts_->b() * columns_of(d, parts_->d));
}

PairRows DensePair::consistent_bias(std::span<const float> x, std::span<const float> d) const {
  return parts_->split(parts_->m * parts_->stack(x, d));
}

std::vector<float> DensePair::coupled(std::span<const float> x) const {
  return rows_of(parts_->j().transpose() * columns_of(x, parts_->d));
}

PairRows DensePair::rest(std::span<const float> encoder, std::span<const float> decoder) const {
  return parts_->split(parts_->whole.solve(parts_->stack(encoder, decoder)));
}

std::vector<float> DensePair::decoder_alone(std::span<const float> decoder) const {
  return rows_of(parts_->decoder.solve(columns_of(decoder, parts_->d)));
}

Result<std::vector<float>> DensePair::snapshots(const PairRows& mean, double temperature_kt,
                                                double n, const thermo::NoiseSource& source,
                                                std::uint64_t step) const {
  const Parts& p = *parts_;
  const auto units = static_cast<std::uint32_t>(2 * p.d);
  const auto rows = static_cast<std::uint32_t>(static_cast<Index>(mean.decoder.size()) / p.d);
  CALX_TRY(source.check({.steps = step + 1, .chains = rows, .units = units}));
  std::vector<std::uint32_t> words(std::size_t{rows} * units);
  std::vector<float> xi(words.size());
  thermo::normals(source, {.step = step, .chains = rows, .units = units}, words, xi);
  const MatrixXd noise = p.whole.matrixU().solve(columns_of(xi, 2 * p.d));
  return rows_of(columns_of(mean.decoder, p.d) +
                 std::sqrt(temperature_kt / n) * noise.bottomRows(p.d));
}

double DensePair::heat(const PairRows& z) const {
  const MatrixXd both = parts_->stack(z.encoder, z.decoder);
  return both.cwiseProduct(parts_->m * both).sum() / 2 / static_cast<double>(both.cols());
}

DensePair::Spectra DensePair::spectra() const {
  const Parts& p = *parts_;
  const MatrixXd j = p.j();
  return {spectrum_of(p.a()), spectrum_of(p.b()), spectrum_of(p.m),
          std::sqrt(spectrum_of(j.transpose() * j).largest), j.norm()};
}

double DensePair::encoder_mean() const {
  return parts_->a().trace() / static_cast<double>(parts_->d);
}

}  // namespace calx::inference
