#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "calx/diffusion/sampler.h"
#include "calx/inference/block_fit.h"
#include "calx/nn/threads.h"
#include "calx/noise/stream.h"

namespace calx::inference {
namespace {

constexpr std::size_t kRowsAtOnce = 50;

// Pictures of every class, those of the fit and then those of the check.
struct Chosen {
  std::vector<std::vector<std::size_t>> fit, check;  // [class]
};

Result<Chosen> choose(const diffusion::DigitSet& digits, const BlockFitSettings& settings,
                      std::size_t classes) {
  Chosen chosen;
  chosen.fit.resize(classes);
  chosen.check.resize(classes);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const auto label = static_cast<std::size_t>(digits.labels[i]);
    if (label >= classes) continue;
    auto& to = chosen.fit[label].size() < settings.pictures ? chosen.fit : chosen.check;
    if (to[label].size() < (&to == &chosen.fit ? settings.pictures : settings.checks)) {
      to[label].push_back(i);
    }
  }
  for (std::size_t label = 0; label < classes; ++label) {
    if (chosen.check[label].size() == settings.checks) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("digits: too few pictures of class {}, wanted {} for the fit and {} "
                            "to judge it",
                            label, settings.pictures, settings.checks));
  }
  return chosen;
}

struct Pixels {
  std::vector<float> x, d;
};

class Gatherer {
 public:
  Gatherer(const nn::UNet& network, const diffusion::DigitSet& digits,
           const BlockFitSettings& settings, const Chosen& chosen, double t, std::size_t step)
      : network_(network),
        digits_(digits),
        settings_(settings),
        chosen_(chosen),
        level_(diffusion::noise_level(t)),
        t_(t),
        step_(step) {}

  // Statistics of each class and, last, of all without one.
  Result<std::vector<thermo::PairStatistics>> groups(bool check) const {
    std::vector<thermo::PairStatistics> out;
    const auto& by_class = check ? chosen_.check : chosen_.fit;
    if (settings_.reach > 0) {
      CALX_ASSIGN(all, pooled(by_class));
      out.push_back(std::move(all));
      return out;
    }
    std::vector<std::size_t> everything;
    for (std::size_t label = 0; label < by_class.size(); ++label) {
      CALX_ASSIGN(group, statistics(by_class[label], static_cast<std::int32_t>(label)));
      out.push_back(std::move(group));
      everything.insert(everything.end(), by_class[label].begin(), by_class[label].end());
    }
    CALX_ASSIGN(none, statistics(everything, network_.config().classes));
    out.push_back(std::move(none));
    return out;
  }

 private:
  Result<thermo::PairStatistics> pooled(
      const std::vector<std::vector<std::size_t>>& by_class) const {
    Pixels pixels;
    for (std::size_t label = 0; label < by_class.size(); ++label) {
      CALX_TRY(add(by_class[label], static_cast<std::int32_t>(label), pixels));
      CALX_TRY(add(by_class[label], network_.config().classes, pixels));
    }
    return statistics_of(pixels);
  }

  Result<thermo::PairStatistics> statistics(const std::vector<std::size_t>& pictures,
                                            std::int32_t shown_as) const {
    Pixels pixels;
    CALX_TRY(add(pictures, shown_as, pixels));
    return statistics_of(pixels);
  }

  Result<thermo::PairStatistics> statistics_of(const Pixels& pixels) const {
    return thermo::pair_statistics(pixels.x, inputs(), pixels.d, network_.last_block_shape().out);
  }

  [[nodiscard]] std::size_t inputs() const {
    const auto width = static_cast<std::size_t>(2 * settings_.reach + 1);
    return width * width * network_.last_block_shape().in();
  }

  Result<void> add(const std::vector<std::size_t>& pictures, std::int32_t shown_as,
                   Pixels& pixels) const {
    for (std::size_t first = 0; first < pictures.size(); first += kRowsAtOnce) {
      const std::size_t count = std::min(kRowsAtOnce, pictures.size() - first);
      CALX_TRY(record(std::span(pictures).subspan(first, count), shown_as, pixels));
    }
    return {};
  }

