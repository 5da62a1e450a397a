// What a busy server does for its stamps: 65,536 requests under one search, each with the path that
// proves it is in, then each with a receipt of its own, signed. One run; every answer is checked.
// Making the requests and checking the signatures is not in the time. The cpu counters are those of
// all threads together: what one core that nobody else uses would take.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <string>
#include <vector>

#include "calx/receipt/receipt.h"
#include "calx/signal/batcher.h"
#include "calx/work/scanner_job_runner.h"

namespace calx {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kRequests = 65'536;
constexpr std::uint32_t kWorkBits = 20;
constexpr std::uint32_t kSignaturesChecked = 64;  // spread over the list

struct Wanted {
  receipt::Request request;
  signal::BatchRequest entry;
};

// Requests for one image each that differ in their seeds.
std::vector<Wanted> wanted_requests() {
  std::vector<Wanted> list(kRequests);
  for (std::uint32_t i = 0; i < kRequests; ++i) {
    receipt::Request& request = list[i].request;
    request.identity.model.fill(0xaa);
    request.identity.class_index = i % 10;
    request.identity.guidance_thousandths = 1500;
    request.identity.steps = 20;
    request.identity.sampler = "dpmpp-2m";
    request.identity.width = request.identity.height = 28;
    request.identity.seed = noise::Seed::from_integer(std::uint64_t{i});
    request.count = 1;
    list[i].entry.commitment = receipt::commitment(request).value();
    for (std::size_t k = 0; k < 4; ++k) {
      list[i].entry.id[k] = static_cast<std::uint8_t>(i >> 8 * k);
    }
  }
  return list;
}

receipt::Receipt receipt_of(const Wanted& wanted, const signal::StampedRequest& stamped) {
  receipt::Receipt made;
  made.request = wanted.request;
  made.commitment = wanted.entry.commitment;
  made.path = stamped.path;
  made.stamp = *stamped.stamp;
  receipt::ReceiptImage image;
  image.seed = wanted.entry.commitment;
  image.latent = {1, 28, 28, {}};
  image.pixels = {28, 28, 1, 8, {}};
  image.file = "digit-0-00000.png";
  made.images = {image};
  made.made = {{"software", "calx bench"}};
  return made;
}

bool holds(const receipt::Receipt& made) {
  const auto text = receipt::signed_bytes(made);
  const auto root = work::root_of(made.commitment, made.path, made.stamp.leaves);
  return text && root && *root == made.stamp.root && work::check(made.stamp) &&
         receipt::verify_signature(*text, made.signature, made.public_key);
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

void stamped_receipts(benchmark::State& state) {
  const auto list = wanted_requests();
  std::vector<signal::BatchRequest> entries;
  for (const Wanted& wanted : list) entries.push_back(wanted.entry);
  const auto key = receipt::SigningKey::from_secret({1, 2, 3});
  double stamped_s = 0, signed_s = 0, stamped_cpu_s = 0, signed_cpu_s = 0;
  for (auto _ : state) {
    const double cpu_start = cpu_seconds();
    const auto start = Clock::now();
    signal::Batcher batcher(work::software_runner(),
                            {.target = *work::Target::from_work_bits(kWorkBits)});
    const auto tickets = batcher.submit(entries);
    if (!tickets) return state.SkipWithError("nothing was accepted");
    std::vector<signal::StampedRequest> answers;
    answers.reserve(kRequests);
    for (const signal::Ticket& ticket : *tickets) {
      auto answer = ticket.wait();
      if (!answer) return state.SkipWithError("a request has no stamp: nothing was timed");
      answers.push_back(std::move(*answer));
    }
    stamped_s += seconds(Clock::now() - start);
    stamped_cpu_s += cpu_seconds() - cpu_start;
    std::vector<receipt::Receipt> kept;
    for (std::uint32_t i = 0; i < kRequests; ++i) {
      receipt::Receipt made = receipt_of(list[i], answers[i]);
      if (!receipt::sign(made, *key)) return state.SkipWithError("a receipt cannot be signed");
      if (i % (kRequests / kSignaturesChecked) == 0) kept.push_back(std::move(made));
    }
    const auto end = Clock::now();
    signed_s += seconds(end - start);
    signed_cpu_s += cpu_seconds() - cpu_start;
    if (!std::ranges::all_of(kept, holds)) {
      return state.SkipWithError("a receipt does not hold: nothing was timed");
    }
    state.SetIterationTime(seconds(end - start));
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["stamped_s"] = stamped_s / runs;
  state.counters["signed_s"] = signed_s / runs;
  state.counters["stamped_cpu_s"] = stamped_cpu_s / runs;
  state.counters["signed_cpu_s"] = signed_cpu_s / runs;
}
BENCHMARK(stamped_receipts)
    ->Name("batcher/stamp_and_sign/requests:65536")
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

}  // namespace
}  // namespace calx
