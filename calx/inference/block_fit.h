// Substrates in the place of a U-Net's last decoder block: one fit for each time of a sampler, from
// activations of noised training pictures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/inference/report.h"
#include "calx/nn/unet.h"
#include "calx/noise/seed.h"
#include "calx/thermo/coupling_fit.h"
#include "calx/thermo/pair_statistics.h"

namespace calx::inference {

inline constexpr int kFitStepsMax = 200;
inline constexpr int kReachMax = 1;

struct BlockFitSettings {
  noise::Seed seed;
  std::string sampler = "dpmpp-2m";  // whose times
  int steps = 20;
  std::size_t pictures = 40;  // of each class, for the fit
  std::size_t checks = 10;    // of each class, other ones, to judge the fit
  std::size_t stride = 3;     // every n-th pixel of a map, another first one in each picture
  int reach = 0;              // see BlockFitPlan
};

/// What the block read and gave, of many pixels, in groups: pictures of one class shown with their
/// class, and, last, all of them shown without one. With a reach, one group of all.
struct BlockStatistics {
  nn::BlockShape shape;  // of one picture
  int reach = 0;
  std::vector<double> times;
  std::vector<std::vector<thermo::PairStatistics>> fit, check;  // [time][class, then "no class"]
  std::uint64_t passes = 0;                                     // network rows that it took
};

/// At every time t of the sampler: x_t = alpha x_0 + sigma eps with x_0 a training picture and eps
/// from stream "fit/noise" of the seed, index = step, channel = the picture's number.
/// Errors: kInvalidArgument (settings; a class with too few pictures); kCancelled; those of the
/// network. Cost: 2 classes (pictures + checks) network rows a time.
Result<BlockStatistics> gather_block_statistics(const nn::UNet& network,
                                                const diffusion::DigitSet& digits,
                                                const BlockFitSettings& settings, int threads,
                                                const Observer& observer,
                                                const std::stop_token& stop);

/// Which of the block's inputs are wired to the substrate.
enum class Wired : std::uint8_t {
  kSkip,  // the encoder's last map alone
  kBoth,  // that and the way up from below
};

/// The block is modulated by time and class. Which of its outputs share one substrate at a time?
enum class Grouping : std::uint8_t {
  kTime,      // all: one program a step
  kGuidance,  // those with a class, those without: two programs a step of a guided picture
  kClass,     // those of one class: two programs a step, one of eleven a class
};

struct BlockFitPlan {
  std::size_t rank = 16;  // 0: the mean of the block's output, whatever it reads
  Wired wired = Wired::kBoth;
  Grouping grouping = Grouping::kTime;
  /// How far the wires of a pixel go: 0 to the pixel itself, 1 to the 3 x 3 pixels about it, zeros
  /// past the border. More than 0 with kBoth and kTime only.
  int reach = 0;

  friend bool operator==(const BlockFitPlan&, const BlockFitPlan&) = default;
};
/// "[u, skip], rank 16, a fit a time".
std::string describe(const BlockFitPlan& plan);

/// One substrate: encoder module clamped at what the block reads, decoder module read as its
/// output. The decoder is stiff as B = kT C^-1, so that its thermal noise has the residual
/// covariance C.
struct BlockFit {
  thermo::LinearMap map;
  thermo::Substrate substrate;
  double variance = 0;   // tr C / units: of the thermal noise, a unit
  double heat_kt = 0;    // 1/2 <z^T B z> / kT over the fit's pixels: relaxation heat of a pixel
  double condition = 0;  // of B
  double r2 = 0;         // of the mean, over pictures that the fit did not see
};

struct BlockFits {
  BlockFitPlan plan;
  nn::BlockShape shape;
  double temperature_kt = 1;
  std::int32_t classes = 0;
  std::vector<double> times;
  std::vector<std::vector<BlockFit>> fits;           // [time][group]
  std::vector<double> squared_error, squared_total;  // [time], of pictures that no fit saw

  /// The group that serves pictures of a class; `classes` itself is "no class".
  [[nodiscard]] std::size_t group_of(std::int32_t class_index) const noexcept;
  /// How often couplings and stiffness are written for one picture.
  [[nodiscard]] std::size_t programs_a_picture(bool guided) const noexcept;
  /// 1 - SSE / SST over all times and groups, on pictures that the fit did not see.
  [[nodiscard]] double r2() const noexcept;
  [[nodiscard]] std::size_t first_input() const noexcept;  // the first channel that is wired
  [[nodiscard]] std::size_t inputs() const noexcept;
};

/// Errors: kInvalidArgument (a rank over the channels; a residual covariance that is singular).
Result<BlockFits> fit_block(const BlockStatistics& statistics, const BlockFitPlan& plan,
                            double temperature_kt = 1);

/// What the wires of one pixel carry: the channels of each pixel within reach, in reading order.
/// `map` [side * side, channels]. \pre out.size() == (2 reach + 1)^2 channels
void gather_patch(std::span<const float> map, std::size_t side, std::size_t channels,
                  std::size_t pixel, int reach, std::span<float> out) noexcept;

/// Statistics of two sets of pairs taken together. \pre the same units
thermo::PairStatistics merge(const thermo::PairStatistics& a, const thermo::PairStatistics& b);

}  // namespace calx::inference
