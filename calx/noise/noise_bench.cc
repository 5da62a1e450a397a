// Words to normal values, latents and long runs. Each bench compares with the definition first.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "calx/noise/latent.h"
#include "calx/noise/normal_transform.h"
#include "calx/noise/stream.h"

namespace calx::noise {
namespace {

constexpr std::size_t kTransformWords = 1 << 16;  // more than a branch predictor learns

bool matches(std::span<const std::uint32_t> words, std::span<const float> values) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (values[i] != normal_value(words[i])) return false;
  }
  return true;
}

void transform(benchmark::State& state, const NormalKernel& kernel) {
  const Region region{.rows = 64, .columns = kTransformWords / 64};
  std::vector<std::uint32_t> words(kTransformWords);
  std::vector<float> values(kTransformWords);
  const auto stream = Stream::open(Seed(), "bench", 0);
  if (!stream || !stream->bits(region, words)) return state.SkipWithError("no words");
  kernel.run(words.data(), values.data(), words.size());
  if (!matches(words, values)) return state.SkipWithError("differs from normal_value()");
  for (auto _ : state) {
    for (std::size_t at = 0; at < kTransformWords; at += kWalkWords) {
      kernel.run(words.data() + at, values.data(), kWalkWords);
      benchmark::DoNotOptimize(values.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kTransformWords));
}

void normal(benchmark::State& state, const Region& region) {
  std::vector<std::uint32_t> words(region.elements());
  std::vector<float> values(region.elements());
  std::uint64_t index = 0;
  const auto first = Stream::open(Seed(), "bench", index);
  if (!first || !first->bits(region, words) || !first->normal(region, values)) {
    return state.SkipWithError("no values");
  }
  if (!matches(words, values)) return state.SkipWithError("differs from normal_value()");
  for (auto _ : state) {
    const auto stream = Stream::open(Seed(), "bench", ++index);
    benchmark::DoNotOptimize(stream->normal(region, values).has_value());
    benchmark::DoNotOptimize(values.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(region.elements()));
}

void latent(benchmark::State& state, Precision precision) {
  LatentRequest request;
  request.shape = {1, 4, 64, 64};
  request.precision = precision;
  if (!make_latent(request)) return state.SkipWithError("no latent");
  for (auto _ : state) {
    ++request.index;
    benchmark::DoNotOptimize(make_latent(request));
  }
  state.SetItemsProcessed(state.iterations() * 16384);
}

const bool registered = [] {
  for (const NormalKernel& kernel : normal_kernels()) {
    if (!kernel.supported()) continue;
    benchmark::RegisterBenchmark(("noise/normal_transform/" + std::string(kernel.name)).c_str(),
                                 [&kernel](benchmark::State& state) { transform(state, kernel); });
  }
  const auto add = [](const char* name, const Region& region) {
    benchmark::RegisterBenchmark(name,
                                 [region](benchmark::State& state) { normal(state, region); });
  };
  add("noise/normal/software/shape:4x64x64", {.channels = 4, .rows = 64, .columns = 64});
  add("noise/normal/software/shape:4x128x128", {.channels = 4, .rows = 128, .columns = 128});
  add("noise/normal/software/shape:4x2048x2048", {.channels = 4, .rows = 2048, .columns = 2048});
  add("noise/normal/software/shape:1x28x28", {.rows = 28, .columns = 28});
  benchmark::RegisterBenchmark("noise/latent/software/sd15:f32",
                               [](benchmark::State& s) { latent(s, Precision::kF32); });
  benchmark::RegisterBenchmark("noise/latent/software/sd15:f16",
                               [](benchmark::State& s) { latent(s, Precision::kF16); });
  return true;
}();

}  // namespace
}  // namespace calx::noise
