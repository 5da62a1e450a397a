#include "calx/hash/self_test.h"

#include <cstring>

namespace calx::hash {
namespace {

// More lanes than the widest kernel has, and not a multiple of any width.
constexpr std::size_t kLanes = 37;
constexpr std::size_t kBlocksMax = 3;

/// Bytes that repeat after a prime length, so that swapped blocks show; the data start at an odd
/// address.
struct Sample {
  alignas(64) std::uint8_t storage[64 * (kLanes + kBlocksMax) + 1];
  const std::uint8_t* bytes = storage + 1;

  Sample() noexcept {
    for (std::size_t i = 0; i < sizeof storage; ++i)
      storage[i] = static_cast<std::uint8_t>(i % 251);
  }
};

bool compresses(const Kernel& kernel, const Kernel& reference, const Sample& sample) noexcept {
  for (std::size_t block_count = 0; block_count <= kBlocksMax; ++block_count) {
    State got = kInitialState, want = kInitialState;
    kernel.compress(got, sample.bytes, block_count);
    reference.compress(want, sample.bytes, block_count);
    if (got != want) return false;
  }
  return true;
}

bool digests_many(const Kernel& kernel, const Kernel& reference, const Sample& sample,
                  std::size_t body_blocks, std::size_t tail_blocks, std::size_t count) noexcept {
  const std::uint8_t* bodies[kLanes];
  const std::uint8_t* tails[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) {
    bodies[i] = sample.bytes + 64 * i;
    tails[i] = sample.bytes + 64 * (kLanes - i);
  }
  const Batch batch{bodies, body_blocks, tails, tail_blocks, count};
  Digest got[kLanes + 1] = {}, want[kLanes + 1] = {};
  kernel.digest_many(batch, got);
  reference.digest_many(batch, want);
  return std::memcmp(got, want, sizeof got) == 0;  // those past the count must stay untouched
}

bool digests_64(const Kernel& kernel, const Kernel& reference, const Sample& sample) noexcept {
  Digest got[kLanes + 1] = {}, want[kLanes + 1] = {};
  kernel.digest_64(sample.bytes, kLanes, got);
  reference.digest_64(sample.bytes, kLanes, want);
  return std::memcmp(got, want, sizeof got) == 0;
}

bool expands(const Kernel& kernel, const Kernel& reference, std::uint32_t row_count,
             std::uint32_t group_count) noexcept {
  constexpr std::size_t kWords = 20 * 8 * 8;
  CounterRows rows{.word8 = 1, .word9 = 2, .word10 = 3};
  for (std::uint32_t i = 0; i < 8; ++i) rows.key[i] = 0x04040404u * i + 0x00010203u;
  rows.row_first = 0xfffffff0u - row_count;
  rows.row_count = row_count;
  rows.group_first = 0x00fffffe;
  rows.group_count = group_count;
  std::uint32_t got[kWords + 1] = {}, want[kWords + 1] = {};
  kernel.expand(rows, got);
  reference.expand(rows, want);
  return std::memcmp(got, want, sizeof got) == 0;
}

// The block of 3 January 2009; its nonce is 2083236893.
constexpr std::uint8_t kGenesisHeader[76] = {
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x3b, 0xa3, 0xed, 0xfd, 0x7a, 0x7b, 0x12, 0xb2, 0x7a, 0xc7, 0x2c, 0x3e,
    0x67, 0x76, 0x8f, 0x61, 0x7f, 0xc8, 0x1b, 0xc3, 0x88, 0x8a, 0x51, 0x32, 0x3a, 0x9f, 0xb8, 0xaa,
    0x4b, 0x1e, 0x5e, 0x4a, 0x29, 0xab, 0x5f, 0x49, 0xff, 0xff, 0x00, 0x1d};
constexpr std::uint32_t kGenesisNonce = 2083236893;

bool scans(const Kernel& kernel, const Kernel& reference) noexcept {
  OpenHeader header;
  header.midstate = kInitialState;
  reference.compress(header.midstate, kGenesisHeader, 1);
  header.tail = {0x4b1e5e4a, 0x29ab5f49, 0xffff001d};
  // The nonce in every lane of the widest kernel, and just outside either end.
  for (std::uint32_t before = 0; before < 17; ++before) {
    if (kernel.scan(header, kGenesisNonce - before, 18) != kGenesisNonce) return false;
  }
  if (kernel.scan(header, kGenesisNonce - 37, 37) || kernel.scan(header, kGenesisNonce + 1, 17)) {
    return false;
  }
  // An easy target: the lowest of several candidates, at nonces whose low byte carries over.
  header.top_max = 0x0fffffff;
  for (std::uint32_t first = 0xf0; first < 0x110; first += 5) {
    const auto want = reference.scan(header, first, 24);
    if (kernel.scan(header, first, 24) != want) return false;
  }
  return true;
}

}  // namespace

std::string_view self_test(const Kernel& kernel, const Kernel& reference) noexcept {
  const Sample sample;
  if (!compresses(kernel, reference, sample)) return "compress";
  if (!digests_many(kernel, reference, sample, 0, 1, kLanes) ||
      !digests_many(kernel, reference, sample, 1, 1, kLanes - 5) ||
      !digests_many(kernel, reference, sample, 2, 2, 1) ||
      !digests_many(kernel, reference, sample, 1, 1, 0)) {
    return "digest_many";
  }
  if (!digests_64(kernel, reference, sample)) return "digest_64";
  // Many rows of few groups, and few rows of many groups.
  if (!expands(kernel, reference, 19, 3) || !expands(kernel, reference, 3, 37) ||
      !expands(kernel, reference, 1, 1)) {
    return "expand";
  }
  if (!scans(kernel, reference)) return "scan";
  return {};
}

Choice choose_kernels(std::span<const Kernel* const> candidates) {
  Choice choice;
  const Kernel& reference = *candidates.back();
  choice.active.fill(&reference);
  for (const Kernel* kernel : candidates) {
    KernelReport report;
    report.kernel = kernel;
    report.status = KernelStatus::kUnsupported;
    if (kernel->supported()) {
      if (kernel != &reference) report.fault = self_test(*kernel, reference);
      report.status = report.fault.empty() ? KernelStatus::kAvailable : KernelStatus::kRefused;
    }
    choice.reports.push_back(report);
    if (report.status != KernelStatus::kAvailable) continue;
    for (std::size_t i = 0; i < kOperationCount; ++i) {
      if (kernel->rank()[i] < choice.active[i]->rank()[i]) choice.active[i] = kernel;
    }
  }
  for (KernelReport& report : choice.reports) {
    for (std::size_t i = 0; i < kOperationCount; ++i) {
      report.chosen_for[i] = choice.active[i] == report.kernel;
      if (report.chosen_for[i]) report.status = KernelStatus::kChosen;
    }
  }
  return choice;
}

}  // namespace calx::hash
