#include "calx/thermo/field.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace calx::thermo {
namespace {

std::size_t blocks_of(std::size_t units) { return (units + kLanes - 1) / kLanes; }

// The lanes of one block; those past the end are 0.
template <class Real>
using Lanes = std::array<Real, kLanes>;

template <class Real>
Lanes<Real> load(const Real* x, std::size_t count) noexcept {
  Lanes<Real> lanes{};
  if (count >= kLanes) {
    for (std::size_t l = 0; l < kLanes; ++l) lanes[l] = x[l];
  } else {
    std::copy_n(x, count, lanes.begin());
  }
  return lanes;
}

// out[i] += sum over k, in order, of factor[i][k] v[k].
template <class Real>
void drive(const Real* factor, std::size_t units, std::size_t rank, const Real* v,
           Real* out) noexcept {
  for (std::size_t first = 0; first < units; first += kLanes) {
    const std::size_t count = std::min(kLanes, units - first);
    Lanes<Real> sum = load(out + first, count);
    for (std::size_t k = 0; k < rank; ++k, factor += kLanes) {
      for (std::size_t l = 0; l < kLanes; ++l) sum[l] += factor[l] * v[k];
    }
    std::copy_n(sum.begin(), count, out + first);
  }
}

// t[k] += the sums of one chunk for `width` of the factor's columns.
template <class Real>
void collect_chunk(const Real* factor, std::size_t rank, std::size_t width, const Real* x,
                   std::size_t units, Real* t) noexcept {
  std::array<Lanes<Real>, kLanes> sums{};
  for (std::size_t first = 0; first < units; first += kLanes, factor += rank * kLanes) {
    const Lanes<Real> here = load(x + first, units - first);
    for (std::size_t k = 0; k < width; ++k) {
      for (std::size_t l = 0; l < kLanes; ++l) sums[k][l] += here[l] * factor[k * kLanes + l];
    }
  }
  for (std::size_t k = 0; k < width; ++k) t[k] += sum_of_lanes(sums[k].data());
}

// t += the sums of one port.
template <class Real>
void collect_port(const typename Field<Real>::Port& port, const Real* x, Real* t) noexcept {
  for (std::size_t first = 0; first < port.units; first += kChunkUnits) {
    const std::size_t units = std::min(kChunkUnits, port.units - first);
    const Real* factor = port.factor.data() + first * port.rank;
    for (std::size_t k = 0; k < port.rank; k += kLanes) {
      collect_chunk(factor + k * kLanes, port.rank, std::min(kLanes, port.rank - k), x + first,
                    units, t + k);
    }
  }
}

}  // namespace

template <class Real>
Real sum_of_lanes(const Real* lanes) noexcept {
  Lanes<Real> sum;
  std::copy_n(lanes, kLanes, sum.begin());
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t l = 0; l < half; ++l) sum[l] += sum[l + half];
  }
  return sum[0];
}

template float sum_of_lanes(const float*) noexcept;
template double sum_of_lanes(const double*) noexcept;

template <class Real>
auto Field<Real>::blocked(const Matrix& matrix) -> Values {
  Values values(blocks_of(matrix.rows) * matrix.columns * kLanes);
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    for (std::size_t k = 0; k < matrix.columns; ++k) {
      const auto value = static_cast<Real>(matrix(i, k));
      finite_ = finite_ && std::isfinite(value);
      values[(i / kLanes * matrix.columns + k) * kLanes + i % kLanes] = value;
    }
  }
  return values;
}

template <class Real>
void Field<Real>::add_port(const Coupling& coupling, const Matrix& factor, std::size_t offset,
                           std::size_t partner) {
  Port port{.offset = offset,
            .units = factor.rows,
            .rank = coupling.rank(),
            .sums = sums_,
            .partner = partner,
            .factor = blocked(factor),
            .strength = Values(coupling.rank(), Real{1})};
  for (std::size_t k = 0; k < coupling.strength.size(); ++k) {
    port.strength[k] = static_cast<Real>(coupling.strength[k]);
    finite_ = finite_ && std::isfinite(port.strength[k]);
  }
  sums_ += coupling.rank();
  ports_.push_back(std::move(port));
}

