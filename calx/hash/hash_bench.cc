// The kernels of this CPU against each other; each answer is checked before it is timed. Ratios
// against other programs are the business of `calx bench`.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <vector>

#include "calx/hash/kernel.h"

namespace calx::hash {
namespace {

constexpr std::size_t kMessages = 256;

const Kernel& reference() { return *kernels().back(); }

std::vector<std::uint8_t> sample(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(i % 251);
  return bytes;
}

/// Times `answer(kernel)` if it equals the reference's.
template <class Answer>
void time_kernel(benchmark::State& state, const Kernel& kernel, const Answer& answer,
                 std::int64_t items) {
  if (answer(kernel) != answer(reference())) {
    state.SkipWithError("wrong answer: nothing was timed");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(answer(kernel));
  state.SetItemsProcessed(state.iterations() * items);
}

void compress(benchmark::State& state, const Kernel& kernel) {
  const auto bytes = sample(static_cast<std::size_t>(state.range(0)));
  const auto answer = [&](const Kernel& by) {
    State digest = kInitialState;
    by.compress(digest, bytes.data(), bytes.size() / 64);
    return digest;
  };
  time_kernel(state, kernel, answer, state.range(0) / 64);
}

void digest_64(benchmark::State& state, const Kernel& kernel) {
  const auto bytes = sample(64 * kMessages);
  std::vector<Digest> digests(kMessages);
  const auto answer = [&](const Kernel& by) {
    by.digest_64(bytes.data(), kMessages, digests.data());
    return digests.back();
  };
  time_kernel(state, kernel, answer, kMessages);
}

void digest_many(benchmark::State& state, const Kernel& kernel) {
  const auto blocks = static_cast<std::size_t>(state.range(0)) / 64;
  const auto bytes = sample(64 * blocks * kMessages);
  std::vector<const std::uint8_t*> bodies;
  for (std::size_t i = 0; i < kMessages; ++i) bodies.push_back(bytes.data() + 64 * blocks * i);
  const Batch batch{.bodies = bodies.data(), .body_blocks = blocks, .count = kMessages};
  std::vector<Digest> digests(kMessages);
  const auto answer = [&](const Kernel& by) {
    by.digest_many(batch, digests.data());
    return digests.back();
  };
  time_kernel(state, kernel, answer, static_cast<std::int64_t>(kMessages * blocks));
}

void expand(benchmark::State& state, const Kernel& kernel) {
  const CounterRows rows{.row_count = 64,
                         .group_count = static_cast<std::uint32_t>(state.range(0) / 8)};
  const std::size_t count = std::size_t{8} * rows.row_count * rows.group_count;
  std::vector<std::uint32_t> words(count);
  const auto answer = [&](const Kernel& by) {
    by.expand(rows, words.data());
    return words.back();
  };
  time_kernel(state, kernel, answer, static_cast<std::int64_t>(count / 8));
}

void scan(benchmark::State& state, const Kernel& kernel) {
  constexpr std::uint64_t kNonces = 4096;
  const OpenHeader header{.midstate = kInitialState, .tail = {1, 2, 3}};
  const auto answer = [&](const Kernel& by) { return by.scan(header, 0, kNonces); };
  time_kernel(state, kernel, answer, kNonces);
}

using Bench = void (*)(benchmark::State&, const Kernel&);

void add(const std::string& operation, const Kernel& kernel, Bench bench, const char* parameter,
         std::int64_t value) {
  const std::string name = "hash/" + operation + "/" + std::string(kernel.name) + "/software";
  auto* registered = benchmark::RegisterBenchmark(
      name.c_str(), [bench, &kernel](benchmark::State& state) { bench(state, kernel); });
  if (parameter != nullptr) registered->ArgName(parameter)->Arg(value);
}

const bool all_added = [] {
  for (const Kernel* kernel : kernels()) {
    if (!kernel->supported()) continue;
    add("compress", *kernel, compress, "bytes", 64);
    add("compress", *kernel, compress, "bytes", 1 << 16);
    add("digest_64", *kernel, digest_64, nullptr, 0);
    add("digest_many", *kernel, digest_many, "bytes", 64);
    add("digest_many", *kernel, digest_many, "bytes", 4096);
    add("expand", *kernel, expand, "columns", 64);
    add("expand", *kernel, expand, "columns", 1024);
    add("scan", *kernel, scan, nullptr, 0);
  }
  return true;
}();

}  // namespace
}  // namespace calx::hash
