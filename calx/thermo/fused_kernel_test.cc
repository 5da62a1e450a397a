// Goal: what makes a run fast changes none of its bits.
// Method: parity of every kernel of this CPU with the portable one at every length, and of whole
// runs by the fused path with the plain path, over ranks, modules, chunks and splits. A kernel that
// this CPU lacks is skipped, never passed.
#include "calx/thermo/fused_kernel.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

#include "calx/thermo/example_substrate.h"
#include "calx/thermo/field.h"
#include "calx/thermo/philox_kernel.h"
#include "calx/thermo/sampler.h"

namespace calx::thermo {
namespace {

TEST(FusedKernelTest, MakesTheSamePhiloxWordsWithEveryKernel) {
  for (const PhiloxKernel& kernel : philox_kernels()) {
    if (!kernel.supported()) continue;
    for (const std::uint32_t first : {0u, 5u, 0xfffffff0u}) {
      for (std::size_t count = 0; count < 80; ++count) {
        const PhiloxRun run{{1, 0xffffffffu}, first, 7, 0xfffffffeu, 2};
        std::vector<std::uint32_t> wanted(4 * count + 1, 9), got(4 * count + 1, 9);
        philox_kernels()[0].run(run, wanted.data(), count);
        kernel.run(run, got.data(), count);
        ASSERT_EQ(wanted, got) << kernel.name << " " << first << " " << count;
      }
    }
  }
}

// The whole of a kernel's output: new state, then sums.
std::vector<float> output_of(const FusedKernel& kernel, std::size_t units,
                             const std::vector<std::size_t>& ranks, bool quartic, bool twice) {
  const auto values = [](std::size_t count, std::uint32_t from) {
    std::vector<float> result;
    for (std::uint32_t i = 0; i < count; ++i) {
      result.push_back(static_cast<float>(example_value(from + i)));
    }
    return result;
  };
  std::vector<float> x = values(units, 0);
  const auto own = values(5 * units, 1000);
  std::vector<std::vector<float>> factors, drives, sums;
  std::vector<FusedPort> ports;
  for (const std::size_t rank : ranks) {
    factors.push_back(values((units + 15) / 16 * rank * 16, 7000));
    for (std::size_t i = 0; i < factors.back().size(); ++i) {
      if (i / (rank * 16) * 16 + i % 16 >= units) factors.back()[i] = 0;
    }
    drives.push_back(values(rank, 500));
    sums.push_back(values(rank * 16, 600));
  }
  for (std::size_t p = 0; p < ranks.size(); ++p) {
    ports.push_back({factors[p].data(), drives[p].data(), sums[p].data(), ranks[p]});
  }
  kernel.run({.x = x.data(),
              .bias = own.data(),
              .twice_j2 = own.data() + units,
              .four_j4 = quartic ? own.data() + 2 * units : nullptr,
              .noise = own.data() + 3 * units,
              .more_noise = twice ? own.data() + 4 * units : nullptr,
              .h_mu = 0.17f,
              .scale = 0.4f,
              .units = units,
              .ports = ports});
  for (const auto& one : sums) x.insert(x.end(), one.begin(), one.end());
  return x;
}

TEST(FusedKernelTest, GivesTheSameBitsWithEveryKernel) {
  for (const FusedKernel& kernel : fused_kernels()) {
    if (!kernel.supported()) continue;
    for (const std::size_t units : {1u, 15u, 16u, 17u, 64u, 100u, 1024u}) {
      for (const auto& ranks : std::vector<std::vector<std::size_t>>{
               {}, {16}, {8}, {5}, {33}, {16, 8}, {1, 2, 3, 4, 5, 6, 7, 8}}) {
        for (const bool quartic : {false, true}) {
          ASSERT_EQ(output_of(kernel, units, ranks, quartic, !quartic),
                    output_of(fused_kernels()[0], units, ranks, quartic, !quartic))
              << kernel.name << " " << units;
        }
      }
    }
  }
}

TEST(FusedKernelTest, NamesTheKernelItTakes) {
  EXPECT_TRUE(fused_kernel().supported());
  EXPECT_TRUE(philox_kernel().supported());
}

Substrate without_intra(Substrate s) {
  for (Module& module : s.modules) module.intra = {};
  return s;
}

std::vector<float> state_after(const Substrate& s, SamplerOptions options, bool reference,
                               const std::vector<std::uint64_t>& calls) {
  options.reference = reference;
  auto sampler = Sampler<float>::create(s, {}, options,
                                        philox_noise(noise::Seed::from_integer(std::int64_t{4})))
                     .value();
  for (const std::uint64_t steps : calls) EXPECT_TRUE(sampler.advance(steps));
  return {sampler.state().begin(), sampler.state().end()};
}

TEST(FusedKernelTest, RunsAsThePlainPathDoes) {
  Substrate quartic = without_intra(example_substrate(40, 16));
  quartic.modules[1].quartic = {0.05};
  Substrate wide;
  wide.modules = {{.name = "x", .units = 2 * kChunkUnits + 1003, .quadratic = {0.8}},
                  {.name = "y", .units = 77, .quadratic = {0.9}}};
  wide.couplings = {
      {.first = 0, .second = 0, .left = example_matrix(wide.modules[0].units, 16, 0.01, 3)},
      {.first = 1,
       .second = 0,
       .left = example_matrix(77, 5, 0.02, 9),
       .right = example_matrix(wide.modules[0].units, 5, 0.01, 17)}};
  Substrate alone;
  alone.modules = {{.name = "x", .units = 53, .quadratic = {0.5}}};
  for (const Substrate& s : {without_intra(example_substrate(20, 3, 2)), quartic, wide, alone}) {
    for (const Scheme scheme : {Scheme::kEulerMaruyama, Scheme::kLeimkuhlerMatthews}) {
      const SamplerOptions options{.scheme = scheme, .dynamics = {.step = 0.1}, .chains = 3};
      const auto wanted = state_after(s, options, true, {9});
      EXPECT_EQ(state_after(s, options, false, {9}), wanted) << to_string(scheme);
      EXPECT_EQ(state_after(s, options, false, {4, 0, 5}), wanted) << to_string(scheme);
      for (const unsigned threads : {2u, 5u}) {  // more threads than chains share a chain's chunks
        SamplerOptions shared = options;
        shared.threads = threads;
        shared.chains = 1;
        const std::span one(wanted.data(), wanted.size() / 3);
        EXPECT_TRUE(std::ranges::equal(state_after(s, shared, false, {4, 5}), one)) << threads;
      }
      EXPECT_TRUE(std::ranges::any_of(wanted, [](float x) { return x != 0; }));
    }
  }
}

}  // namespace
}  // namespace calx::thermo
