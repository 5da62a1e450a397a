#include "calx/inference/substrate_block.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <cmath>

#include "calx/noise/stream.h"
#include "calx/thermo/stiffness.h"

namespace calx::inference {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

MatrixXd matrix_of(const thermo::Matrix& m) {
  return Eigen::Map<const Rows>(m.values.data(), static_cast<Index>(m.rows),
                                static_cast<Index>(m.columns));
}

VectorXd vector_of(const std::vector<double>& v) {
  return Eigen::Map<const VectorXd>(v.data(), static_cast<Index>(v.size()));
}

bool draws(Readout readout) noexcept {
  return readout != Readout::kMean && readout != Readout::kFolded;
}

// One substrate as it stands: factors of the coupling, Cholesky factor of the decoder's M.
struct Machine {
  VectorXd bias;                // [units], the decoder's own
  MatrixXd clamped, free;       // P diag(s) [inputs, k] and Q [units, k]
  Eigen::LLT<MatrixXd> factor;  // of M
  thermo::LinearMap map;        // the digital map of the same rank
  double deviation = 0;         // sqrt(tr(kT M^-1) / units)
};

Result<Machine> machine_of(const BlockFit& fit) {
  const auto& decoder = fit.substrate.modules.back();
  CALX_ASSIGN(stiffness, thermo::dense_stiffness(fit.substrate));
  Machine machine;
  machine.bias = vector_of(decoder.bias);
  machine.factor.compute(matrix_of(stiffness));
  if (machine.factor.info() != Eigen::Success) {
    return fail(ErrorCode::kInvalidArgument, "substrate of a block: M is not positive definite");
  }
  if (!fit.substrate.couplings.empty()) {
    const auto& coupling = fit.substrate.couplings.front();
    machine.clamped = matrix_of(coupling.left) * vector_of(coupling.strength).asDiagonal();
    machine.free = matrix_of(coupling.right);
  }
  machine.map = fit.map;
  machine.deviation = std::sqrt(fit.variance);
  return machine;
}

// What the encoder module is clamped at, a row a pixel.
Rows clamps_of(const BlockFits& fits, std::span<const float> in) {
  const std::size_t channels = fits.shape.in(), pixels = in.size() / channels;
  const auto inputs = static_cast<Index>(fits.inputs());
  if (fits.plan.reach == 0) {
    return Eigen::Map<const FloatRows>(in.data(), static_cast<Index>(pixels),
                                       static_cast<Index>(channels))
        .middleCols(static_cast<Index>(fits.first_input()), inputs)
        .cast<double>();
  }
  std::vector<float> patches(pixels * fits.inputs());
  for (std::size_t p = 0; p < pixels; ++p) {
    gather_patch(in, fits.shape.side, channels, p, fits.plan.reach,
                 std::span(patches).subspan(p * fits.inputs(), fits.inputs()));
  }
  return Eigen::Map<const FloatRows>(patches.data(), static_cast<Index>(pixels), inputs)
      .cast<double>();
}

Rows mean_of(const Machine& machine, const Rows& x) {
  const auto n = x.rows();
  Rows bias = machine.bias.transpose().replicate(n, 1);
  if (machine.clamped.size() > 0) {
    bias.noalias() -= Rows(x * machine.clamped) * machine.free.transpose();
  }
  return machine.factor.solve(MatrixXd(bias.transpose())).transpose();
}

Rows folded(const Machine& machine, const Rows& x) {
  const thermo::LinearMap& map = machine.map;
  Rows y = vector_of(map.mean_d).transpose().replicate(x.rows(), 1);
  if (map.rank() > 0) {
    const Rows centred = x.rowwise() - vector_of(map.mean_x).transpose();
    y.noalias() += Rows(centred * matrix_of(map.left)) * matrix_of(map.right).transpose();
  }
  return y;
}

}  // namespace

struct BlockMachines::Parts {
  BlockFits fits;
  std::vector<std::vector<Machine>> machines;  // [step][group]
};

