#include "calx/stratum/vardiff.h"

#include <algorithm>
#include <cmath>

namespace calx::stratum {
namespace {

constexpr int kStepsUpMax = 16;                // a burst is evidence
constexpr int kStepsDownMax = 2;               // silence is weak evidence
constexpr double kHashesOfOne = 4294967296.0;  // expected at difficulty 1, nearly

}  // namespace

void Vardiff::on_share(double log2_reached) noexcept {
  log2_least_ = shares_ == 0 ? log2_reached : std::min(log2_least_, log2_reached);
  ++shares_;
}

std::optional<int> Vardiff::judge(int log2_now, Time now) noexcept {
  const auto open = now - since_;
  if (open < options_.window && shares_ < options_.shares_max) return {};
  const double seconds = std::max(std::chrono::duration<double>(open).count(), 1e-3);
  const double rate = shares_ / seconds;
  // The least of n shares at a threshold t is t * n / (n - 1) on average.
  const double n = shares_;
  const double log2_filter = n < 4 ? log2_now : log2_least_ + std::log2((n - 1) / n);
  hash_rate_hps_ = rate * kHashesOfOne * std::exp2(std::max<double>(log2_now, log2_filter));
  restart(now);
  if (options_.shares_per_second <= 0) return {};
  const double steps = n == 0 ? -kStepsDownMax : std::log2(rate / options_.shares_per_second);
  if (std::abs(steps) < 1) return {};
  const int wanted =
      log2_now + std::clamp(static_cast<int>(std::lround(steps)), -kStepsDownMax, kStepsUpMax);
  const int allowed = std::clamp(wanted, options_.log2_min, options_.log2_max);
  return allowed == log2_now ? std::nullopt : std::optional(allowed);
}

void Vardiff::restart(Time now) noexcept {
  since_ = now;
  shares_ = 0;
}

}  // namespace calx::stratum
