// What every axis of the ablations works with: a task, the fitted coupling, and the rows so far.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/ablation.h"
#include "calx/inference/snapshot.h"
#include "calx/inference/stage_arms.h"

namespace calx::inference {

/// Stiffness names as rows show them.
inline constexpr const char* kCalibratedName = "B = kT C^-1";
inline constexpr const char* kUniformName = "B = beta I";

class AblationBench {
 public:
  /// Fits the coupling of settings.arms.rank. Errors: those of carry_rrr.
  static Result<AblationBench> create(const DecoderTask& task, const AblationSettings& settings);

  [[nodiscard]] const DecoderTask& task() const noexcept { return *task_; }
  [[nodiscard]] const ArmSettings& arms() const noexcept { return settings_->arms; }
  [[nodiscard]] const Carried& calibrated() const noexcept { return calibrated_; }
  [[nodiscard]] const thermo::Substrate& uniform() const noexcept { return uniform_; }
  /// Philox under a seed of the sweep's own.
  [[nodiscard]] const std::shared_ptr<const thermo::NoiseSource>& source() const noexcept {
    return source_;
  }
  /// The task with the first settings.sampled_images test images alone.
  [[nodiscard]] DecoderTask sampled_task() const;

  /// Leimkuhler-Matthews at h mu lambda_max = 0.2 on B = beta I, or exact draws.
  [[nodiscard]] SnapshotRequest trajectory() const;
  [[nodiscard]] SnapshotRequest draws() const;

  /// Answers that are there already, [test rows, D].
  Result<void> add(std::string value, std::string substrate, std::span<const float> answers,
                   std::string note);
  /// M^-1 b under `clamps`. An energy without a minimum becomes a row that says so.
  Result<void> add_mean(std::string value, std::string substrate, const thermo::Substrate& machine,
                        std::span<const float> clamps);
  /// The first read of each chain. Refusals become rows.
  Result<void> add_snapshot(std::string value, std::string substrate,
                            const thermo::Substrate& machine, std::span<const float> clamps,
                            const SnapshotRequest& request);

  [[nodiscard]] std::vector<AblationRow> take() { return std::move(rows_); }

 private:
  AblationBench(const DecoderTask& task, const AblationSettings& settings)
      : task_(&task), settings_(&settings) {}
  Result<void> refuse(std::string value, std::string substrate, std::string answer,
                      const Error& error);

  const DecoderTask* task_;
  const AblationSettings* settings_;
  Carried calibrated_;
  thermo::Substrate uniform_;
  std::shared_ptr<const thermo::NoiseSource> source_;
  std::vector<AblationRow> rows_;
};

/// The axes; each adds its rows.
Result<void> ablate_controls(AblationBench& bench);
Result<void> ablate_coupling(AblationBench& bench);
Result<void> ablate_conditioning(AblationBench& bench);
Result<void> ablate_interface(AblationBench& bench);
Result<void> ablate_temperature(AblationBench& bench);
Result<void> ablate_quartic(AblationBench& bench);
Result<void> ablate_bits(AblationBench& bench);
Result<void> ablate_mismatch(AblationBench& bench);
Result<void> ablate_dead_wires(AblationBench& bench);
Result<void> ablate_noise(AblationBench& bench);
Result<void> ablate_integrator(AblationBench& bench);
Result<void> ablate_relaxation(AblationBench& bench);

}  // namespace calx::inference
