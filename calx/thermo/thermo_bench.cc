// One chain of a rank-16 substrate, whole steps and their parts. Each bench checks its result
// first.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "calx/thermo/example_substrate.h"
#include "calx/thermo/fused_kernel.h"
#include "calx/thermo/philox_kernel.h"
#include "calx/thermo/sampler.h"

namespace calx::thermo {
namespace {

constexpr std::size_t kRank = 16;

Substrate substrate_of(std::size_t units) {
  Substrate s;
  s.modules = {{.name = "x", .units = units, .quadratic = {0.5}}};
  s.couplings = {
      {.first = 0,
       .second = 0,
       .left = example_matrix(units, kRank, 0.5 / std::sqrt(static_cast<double>(units)), 3)}};
  return s;
}

Sampler<float> sampler_of(std::size_t units, Scheme scheme, std::uint32_t chains, bool reference) {
  return std::move(*Sampler<float>::create(
      substrate_of(units), {},
      {.scheme = scheme, .dynamics = {.step = 0.1}, .chains = chains, .reference = reference},
      philox_noise(noise::Seed())));
}

void step(benchmark::State& state, Scheme scheme, bool reference) {
  const auto units = static_cast<std::size_t>(state.range(0));
  const auto chains = static_cast<std::uint32_t>(state.range(1));
  auto sampler = sampler_of(units, scheme, chains, reference);
  auto plain = sampler_of(units, scheme, chains, true);
  if (!sampler.advance(3) || !plain.advance(3) ||
      !std::ranges::equal(sampler.state(), plain.state())) {
    return state.SkipWithError("differs from the plain path");
  }
  constexpr std::uint64_t kSteps = 16;
  for (auto _ : state) {
    if (!sampler.advance(kSteps)) return state.SkipWithError("no noise left");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kSteps * units * chains));
}

// The update alone: what it reads and writes of each unit is 16 factors, x twice, b, J2, noise.
constexpr std::size_t kBytesAUnit = 4 * (kRank + 5);

void update(benchmark::State& state, const FusedKernel& kernel) {
  const auto units = static_cast<std::size_t>(state.range(0));
  std::vector<float> factor(units * kRank, 0.001f), own(3 * units, 0.5f), x(units, 0.25f);
  std::vector<float> drive(kRank, 0.1f), sums(kRank * 16);
  const FusedPort port{factor.data(), drive.data(), sums.data(), kRank};
  const FusedBlock block{.x = x.data(),
                         .bias = own.data(),
                         .twice_j2 = own.data() + units,
                         .noise = own.data() + 2 * units,
                         .h_mu = 0.1f,
                         .scale = 0.3f,
                         .units = units,
                         .ports = {&port, 1}};
  for (auto _ : state) {
    kernel.run(block);
    benchmark::DoNotOptimize(x.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(units));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(units * kBytesAUnit));
}

using Lanes = float __attribute__((vector_size(64), aligned(4), may_alias));

// Three ways to touch as many bytes; the fastest is the roof of the update.
#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
float read_bytes(
    const float* from, std::size_t count, std::size_t streams) {
  Lanes sums[8] = {};
  const std::size_t stride = count / streams;
  for (std::size_t i = 0; i + 16 <= stride; i += 16) {
    for (std::size_t s = 0; s < streams; ++s) {
      sums[s] += *reinterpret_cast<const Lanes*>(from + s * stride + i);
    }
  }
  float total = 0;
  for (const auto& sum : sums) total += sum[0];
  return total;
}

void stream(benchmark::State& state, std::size_t streams) {
  const auto units = static_cast<std::size_t>(state.range(0));
  const std::size_t count = units * kBytesAUnit / 4;
  std::vector<float> bytes(count, 1.0f);
  for (auto _ : state) benchmark::DoNotOptimize(read_bytes(bytes.data(), count, streams));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(count * 4));
}

void copy(benchmark::State& state) {
  const auto units = static_cast<std::size_t>(state.range(0));
  const std::size_t bytes = units * kBytesAUnit / 2;
  std::vector<char> from(bytes, 1), to(bytes);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), bytes);
    benchmark::DoNotOptimize(to.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(2 * bytes));
}

void words(benchmark::State& state, const PhiloxKernel& kernel) {
  std::vector<std::uint32_t> out(1024);
  PhiloxRun run{.key = {1, 2}};
  for (auto _ : state) {
    ++run.step;
    kernel.run(run, out.data(), 256);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * 1024);
}

void add_all() {
  const std::vector<std::int64_t> sizes = {1024, 4096, 16384};
  const auto with_sizes = [&sizes](auto* bench) {
    for (const std::int64_t size : sizes) bench->Arg(size);
  };
  for (const bool reference : {false, true}) {
    auto* bench = benchmark::RegisterBenchmark(
        reference ? "thermo/step/lm/plain" : "thermo/step/lm/fused",
        [reference](benchmark::State& s) { step(s, Scheme::kLeimkuhlerMatthews, reference); });
    for (const std::int64_t size : sizes) bench->Args({size, 1});
    bench->Args({4096, 64});
  }
  for (const FusedKernel& kernel : fused_kernels()) {
    if (!kernel.supported()) continue;
    with_sizes(benchmark::RegisterBenchmark(("thermo/update/" + std::string(kernel.name)).c_str(),
                                            [&kernel](benchmark::State& s) { update(s, kernel); }));
  }
  for (const std::size_t streams : {4u, 8u}) {
    with_sizes(
        benchmark::RegisterBenchmark(("thermo/roof/read-" + std::to_string(streams)).c_str(),
                                     [streams](benchmark::State& s) { stream(s, streams); }));
  }
  with_sizes(benchmark::RegisterBenchmark("thermo/roof/copy", copy));
  for (const PhiloxKernel& kernel : philox_kernels()) {
    if (!kernel.supported()) continue;
    benchmark::RegisterBenchmark(("thermo/philox/" + std::string(kernel.name)).c_str(),
                                 [&kernel](benchmark::State& s) { words(s, kernel); });
  }
}

const bool kAdded = (add_all(), true);

}  // namespace
}  // namespace calx::thermo
