// The configurations of stage C, each a function from a task to rows.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/decoder_task.h"
#include "calx/inference/stage_row.h"
#include "calx/thermo/coupling_fit.h"
#include "calx/thermo/substrate.h"

namespace calx::inference {

/// What the couplings of stage C take in: the encoder's activations h1 through the skip, the
/// upsampled ones u of the block below, or both side by side.
enum class Port : std::uint8_t { kSkip, kUpsampled, kBoth };
/// Rows [n, D], [n, 2 D] or [n, 3 D].
std::vector<float> inputs_of(const nn::BlockActivations& blocks, std::size_t units, Port port);

/// Answers as they come in: judged, booked under their key, and shown to whoever wants to keep one.
class ArmBook {
 public:
  using Keeper = std::function<void(const std::string& key, std::span<const float> answers)>;
  explicit ArmBook(const DecoderTask& task, Keeper keeper = {})
      : task_(task), keeper_(std::move(keeper)) {}

  /// `answers` [test rows, D]. Errors: those of judge().
  Result<void> book(StageRow row, std::span<const float> answers);

  [[nodiscard]] const DecoderTask& task() const noexcept { return task_; }
  [[nodiscard]] const std::vector<StageRow>& rows() const noexcept { return rows_; }

 private:
  const DecoderTask& task_;
  Keeper keeper_;
  std::vector<StageRow> rows_;
};

struct ArmSettings {
  std::size_t rank = 16;     // of the Gram coupling and the snapshots
  std::size_t low_rank = 4;  // of the second snapshot row
  std::vector<std::size_t> ranks = {1, 2, 4, 8, 16, 32, 64};
  std::vector<std::uint32_t> counts = {1, 4, 16, 100};  // snapshots that are averaged
  std::size_t interface_steps = 1500, interface_batch = 4096;
  double temperature_kt = 1;
  unsigned threads = 1;
};

/// "digital" and "constant".
Result<void> book_controls(ArmBook& book);

/// The published coupling with every input that needs no training: both oracles, no decoder bias,
/// the clamped encoder. Errors: those of thermo::published_pair and solve.
Result<void> book_published(ArmBook& book, const ArmSettings& settings);

/// The published interface networks with and without biases, each with its coupling and without:
/// removing the coupling leaves B^-1 transfer(encoder(x)), which B^-1 folded into the transfer's
/// last layer makes without any substrate. Also the paper pipeline with its answers permuted.
/// Networks are trained from streams of `seed`. Cost: some 40 CPU seconds at 1,500 steps.
Result<void> book_interfaces(ArmBook& book, const ArmSettings& settings, const noise::Seed& seed);

/// A fitted map and the substrate that carries it.
struct Carried {
  thermo::PairStatistics pairs;
  thermo::LinearMap map;
  thermo::Substrate substrate;
  std::vector<float> clamps;  // the test inputs [n, inputs]
  std::uint64_t wires = 0;
};
/// Reduced-rank regression of rank `rank` from a port, decoder stiffness B = kT C^-1.
/// Errors: those of fit_rrr and clamped_pair.
Result<Carried> carry_rrr(const DecoderTask& task, Port port, std::size_t rank,
                          double temperature_kt);

/// The same map on a decoder held by B = beta I, beta chosen so that its thermal noise has the
/// power of the map's own error: condition 1, so trajectories are short.
Result<thermo::Substrate> uniform_pair(const Carried& carried, double temperature_kt);

/// Rows in an order drawn from stream "thermo/shuffle" (Fisher and Yates): answers that no longer
/// belong to their inputs. \pre rows.size() a multiple of units
Result<std::vector<float>> permuted(std::span<const float> rows, std::size_t units,
                                    const noise::Seed& seed);

/// Step of trajectory rows, a = h mu lambda_max, and the most reads of a chain in one of them.
inline constexpr double kTrajectoryStepShare = 0.2;
inline constexpr std::uint32_t kTrajectoryReadsMax = 4;

/// Means of every coupling: ranks of RRR, CCA, the skip weights, the ports; and the map of
/// `settings.rank` as digital multiply-adds. Returns the largest difference between that map and
/// its substrate's mean. Errors: as above; kInternal when it passes kFoldedDifferenceMax.
Result<double> book_couplings(ArmBook& book, const ArmSettings& settings, const noise::Seed& seed);

/// Thermal answers. `certificates` gains one for each run.
struct NamedCertificate {
  std::string name;
  SnapshotManner manner;
  thermo::GaussianFigures figures;
  thermo::Certificate certificate;
};
Result<std::vector<NamedCertificate>> book_snapshots(
    ArmBook& book, const ArmSettings& settings,
    const std::shared_ptr<const thermo::NoiseSource>& source);

}  // namespace calx::inference
