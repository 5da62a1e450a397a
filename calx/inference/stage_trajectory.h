// What stage C asks of physics beyond its rows: trajectories of the calibrated stiffness, time
// averages, faulty twins, and the effort of one image.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/snapshot.h"
#include "calx/inference/stage_arms.h"
#include "calx/thermo/ledger.h"

namespace calx::inference {

/// Pixels of a run with a fault: its certificate needs no more.
inline constexpr std::size_t kTwinPixels = 4096;

/// A run with a fault put in, and the checks that found it.
struct TwinFinding {
  std::string twin;
  std::vector<std::string> found;
};

/// Every (n / count)-th row, so that pixels of all pictures are among them.
/// \pre 1 <= count <= n
std::vector<float> spread_rows(std::span<const float> rows, std::size_t units, std::size_t count);

/// Exact draws of kTwinPixels pixels under each fault of thermo::twins(), held against the sound
/// law. Errors: those of run_snapshots.
Result<std::vector<TwinFinding>> find_twins(
    const Carried& carried, const ArmSettings& settings,
    const std::shared_ptr<const thermo::NoiseSource>& source);

/// Step of the trajectory below, a = h mu lambda_max: any below 2 gives the exact variance.
inline constexpr double kCalibratedStepShare = 1.8;

/// Leimkuhler-Matthews with B = kT C^-1 on `pixels` pixels for 10 slowest times: 10 / 1.8 times the
/// condition of B in steps, which is 10^5 for some networks and then takes a quarter of a CPU hour
/// for 1,000 pixels. Its certificate is that of exact draws.
Result<NamedCertificate> calibrated_trajectory(
    const Carried& carried, const ArmSettings& settings, std::size_t pixels,
    const std::shared_ptr<const thermo::NoiseSource>& source);

/// Time averages with B = beta I. Errors: those of average_trajectories.
Result<TrajectoryAverage> uniform_averages(
    const Carried& carried, const ArmSettings& settings, std::size_t pixels, double length_tau,
    const std::shared_ptr<const thermo::NoiseSource>& source);

/// Of one 32 x 32 image: DAC writes of every clamp of every pixel, ADC reads of every unit, the
/// programming shared by the test's images, 1/2 z^T M z of heat. The rival networks: the block d1
/// of width 64, and the same map as multiply-adds. Errors: those of substrate_mean.
Result<thermo::Effort> image_effort(const Carried& carried, std::size_t rows,
                                    const ArmSettings& settings);

}  // namespace calx::inference
