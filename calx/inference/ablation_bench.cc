#include "calx/inference/ablation_bench.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "calx/inference/substrate_mean.h"

namespace calx::inference {
namespace {

constexpr std::size_t kDecoder = 1, kPixels = 1024;

std::vector<float> head(std::span<const float> values, std::size_t count) {
  const auto part = values.first(count);
  return {part.begin(), part.end()};
}

std::string note_of(const SnapshotRun& run) {
  std::vector<std::string> found;
  for (const auto& finding : run.certificate.findings) found.push_back(finding.check);
  return fmt::format("{}, h lambda_max {:.3g}, {} steps, {:.3g} tau_slow, {}, {}; {}",
                     run.manner.scheme, run.manner.step_share, run.manner.steps,
                     run.manner.burn_in_tau, run.manner.noise, run.manner.label,
                     found.empty() ? std::string("certificate passed")
                                   : fmt::format("findings: {}", fmt::join(found, ", ")));
}

}  // namespace

Result<AblationBench> AblationBench::create(const DecoderTask& task,
                                            const AblationSettings& settings) {
  AblationBench bench(task, settings);
  CALX_ASSIGN(carried,
              carry_rrr(task, Port::kSkip, settings.arms.rank, settings.arms.temperature_kt));
  CALX_ASSIGN(uniform, uniform_pair(carried, settings.arms.temperature_kt));
  CALX_ASSIGN(seed, noise::Seed::from_text("calx ablations"));
  bench.calibrated_ = std::move(carried);
  bench.uniform_ = std::move(uniform);
  bench.source_ = thermo::philox_noise(seed);
  return bench;
}

DecoderTask AblationBench::sampled_task() const {
  const std::size_t rows = std::min(task_->test_rows(), settings_->sampled_images * kPixels),
                    units = task_->units;
  DecoderTask part = *task_;
  part.test.encoder = head(task_->test.encoder, rows * units);
  part.test.upsampled = head(task_->test.upsampled, rows * 2 * units);
  part.test.decoder = head(task_->test.decoder, rows * units);
  part.test.image = head(task_->test.image, rows);
  part.clean = head(task_->clean, rows);
  part.noisy = head(task_->noisy, rows);
  return part;
}

SnapshotRequest AblationBench::draws() const {
  SnapshotRequest request;
  request.temperature_kt = arms().temperature_kt;
  request.source = source_;
  request.threads = arms().threads;
  return request;
}

SnapshotRequest AblationBench::trajectory() const {
  SnapshotRequest request = draws();
  request.scheme = thermo::Scheme::kLeimkuhlerMatthews;
  request.step_share = kTrajectoryStepShare;
  return request;
}

Result<void> AblationBench::add(std::string value, std::string substrate,
                                std::span<const float> answers, std::string note) {
  CALX_ASSIGN(figures, judge(*task_, answers));
  rows_.push_back({std::move(value), std::move(substrate), "mean", true, figures, std::move(note)});
  return {};
}

Result<void> AblationBench::refuse(std::string value, std::string substrate, std::string answer,
                                   const Error& error) {
  if (error.code != ErrorCode::kInvalidArgument) return std::unexpected(error);
  rows_.push_back(
      {std::move(value), std::move(substrate), std::move(answer), false, {}, error.message});
  return {};
}

Result<void> AblationBench::add_mean(std::string value, std::string substrate,
                                     const thermo::Substrate& machine,
                                     std::span<const float> clamps) {
  const auto mean =
      substrate_mean(machine, kDecoder, clamps, {}, task_->test_rows(), arms().threads);
  if (!mean) return refuse(std::move(value), std::move(substrate), "mean", mean.error());
  return add(std::move(value), std::move(substrate), *mean, "M^-1 b");
}

Result<void> AblationBench::add_snapshot(std::string value, std::string substrate,
                                         const thermo::Substrate& machine,
                                         std::span<const float> clamps,
                                         const SnapshotRequest& request) {
  const auto run = run_snapshots(machine, clamps, task_->test_rows(), request);
  if (!run) return refuse(std::move(value), std::move(substrate), "one snapshot", run.error());
  const auto figures = judge(*task_, run->means.front());
  if (!figures) {
    return refuse(std::move(value), std::move(substrate), "one snapshot", figures.error());
  }
  rows_.push_back(
      {std::move(value), std::move(substrate), "one snapshot", true, *figures, note_of(*run)});
  return {};
}

}  // namespace calx::inference
