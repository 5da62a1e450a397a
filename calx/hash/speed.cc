#include "calx/hash/speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "calx/hash/self_test.h"

namespace calx::hash {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMessages = 256;
constexpr int kParts = 8;

/// The best rate over kParts parts of `each`, in million items a second.
template <class Call>
double best_rate(const Call& call, double items, std::chrono::milliseconds each) {
  double best = 0;
  for (int part = 0; part < kParts; ++part) {
    const auto begun = Clock::now();
    double done = 0;
    std::chrono::duration<double> spent{};
    do {
      call();
      done += items;
      spent = Clock::now() - begun;
    } while (spent < each / kParts);
    best = std::max(best, done / spent.count() / 1e6);
  }
  return best;
}

}  // namespace

Result<KernelSpeed> measure_speed(const Kernel& kernel, std::chrono::milliseconds each) {
  if (!kernel.supported()) {
    return fail(ErrorCode::kUnimplemented,
                fmt::format("kernel {}: this CPU lacks {}", kernel.name, kernel.needs));
  }
  if (const auto fault = SelfTest(*kernels().back()).fault(kernel); !fault.empty()) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("kernel {}: wrong answer from {}", kernel.name, fault));
  }
  std::vector<std::uint8_t> messages(64 * kMessages);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    messages[i] = static_cast<std::uint8_t>(i % 251);
  }
  std::vector<Digest> digests(kMessages);
  const CounterRows rows{.row_count = 32, .group_count = 8};
  std::vector<std::uint32_t> words(std::size_t{8} * rows.row_count * rows.group_count);
  const OpenHeader header{.midstate = kInitialState, .tail = {1, 2, 3}, .top_max = 0};
  State state = kInitialState;

  KernelSpeed speed;
  auto& rates = speed.mega_per_second;
  rates[static_cast<std::size_t>(Operation::kCompress)] = best_rate(
      [&] { kernel.compress(state, messages.data(), kMessages); }, double{kMessages}, each);
  rates[static_cast<std::size_t>(Operation::kBulk)] =
      best_rate([&] { kernel.digest_64(messages.data(), kMessages, digests.data()); },
                double{kMessages}, each);
  rates[static_cast<std::size_t>(Operation::kExpand)] = best_rate(
      [&] { kernel.expand(rows, words.data()); }, static_cast<double>(words.size()) / 8, each);
  rates[static_cast<std::size_t>(Operation::kScan)] = best_rate(
      [&] { static_cast<void>(kernel.scan(header, 0, kMessages)); }, double{kMessages}, each);
  return speed;
}

}  // namespace calx::hash