  Result<void> record(std::span<const std::size_t> pictures, std::int32_t shown_as,
                      Pixels& pixels) const {
    const auto side = static_cast<std::uint32_t>(network_.config().side);
    const std::size_t area = std::size_t{side} * side, rows = pictures.size();
    std::vector<float> noisy(rows * area), velocity(rows * area);
    CALX_ASSIGN(stream, noise::Stream::open(settings_.seed, "fit/noise", step_));
    for (std::size_t row = 0; row < rows; ++row) {
      noise::Region region;
      region.channel_first = static_cast<std::uint32_t>(pictures[row]);
      region.rows = region.columns = side;
      const std::span<float> image = std::span(noisy).subspan(row * area, area);
      CALX_TRY(stream.normal(region, image));
      const auto clean = digits_.picture(pictures[row]);
      const auto alpha = static_cast<float>(level_.alpha), sigma = static_cast<float>(level_.sigma);
      for (std::size_t p = 0; p < area; ++p) image[p] = alpha * clean[p] + sigma * image[p];
    }
    const std::vector<float> times(rows, static_cast<float>(t_));
    const std::vector<std::int32_t> classes(rows, shown_as);
    nn::BlockRecorder recorder;
    CALX_TRY(network_.forward(noisy, times, classes, velocity, recorder));
    const nn::BlockShape& shape = recorder.shape();
    const std::size_t map = shape.side * shape.side;
    std::vector<float> patch(inputs());
    for (std::size_t row = 0; row < rows; ++row) {
      const auto in = std::span(recorder.in()).subspan(row * map * shape.in(), map * shape.in());
      for (std::size_t p = (pictures[row] + step_) % settings_.stride; p < map;
           p += settings_.stride) {
        gather_patch(in, shape.side, shape.in(), p, settings_.reach, patch);
        pixels.x.insert(pixels.x.end(), patch.begin(), patch.end());
        const auto d =
            recorder.out().begin() + static_cast<std::ptrdiff_t>((row * map + p) * shape.out);
        pixels.d.insert(pixels.d.end(), d, d + static_cast<std::ptrdiff_t>(shape.out));
      }
    }
    return {};
  }

  const nn::UNet& network_;
  const diffusion::DigitSet& digits_;
  const BlockFitSettings& settings_;
  const Chosen& chosen_;
  diffusion::NoiseLevel level_;
  double t_;
  std::size_t step_;
};

Result<void> check(const BlockFitSettings& settings, const nn::UNet& network) {
  if (network.config().side != diffusion::kDigitSide) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("network of side {}: wanted {}, that of the digits",
                            network.config().side, diffusion::kDigitSide));
  }
  if (settings.steps < 1 || settings.steps > kFitStepsMax || settings.pictures < 1 ||
      settings.checks < 1 || settings.stride < 1 || settings.reach < 0 ||
      settings.reach > kReachMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("block fit: {} steps, {} and {} pictures a class, every pixel of {}, "
                            "reach {}; wanted 1 to {} steps, at least 1 of each and a reach of 0 "
                            "to {}",
                            settings.steps, settings.pictures, settings.checks, settings.stride,
                            settings.reach, kFitStepsMax, kReachMax));
  }
  return {};
}

}  // namespace

Result<BlockStatistics> gather_block_statistics(const nn::UNet& network,
                                                const diffusion::DigitSet& digits,
                                                const BlockFitSettings& settings, int threads,
                                                const Observer& observer,
                                                const std::stop_token& stop) {
  CALX_TRY(check(settings, network));
  CALX_ASSIGN(sampler, diffusion::find_sampler(settings.sampler));
  const auto classes = static_cast<std::size_t>(network.config().classes);
  CALX_ASSIGN(chosen, choose(digits, settings, classes));
  BlockStatistics out;
  out.shape = network.last_block_shape();
  out.reach = settings.reach;
  out.times = sampler->times(settings.steps);
  out.times.pop_back();  // t = 0 is the picture; nothing is predicted there
  const std::size_t count = out.times.size();
  out.fit.resize(count);
  out.check.resize(count);
  out.passes = 2 * classes * (settings.pictures + settings.checks) * count;
  std::atomic<std::size_t> next{0}, done{0};
  std::mutex mutex;  // guards error and the observer
  std::optional<Error> error;
  const auto one = [&](std::size_t step) -> Result<void> {
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the fit was stopped");
    const Gatherer gatherer(network, digits, settings, chosen, out.times[step], step);
    CALX_ASSIGN(fit, gatherer.groups(false));
    CALX_ASSIGN(check, gatherer.groups(true));
    out.fit[step] = std::move(fit);
    out.check[step] = std::move(check);
    return {};
  };
  const auto work = [&] {
    nn::set_threads(1);
    for (std::size_t step = next++; step < count; step = next++) {
      auto result = one(step);
      const std::lock_guard lock(mutex);
      if (!result) {
        if (!error) error = std::move(result).error();
        next = count;
        return;
      }
      if (observer) observer({"activations", ++done, count});
    }
  };
  {
    std::vector<std::jthread> pool;
    for (int i = 0; i < std::max(threads, 1); ++i) pool.emplace_back(work);
  }
  if (error) return std::unexpected(std::move(*error));
  return out;
}

}  // namespace calx::inference
