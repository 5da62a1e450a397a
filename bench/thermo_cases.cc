// Langevin steps of a rank-16 substrate against torch doing the same update, one thread each.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <memory>
#include <sstream>

#include "bench/cases.h"
#include "bench/child.h"
#include "bench/walsh_substrate.h"
#include "calx/thermo/sampler.h"

namespace calx::bench {
namespace {

using namespace std::chrono_literals;
using Chains = thermo::Sampler<float>;

constexpr auto kAnswerTime = 120s;
constexpr std::size_t kRank = 16;
constexpr double kStep = 0.1, kCoupling = kWalshCoupling;  // rivals.py has the same
constexpr std::uint64_t kStillSteps = 50;
constexpr double kStillTolerance = 1e-4;  // of the moments: float sums in another order

struct Size {
  std::size_t units;
  std::uint32_t chains;
  double bar;
};
constexpr std::array kSizes = {Size{1024, 1, 8}, Size{4096, 1, 5.5}, Size{16384, 1, 3.5},
                               Size{4096, 64, 2.5}};

Result<std::shared_ptr<Chains>> chains_of(const Size& size, double temperature_kt) {
  CALX_ASSIGN(made, Chains::create(walsh_substrate(size.units), {},
                                   {.scheme = thermo::Scheme::kEulerMaruyama,
                                    .dynamics = {.temperature_kt = temperature_kt, .step = kStep},
                                    .chains = size.chains},
                                   thermo::philox_noise(noise::Seed())));
  auto chains = std::make_shared<Chains>(std::move(made));
  for (std::size_t i = 0; i < chains->state().size(); ++i) {
    chains->state()[i] = static_cast<float>(i % 7) - 3;
  }
  return chains;
}

struct Answer {
  Spent spent;
  double count = 0, mean = 0, variance = 0;
};

Result<Answer> ask(LineChild& python, std::string_view command, const Size& size,
                   std::uint64_t rounds, std::uint64_t salt) {
  CALX_ASSIGN(line, python.ask(fmt::format("{}-{}-{} {} {}", command, size.units, size.chains,
                                           rounds, salt),
                               kAnswerTime));
  std::istringstream words(line);
  std::string state;
  Answer answer;
  if (!(words >> state >> answer.spent.wall_seconds >> answer.spent.cpu_seconds >> answer.count >>
        answer.mean >> answer.variance) ||
      state != "ok") {
    return fail(ErrorCode::kUnavailable, fmt::format("rivals.py: answered \"{}\"", line));
  }
  return answer;
}

Answer moments_of(std::span<const float> values) {
  double sum = 0, squares = 0;
  for (const double value : values) sum += value, squares += value * value;
  const auto count = static_cast<double>(values.size());
  return {{}, count, sum / count, squares / count - sum / count * (sum / count)};
}

// Without heat both sides must fall to the same place; with it both must spread as the law of
// Euler-Maruyama says, 1 / (lambda (1 - h lambda / 2)) in each mode.
Result<void> check(LineChild& python, const Size& size) {
  CALX_ASSIGN(still, chains_of(size, 1e-30));
  CALX_TRY(still->advance(kStillSteps));
  const Answer ours = moments_of(still->state());
  CALX_ASSIGN(rival, ask(python, "still", size, kStillSteps, 0));
  const double spread = std::sqrt(ours.variance);
  if (std::abs(ours.mean - rival.mean) > kStillTolerance * spread ||
      std::abs(ours.variance - rival.variance) > kStillTolerance * ours.variance) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("without heat calx has mean {} and variance {}, torch {} and {}",
                            ours.mean, ours.variance, rival.mean, rival.variance));
  }
  const auto mode = [](double lambda) { return 1 / (lambda * (1 - kStep * lambda / 2)); };
  const auto d = static_cast<double>(size.units), k = static_cast<double>(kRank);
  const double wanted = ((d - k) * mode(1) + k * mode(1 + kCoupling)) / d;
  CALX_ASSIGN(warm, chains_of(size, 1));
  CALX_TRY(warm->advance(300));
  CALX_ASSIGN(torch, ask(python, "warm", size, 300, 3));
  for (const Answer& side : {moments_of(warm->state()), torch}) {
    const double sigma = wanted * std::sqrt(2 / side.count);
    if (!(std::abs(side.variance - wanted) <= 6 * sigma)) {
      return fail(ErrorCode::kDataLoss, fmt::format("variance {} of {} values, the law has {}",
                                                    side.variance, side.count, wanted));
    }
  }
  return {};
}

Case step_case(const std::shared_ptr<LineChild>& python, const Size& size) {
  Case work;
  work.name = fmt::format("thermo/step-{}x{}/torch", size.units, size.chains);
  work.item = "unit-step";
  work.items_per_round = static_cast<double>(size.units) * size.chains;
  work.bar = size.bar;
  const auto chains = std::make_shared<std::shared_ptr<Chains>>();
  work.ours = {"thermo::Sampler<float>, Euler-Maruyama, Philox",
               [=](std::uint64_t rounds, std::uint64_t) -> Result<Spent> {
                 if (!*chains) {
                   CALX_ASSIGN(made, chains_of(size, 1));
                   *chains = made;
                 }
                 Result<void> status;
                 const Spent spent = timed([&] { status = (*chains)->advance(rounds); });
                 if (!status) return std::unexpected(status.error());
                 return spent;
               }};
  work.rival = {"torch in place, products written the fastest way, 1 thread",
                [=](std::uint64_t rounds, std::uint64_t salt) -> Result<Spent> {
                  CALX_ASSIGN(answer, ask(*python, "warm", size, rounds, salt));
                  return answer.spent;
                }};
  work.check = [=] { return check(*python, size); };
  return work;
}

}  // namespace

std::vector<Case> thermo_cases(const Rivals& rivals) {
  std::shared_ptr<LineChild> python;
  std::string versions;
  if (auto started =
          LineChild::start({rivals.python.string(), rivals.script.string(), "langevin"})) {
    python = std::move(*started);
    versions = python->ask("versions 0 0", kAnswerTime).value_or("");
  }
  std::vector<Case> cases;
  for (const Size& size : kSizes) {
    cases.push_back(step_case(python, size));
    if (versions.find("torch") == std::string::npos) {
      cases.back().missing = fmt::format("{} has no torch", rivals.python.string());
    }
  }
  return cases;
}

}  // namespace calx::bench