template <class Real>
Field<Real>::Field(const Substrate& substrate) {
  const Places place = places(substrate);
  units_ = place.free_units;
  const auto spread = [this](const std::vector<double>& from, std::size_t units, double scale) {
    Values values(units);
    for (std::size_t i = 0; i < units; ++i) {
      values[i] = static_cast<Real>(scale * from[from.size() == 1 ? 0 : i]);
      finite_ = finite_ && std::isfinite(values[i]);
    }
    return values;
  };
  std::vector<std::size_t> part_of(substrate.modules.size());
  for (std::size_t m = 0; m < substrate.modules.size(); ++m) {
    const Module& module = substrate.modules[m];
    if (module.clamped) continue;
    Part part{.offset = place.offset[m],
              .units = module.units,
              .twice_j2 = spread(module.quadratic, module.units, 2)};
    if (std::ranges::any_of(module.quartic, [](double j4) { return j4 != 0; })) {
      part.four_j4 = spread(module.quartic, module.units, 4);
      quartic_ = true;
    }
    if (!module.intra.empty()) part.intra = blocked(module.intra);
    parts_.push_back(std::move(part));
    part_of[m] = parts_.size() - 1;
  }
  for (const Coupling& c : substrate.couplings) {
    if (substrate.modules[c.first].clamped || substrate.modules[c.second].clamped) continue;
    const std::size_t sums = sums_;
    const bool self = c.first == c.second;
    parts_[part_of[c.first]].ports.push_back(ports_.size());
    add_port(c, c.left, place.offset[c.first], self ? sums : sums + c.rank());
    if (self) continue;
    parts_[part_of[c.second]].ports.push_back(ports_.size());
    add_port(c, c.right, place.offset[c.second], sums);
  }
}

template <class Real>
void Field<Real>::collect(const Real* x, Real* t) const noexcept {
  std::fill_n(t, sums_, Real{0});
  for (const Port& port : ports_) collect_port<Real>(port, x + port.offset, t + port.sums);
}

template <class Real>
void Field<Real>::drives(const Real* t, Real* v) const noexcept {
  for (const Port& port : ports_) {
    for (std::size_t k = 0; k < port.rank; ++k) {
      v[port.sums + k] = port.strength[k] * t[port.partner + k];
    }
  }
}

template <class Real>
void Field<Real>::gradient(const Real* x, const Real* bias, Real* out,
                           Real* scratch) const noexcept {
  Real* v = scratch + sums_;
  collect(x, scratch);
  drives(scratch, v);
  for (const Part& part : parts_) {
    const Real* here = x + part.offset;
    const Real* b = bias + part.offset;
    Real* g = out + part.offset;
    for (std::size_t i = 0; i < part.units; ++i) g[i] = part.twice_j2[i] * here[i] - b[i];
    for (std::size_t i = 0; i < part.four_j4.size(); ++i) {
      g[i] += part.four_j4[i] * (here[i] * here[i] * here[i]);
    }
    if (!part.intra.empty()) drive(part.intra.data(), part.units, part.units, here, g);
  }
  for (const Port& port : ports_) {
    drive(port.factor.data(), port.units, port.rank, v + port.sums, out + port.offset);
  }
}

template <class Real>
double Field<Real>::energy(const Real* x, const Real* bias, const Real* gradient) const noexcept {
  double sum = 0;
  for (const Part& part : parts_) {
    for (std::size_t i = 0; i < part.units; ++i) {
      const double xi = x[part.offset + i];
      sum += xi * (double{gradient[part.offset + i]} - double{bias[part.offset + i]}) / 2;
      if (!part.four_j4.empty()) sum -= part.four_j4[i] / 4 * xi * xi * xi * xi;
    }
  }
  return sum;
}

template class Field<float>;
template class Field<double>;

}  // namespace calx::thermo
