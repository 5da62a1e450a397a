#include "calx/thermo/stiffness.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

#include "calx/thermo/eigen_view.h"

namespace calx::thermo {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

Index at(std::size_t i) { return static_cast<Index>(i); }

double onsite(const std::vector<double>& values, std::size_t i) {
  return values.empty() ? 0.0 : values[values.size() == 1 ? 0 : i];
}

// One column of W and its partner: K holds `strength` at (column, partner).
struct Column {
  std::size_t partner;
  double strength;
};

struct Block {
  Index offset = 0;
  MatrixXd basis;  // eigenvectors of the module's own block; empty: the block is diagonal
};

struct Quadratic {
  VectorXd d;
  MatrixXd w;
  MatrixXd kernel_inverse;
  std::vector<Block> blocks;
  Index kernel_negative = 0;

  void rotate(VectorXd& x, bool back) const {
    for (const Block& block : blocks) {
      if (block.basis.size() == 0) continue;
      auto part = x.segment(block.offset, block.basis.rows());
      part = back ? VectorXd(block.basis * part) : VectorXd(block.basis.transpose() * part);
    }
  }

  [[nodiscard]] MatrixXd schur(double t) const {
    const VectorXd inverse = (d.array() - t).inverse();
    return kernel_inverse + w.transpose() * inverse.asDiagonal() * w;
  }

  [[nodiscard]] std::size_t count_below(double t) const {
    // An eigenvalue of D exactly at t has no side; the count moves by a hair instead.
    const double hair = std::max(1e-15 * d.cwiseAbs().maxCoeff(), 1e-250);
    while ((d.array() == t).any()) t += hair;
    const auto below = (d.array() < t).count();
    if (w.cols() == 0) return static_cast<std::size_t>(below);
    const VectorXd values = EigenSolver(schur(t), Eigen::EigenvaluesOnly).eigenvalues();
    const auto negative = (values.array() <= 0).count();
    return static_cast<std::size_t>(below + kernel_negative - negative);
  }
};

// The free units that `keep` names, as modules with their blocks and the rows of the factors.
struct Builder {
  const Substrate& substrate;
  Places place;
  std::vector<std::vector<std::size_t>> rows;  // per module: indices of its units that are kept
  std::vector<Index> offset;
  Index units = 0;

  Builder(const Substrate& from, bool only_without_quartic) : substrate(from), place(places(from)) {
    for (const Module& module : substrate.modules) {
      offset.push_back(units);
      auto& kept = rows.emplace_back();
      for (std::size_t i = 0; !module.clamped && i < module.units; ++i) {
        if (!only_without_quartic || onsite(module.quartic, i) == 0) kept.push_back(i);
      }
      units += at(kept.size());
    }
  }

  void add_block(std::size_t m, Quadratic& q) const {
    const Module& module = substrate.modules[m];
    const auto& kept = rows[m];
    Block block{offset[m], {}};
    if (module.intra.empty()) {
      for (std::size_t i = 0; i < kept.size(); ++i) {
        q.d(offset[m] + at(i)) = 2 * onsite(module.quadratic, kept[i]);
      }
    } else if (!kept.empty()) {
      MatrixXd own(at(kept.size()), at(kept.size()));
      for (std::size_t i = 0; i < kept.size(); ++i) {
        for (std::size_t j = 0; j < kept.size(); ++j) {
          own(at(i), at(j)) = module.intra(kept[i], kept[j]);
        }
        own(at(i), at(i)) += 2 * onsite(module.quadratic, kept[i]);
      }
      const EigenSolver solver(own);
      q.d.segment(offset[m], own.rows()) = solver.eigenvalues();
      block.basis = solver.eigenvectors();
    }
    q.blocks.push_back(std::move(block));
  }

  void put_factor(std::size_t m, const Matrix& factor, std::size_t from, std::size_t column,
                  Quadratic& q) const {
    for (std::size_t i = 0; i < rows[m].size(); ++i) {
      q.w(offset[m] + at(i), at(column)) = factor(rows[m][i], from);
    }
  }

