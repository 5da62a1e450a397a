#include "calx/inference/stage_trajectory.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "calx/inference/substrate_mean.h"
#include "calx/thermo/stiffness.h"

namespace calx::inference {
namespace {

constexpr std::size_t kPixels = 1024;
// Multiply-adds of the block d1 at width 64, which the substrate stands for, a 32 x 32 image.
constexpr double kBlockMacs = 163.58e6;

std::size_t chains_of(const Carried& carried) {
  return carried.clamps.size() / carried.map.mean_x.size();
}

SnapshotRequest request_of(const ArmSettings& settings,
                           const std::shared_ptr<const thermo::NoiseSource>& source) {
  SnapshotRequest request;
  request.temperature_kt = settings.temperature_kt;
  request.source = source;
  request.threads = settings.threads;
  return request;
}

// Of all pixels of one image, in the mean over images.
Result<double> heat_of(const Carried& carried, std::size_t rows, const ArmSettings& settings) {
  CALX_ASSIGN(mean,
              substrate_mean(carried.substrate, 1, carried.clamps, {}, rows, settings.threads));
  CALX_ASSIGN(m, thermo::dense_stiffness(carried.substrate));
  const std::size_t units = m.rows;
  double sum = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const float* z = mean.data() + row * units;
    for (std::size_t i = 0; i < units; ++i) {
      double force = 0;
      for (std::size_t j = 0; j < units; ++j) force += m(i, j) * double{z[j]};
      sum += force * double{z[i]};
    }
  }
  return sum / 2 / settings.temperature_kt / static_cast<double>(rows) * kPixels;
}

}  // namespace

std::vector<float> spread_rows(std::span<const float> rows, std::size_t units, std::size_t count) {
  const std::size_t n = rows.size() / units, pace = n / count;
  std::vector<float> chosen;
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = rows.subspan(i * pace * units, units);
    chosen.insert(chosen.end(), row.begin(), row.end());
  }
  return chosen;
}

Result<std::vector<TwinFinding>> find_twins(
    const Carried& carried, const ArmSettings& settings,
    const std::shared_ptr<const thermo::NoiseSource>& source) {
  SnapshotRequest request = request_of(settings, source);
  const std::size_t pixels = std::min(chains_of(carried), kTwinPixels);
  const auto clamps = spread_rows(carried.clamps, carried.map.mean_x.size(), pixels);
  std::vector<TwinFinding> findings;
  for (const thermo::Twin twin : thermo::twins()) {
    if (twin == thermo::Twin::kNone) continue;
    request.twin = twin;
    CALX_ASSIGN(run, run_snapshots(carried.substrate, clamps, pixels, request));
    TwinFinding finding{std::string(to_string(twin)), {}};
    for (const auto& found : run.certificate.findings) finding.found.push_back(found.check);
    findings.push_back(std::move(finding));
  }
  return findings;
}

Result<NamedCertificate> calibrated_trajectory(
    const Carried& carried, const ArmSettings& settings, std::size_t pixels,
    const std::shared_ptr<const thermo::NoiseSource>& source) {
  SnapshotRequest request = request_of(settings, source);
  request.scheme = thermo::Scheme::kLeimkuhlerMatthews;
  request.step_share = kCalibratedStepShare;
  const std::size_t chains = std::min(chains_of(carried), pixels);
  const auto clamps = spread_rows(carried.clamps, carried.map.mean_x.size(), chains);
  CALX_ASSIGN(run, run_snapshots(carried.substrate, clamps, chains, request));
  return NamedCertificate{fmt::format("rrr-{}-calibrated-trajectory", settings.rank),
                          std::move(run.manner), run.figures, std::move(run.certificate)};
}

Result<TrajectoryAverage> uniform_averages(
    const Carried& carried, const ArmSettings& settings, std::size_t pixels, double length_tau,
    const std::shared_ptr<const thermo::NoiseSource>& source) {
  SnapshotRequest request = request_of(settings, source);
  request.scheme = thermo::Scheme::kLeimkuhlerMatthews;
  request.step_share = kTrajectoryStepShare;
  const std::size_t chains = std::min(chains_of(carried), pixels);
  CALX_ASSIGN(uniform, uniform_pair(carried, settings.temperature_kt));
  return average_trajectories(uniform,
                              spread_rows(carried.clamps, carried.map.mean_x.size(), chains),
                              chains, request, length_tau);
}

Result<thermo::Effort> image_effort(const Carried& carried, std::size_t rows,
                                    const ArmSettings& settings) {
  CALX_ASSIGN(heat, heat_of(carried, rows, settings));
  const thermo::Wiring wiring = thermo::wiring(carried.substrate);
  const auto images = static_cast<double>(rows) / kPixels;
  const auto units = static_cast<double>(carried.map.mean_d.size());
  return thermo::Effort{.dac_writes = kPixels * static_cast<double>(wiring.clamp_writes),
                        .program_writes = static_cast<double>(wiring.program_writes) / images,
                        .adc_reads = kPixels * units,
                        .heat_kt = heat,
                        .full_network_macs = kBlockMacs,
                        .same_map_macs = kPixels * static_cast<double>(carried.wires)};
}

}  // namespace calx::inference
