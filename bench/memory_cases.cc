// A Langevin step against the memory it runs in: as fast as a plain stream over the same bytes, and
// faster on two cores than on one.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <memory>
#include <vector>

#include "bench/cases.h"
#include "bench/stream_probe.h"
#include "bench/walsh_substrate.h"
#include "calx/thermo/fused_kernel.h"
#include "calx/thermo/sampler.h"

namespace calx::bench {
namespace {

using Chains = thermo::Sampler<float>;

constexpr std::size_t kRank = 16;
// A step touches 16 factors of a unit, its bias, J2 and noise, and reads and writes x.
constexpr std::size_t kBytesAUnit = sizeof(float) * (kRank + 5);

// One update of all units; the noise has been made before.
struct Update {
  std::vector<float> factor, own, x, drive, sums;
  thermo::FusedPort port;
  thermo::FusedBlock block;

  explicit Update(std::size_t units)
      : factor(units * kRank, 0.001F),
        own(3 * units, 0.5F),
        x(units, 0.25F),
        drive(kRank, 0.1F),
        sums(kRank * 16),
        port{factor.data(), drive.data(), sums.data(), kRank} {
    block.x = x.data();
    block.bias = own.data();
    block.twice_j2 = own.data() + units;
    block.noise = own.data() + 2 * units;
    block.h_mu = 0.1F;
    block.scale = 0.3F;
    block.units = units;
    block.ports = {&port, 1};
  }

  Spent run(std::uint64_t rounds) {
    return timed([&] {
      for (std::uint64_t i = 0; i < rounds; ++i) thermo::fused_kernel().run(block);
    });
  }
};

Case roofline_case(std::size_t units, const char* where) {
  const auto update = std::make_shared<std::unique_ptr<Update>>();
  const auto probe = std::make_shared<std::unique_ptr<StreamProbe>>();
  const auto stream = std::make_shared<Stream>(Stream::kRead);
  Case work;
  work.name = fmt::format("thermo/without-noise-{}/{}", units, where);
  work.item = "byte";
  work.items_per_round = static_cast<double>(units * kBytesAUnit);
  work.bar = 0.85;
  work.ours = {
      fmt::format("FusedKernel {}, rank 16", thermo::fused_kernel().name),
      [=](std::uint64_t rounds, std::uint64_t) -> Result<Spent> { return (*update)->run(rounds); }};
  work.rival = {"the fastest of four plain streams over as many bytes",
                [=](std::uint64_t rounds, std::uint64_t) -> Result<Spent> {
                  return (*probe)->run(*stream, rounds);
                }};
  work.check = [=]() -> Result<void> {
    *update = std::make_unique<Update>(units);
    *probe = std::make_unique<StreamProbe>(units * kBytesAUnit);
    (*update)->run(1);
    // x - h mu (2 J2 x - b + sum of factor * drive) + scale * noise
    const double wanted = 0.25 - 0.1 * (0.5 * 0.25 - 0.5 + 16 * 0.001 * 0.1) + 0.3 * 0.5;
    for (const float value : (*update)->x) {
      if (!(std::abs(value - wanted) < 1e-6)) {
        return fail(ErrorCode::kDataLoss,
                    fmt::format("the update gives {}, wanted {}", value, wanted));
      }
    }
    *stream = (*probe)->fastest();
    return {};
  };
  work.remark = [=] {
    return fmt::format("rival here: {}; all: {}", to_string(*stream), (*probe)->speeds());
  };
  return work;
}

struct TwoThreads {
  std::shared_ptr<Chains> one, two;

  // Wall time, and the CPU time of a core: all of this process over its threads.
  static Result<Spent> advance(Chains& chains, std::uint64_t steps, unsigned threads) {
    const auto cpu = [] {
      timespec now{};
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
      return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
    };
    Result<void> status;
    const double begin = cpu();
    Spent spent = timed([&] { status = chains.advance(steps); });
    if (!status) return std::unexpected(status.error());
    spent.cpu_seconds = std::max((cpu() - begin) / threads, 1e-9);
    return spent;
  }
};

Result<std::shared_ptr<Chains>> chain_of(std::size_t units, unsigned threads) {
  CALX_ASSIGN(made, Chains::create(walsh_substrate(units), {},
                                   {.scheme = thermo::Scheme::kEulerMaruyama,
                                    .dynamics = {.step = 0.1},
                                    .threads = threads},
                                   thermo::philox_noise(noise::Seed())));
  return std::make_shared<Chains>(std::move(made));
}

Case two_threads_case(std::size_t units, const char* where, double bar, unsigned cores) {
  const auto pair = std::make_shared<TwoThreads>();
  Case work;
  work.name = fmt::format("thermo/two-cores-{}/{}", units, where);
  work.item = "unit-step";
  work.items_per_round = static_cast<double>(units);
  work.clock = Clock::kCore;
  work.bar = bar;
  if (cores < 2) work.missing = "this process may use one core only";
  work.ours = {"one chain, rank 16, 2 threads",
               [=](std::uint64_t rounds, std::uint64_t) -> Result<Spent> {
                 return TwoThreads::advance(*pair->two, 4 * rounds, 2);
               }};
  work.rival = {"the same, 1 thread", [=](std::uint64_t rounds, std::uint64_t) -> Result<Spent> {
                  return TwoThreads::advance(*pair->one, 4 * rounds, 1);
                }};
  work.items_per_round *= 4;
  work.check = [=]() -> Result<void> {
    CALX_ASSIGN(one, chain_of(units, 1));
    CALX_ASSIGN(two, chain_of(units, 2));
    pair->one = one;
    pair->two = two;
    CALX_TRY(one->advance(2));
    CALX_TRY(two->advance(2));
    if (!std::ranges::equal(one->state(), two->state())) {
      return fail(ErrorCode::kDataLoss, "two threads give other bits than one");
    }
    return {};
  };
  return work;
}

}  // namespace

std::vector<Case> thermo_memory_cases(unsigned cores, bool quick) {
  std::vector<Case> cases = {roofline_case(4096, "in-l2"), roofline_case(65'536, "in-l3"),
                             two_threads_case(65'536, "in-l3", 1.8, cores)};
  if (quick) return cases;  // the stability of many units takes half a minute to check
  cases.push_back(roofline_case(1'048'576, "in-memory"));
  cases.push_back(two_threads_case(524'288, "in-memory", 1.35, cores));
  return cases;
}

}  // namespace calx::bench