  [[nodiscard]] Result<Quadratic> build() const {
    std::vector<Column> columns;
    struct Use {
      std::size_t module;
      const Matrix* factor;
      std::size_t from;
    };
    std::vector<Use> uses;
    for (const Coupling& c : substrate.couplings) {
      // A clamped end of a coupling is a bias, no stiffness.
      if (substrate.modules[c.first].clamped || substrate.modules[c.second].clamped) continue;
      for (std::size_t k = 0; k < c.rank(); ++k) {
        const double strength = c.strength.empty() ? 1.0 : c.strength[k];
        if (strength == 0) continue;
        const std::size_t here = columns.size();
        uses.push_back({c.first, &c.left, k});
        if (c.first == c.second) {
          columns.push_back({here, strength});
          continue;
        }
        uses.push_back({c.second, &c.right, k});
        columns.push_back({here + 1, strength});
        columns.push_back({here, strength});
      }
    }
    if (columns.size() > kFactorColumnsMax) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("substrate: {} factor columns in all, wanted at most {}",
                              columns.size(), kFactorColumnsMax));
    }
    Quadratic q;
    q.d.resize(units);
    q.w.setZero(units, at(columns.size()));
    q.kernel_inverse.setZero(at(columns.size()), at(columns.size()));
    for (std::size_t m = 0; m < substrate.modules.size(); ++m) add_block(m, q);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      put_factor(uses[c].module, *uses[c].factor, uses[c].from, c, q);
      q.kernel_inverse(at(c), at(columns[c].partner)) = 1 / columns[c].strength;
      const bool self = columns[c].partner == c;
      // [[0, s], [s, 0]] has one negative eigenvalue whatever s is.
      q.kernel_negative += self ? (columns[c].strength < 0 ? 1 : 0) : (columns[c].partner > c);
    }
    for (const Block& block : q.blocks) {
      if (block.basis.size() == 0) continue;
      auto part = q.w.middleRows(block.offset, block.basis.rows());
      part = MatrixXd(block.basis.transpose() * part);
    }
    return q;
  }
};

}  // namespace

struct Stiffness::Parts {
  Quadratic q;
  bool positive_definite = false;
};

Stiffness::Stiffness(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Stiffness::Stiffness(Stiffness&&) noexcept = default;
Stiffness& Stiffness::operator=(Stiffness&&) noexcept = default;
Stiffness::~Stiffness() = default;

Result<Stiffness> Stiffness::of(const Substrate& substrate) try {
  CALX_TRY(check(substrate));
  const bool quartic = std::ranges::any_of(substrate.modules, [](const Module& module) {
    return !module.clamped && std::ranges::any_of(module.quartic, [](double j) { return j > 0; });
  });
  auto whole = Builder(substrate, false).build();
  if (!whole) return fail(std::move(whole));
  auto parts = std::make_unique<Parts>();
  parts->q = std::move(*whole);
  parts->positive_definite = parts->q.count_below(0) == 0;
  Stiffness result(std::move(parts));
  if (result.positive_definite()) return result;

  std::size_t negative = result.count_below(0);
  if (quartic) {
    auto held = Builder(substrate, true).build();
    if (!held) return fail(std::move(held));
    negative = held->d.size() == 0 ? 0 : held->count_below(0);
    if (negative == 0) return result;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("substrate: the energy is indefinite ({} of {} eigenvalues are not "
                          "positive, the least is {:.6g}), wanted a positive definite M: weaken "
                          "the couplings or raise J2",
                          negative, result.units(), result.spectrum().least));
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted, "substrate: no memory for its stiffness matrix");
}

std::size_t Stiffness::units() const noexcept {
  return static_cast<std::size_t>(parts_->q.d.size());
}

bool Stiffness::positive_definite() const noexcept { return parts_->positive_definite; }

std::size_t Stiffness::count_below(double t) const { return parts_->q.count_below(t); }