std::string_view to_string(Readout readout) noexcept {
  switch (readout) {
    case Readout::kMean:
      return "mean";
    case Readout::kSnapshot:
      return "snapshot";
    case Readout::kFolded:
      return "folded";
    case Readout::kWhite:
      return "white";
    case Readout::kShaped:
      return "shaped";
  }
  return "?";
}

BlockMachines::BlockMachines(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
BlockMachines::BlockMachines(BlockMachines&&) noexcept = default;
BlockMachines& BlockMachines::operator=(BlockMachines&&) noexcept = default;
BlockMachines::~BlockMachines() = default;

const BlockFits& BlockMachines::fits() const noexcept { return parts_->fits; }

Result<BlockMachines> BlockMachines::of(const BlockFits& fits) {
  auto parts = std::make_unique<Parts>();
  parts->fits = fits;
  for (const auto& groups : fits.fits) {
    auto& row = parts->machines.emplace_back();
    for (const BlockFit& fit : groups) {
      CALX_ASSIGN(machine, machine_of(fit));
      row.push_back(std::move(machine));
    }
  }
  return BlockMachines(std::move(parts));
}

void BlockMachines::read(std::size_t step, std::size_t group, Readout readout,
                         std::span<const float> in, std::span<const float> normals,
                         std::span<float> out) const {
  const BlockFits& fits = parts_->fits;
  const Machine& machine = parts_->machines[step][group];
  const auto channels = static_cast<Index>(fits.shape.in());
  const auto units = static_cast<Index>(fits.shape.out);
  const auto pixels = static_cast<Index>(in.size()) / channels;
  Eigen::Map<FloatRows> result(out.data(), pixels, units);
  if (readout != Readout::kWhite && readout != Readout::kShaped) {
    const Rows x = clamps_of(fits, in);
    result = (readout == Readout::kFolded ? folded(machine, x) : mean_of(machine, x)).cast<float>();
  }
  if (!draws(readout)) return;
  const Rows xi = Eigen::Map<const FloatRows>(normals.data(), pixels, units).cast<double>();
  if (readout == Readout::kWhite) {
    result += (machine.deviation * xi).cast<float>();
    return;
  }
  const MatrixXd shaped = machine.factor.matrixU().solve(MatrixXd(xi.transpose()));
  result += (std::sqrt(fits.temperature_kt) * shaped.transpose()).cast<float>();
}

Result<void> SubstrateBlock::replace(const nn::BlockShape& shape, std::span<const float> in,
                                     std::span<float> out) {
  const BlockFits& fits = machines_.fits();
  nn::BlockShape one = shape;
  one.images = 1;
  const std::size_t pictures = pass_.seeds.size();
  if (one != fits.shape || pass_.step >= fits.times.size() ||
      pass_.classes.size() != shape.images || pictures == 0 || shape.images % pictures != 0) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("substrate of a block: {} rows of {} pixels with {} + {} channels at "
                    "step {}; the fit has {} + {} channels and {} steps, the pass {} "
                    "classes and {} pictures",
                    shape.images, one.pixels(), shape.up, shape.skip, pass_.step, fits.shape.up,
                    fits.shape.skip, fits.times.size(), pass_.classes.size(), pictures));
  }
  std::vector<float> normals(draws(pass_.readout) ? one.pixels() * one.out : 0);
  for (std::size_t row = 0; row < shape.images; ++row) {
    if (!normals.empty()) {
      CALX_ASSIGN(stream, noise::Stream::open(noise::Seed::from_bytes(pass_.seeds[row % pictures]),
                                              fmt::format("thermo/step/{}", pass_.step), 0));
      noise::Region region;
      region.channel_first = static_cast<std::uint32_t>(row / pictures);
      region.rows = static_cast<std::uint32_t>(one.pixels());
      region.columns = static_cast<std::uint32_t>(one.out);
      CALX_TRY(stream.normal(region, normals));
    }
    machines_.read(pass_.step, fits.group_of(pass_.classes[row]), pass_.readout,
                   in.subspan(row * one.pixels() * one.in(), one.pixels() * one.in()), normals,
                   out.subspan(row * one.pixels() * one.out, one.pixels() * one.out));
  }
  return {};
}

}  // namespace calx::inference