Spectrum Stiffness::spectrum() const {
  const Quadratic& q = parts_->q;
  // Weyl: the couplings move no eigenvalue further than their norm.
  double reach = 0;
  if (q.w.cols() > 0) {
    const MatrixXd gram = q.w.transpose() * q.w;
    const double norm = EigenSolver(gram, Eigen::EigenvaluesOnly).eigenvalues().maxCoeff();
    const double strength =
        EigenSolver(q.kernel_inverse, Eigen::EigenvaluesOnly).eigenvalues().cwiseAbs().minCoeff();
    reach = norm / strength;
  }
  const double low = q.d.minCoeff() - reach, high = q.d.maxCoeff() + reach;
  const double tolerance = 1e-10 * std::max(std::abs(low), std::abs(high));
  // The place where the count of eigenvalues below reaches `wanted`.
  const auto search = [&](std::size_t wanted) {
    double left = low - tolerance, right = high + tolerance;
    while (right - left > tolerance) {
      const double middle = left + (right - left) / 2;
      if (middle == left || middle == right) break;
      (q.count_below(middle) >= wanted ? right : left) = middle;
    }
    return left + (right - left) / 2;
  };
  return {search(1), search(units())};
}

Result<std::vector<double>> Stiffness::solve(std::span<const double> b) const {
  const Quadratic& q = parts_->q;
  if (b.size() != units()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("bias of {} values, wanted {}, one a free unit", b.size(), units()));
  }
  if (!positive_definite()) {
    return fail(ErrorCode::kInvalidArgument,
                "substrate: its quadratic energy has no minimum, so it has no mean M^-1 b");
  }
  VectorXd x = view(b);
  q.rotate(x, false);
  x.array() /= q.d.array();
  if (q.w.cols() > 0) {
    const VectorXd t = q.schur(0).fullPivLu().solve(q.w.transpose() * x);
    x.array() -= (q.w * t).array() / q.d.array();
  }
  q.rotate(x, true);
  return to_vector(x);
}

Result<double> Stiffness::trace_of_inverse() const {
  const Quadratic& q = parts_->q;
  if (!positive_definite()) {
    return fail(ErrorCode::kInvalidArgument,
                "substrate: its quadratic energy has no minimum, so M^-1 has no meaning");
  }
  const double own = q.d.array().inverse().sum();
  if (q.w.cols() == 0) return own;
  const VectorXd weight = q.d.array().square().inverse();
  const MatrixXd correction = q.w.transpose() * weight.asDiagonal() * q.w;
  return own - q.schur(0).fullPivLu().solve(correction).trace();
}

Result<Matrix> dense_stiffness(const Substrate& substrate) {
  const Places place = places(substrate);
  if (place.free_units > kDenseUnitsMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("substrate: {} free units, wanted at most {} for a matrix in full",
                            place.free_units, kDenseUnitsMax));
  }
  Matrix m(place.free_units, place.free_units);
  for (std::size_t p = 0; p < substrate.modules.size(); ++p) {
    const Module& module = substrate.modules[p];
    if (module.clamped) continue;
    const std::size_t o = place.offset[p];
    for (std::size_t i = 0; i < module.units; ++i) {
      for (std::size_t j = 0; j < module.intra.columns; ++j) m(o + i, o + j) = module.intra(i, j);
      m(o + i, o + i) += 2 * onsite(module.quadratic, i);
    }
  }
  for (const Coupling& c : substrate.couplings) {
    if (substrate.modules[c.first].clamped || substrate.modules[c.second].clamped) continue;
    const bool self = c.first == c.second;
    const Matrix& right = self ? c.left : c.right;
    for (std::size_t i = 0; i < c.left.rows; ++i) {
      for (std::size_t j = 0; j < right.rows; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < c.rank(); ++k) {
          sum += c.left(i, k) * (c.strength.empty() ? 1.0 : c.strength[k]) * right(j, k);
        }
        const std::size_t row = place.offset[c.first] + i, column = place.offset[c.second] + j;
        m(row, column) += sum;
        if (!self) m(column, row) += sum;
      }
    }
  }
  return m;
}

}  // namespace calx::thermo
