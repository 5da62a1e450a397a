#include "calx/hash/self_test.h"

namespace calx::hash {
namespace {

// The block of 3 January 2009; its nonce is 2083236893.
constexpr std::uint8_t kGenesisHeader[76] = {
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x3b, 0xa3, 0xed, 0xfd, 0x7a, 0x7b, 0x12, 0xb2, 0x7a, 0xc7, 0x2c, 0x3e,
    0x67, 0x76, 0x8f, 0x61, 0x7f, 0xc8, 0x1b, 0xc3, 0x88, 0x8a, 0x51, 0x32, 0x3a, 0x9f, 0xb8, 0xaa,
    0x4b, 0x1e, 0x5e, 0x4a, 0x29, 0xab, 0x5f, 0x49, 0xff, 0xff, 0x00, 0x1d};
constexpr std::uint32_t kGenesisNonce = 2083236893;

// Bodies, tails and messages of each batch.
struct BatchShape {
  std::size_t body_blocks, tail_blocks, count;
};
constexpr BatchShape kBatchShapes[] = {{0, 1, 37}, {1, 1, 32}, {2, 2, 1}};

// Many rows of few groups, and few rows of many groups.
struct BoxShape {
  std::uint32_t row_count, group_count;
};
constexpr BoxShape kBoxShapes[] = {{19, 3}, {2, 21}, {1, 1}};

}  // namespace

SelfTest::SelfTest(const Kernel& reference) noexcept {
  // Bytes that repeat after a prime length, so that swapped blocks show.
  for (std::size_t i = 0; i < sample_.size(); ++i) {
    sample_[i] = static_cast<std::uint8_t>(i % 251);
  }
  genesis_.midstate = kInitialState;
  reference.compress(genesis_.midstate, kGenesisHeader, 1);
  genesis_.tail = {0x4b1e5e4a, 0x29ab5f49, 0xffff001d};
  for (std::size_t i = 0; i < states_.size(); ++i) states_[i] = compressed(reference, i);
  for (std::size_t i = 0; i < kBatches; ++i) batches_[i] = batch(reference, i);
  of_64_bytes_ = of_64_bytes(reference);
  for (std::size_t i = 0; i < kBoxes; ++i) boxes_[i] = box(reference, i);
  for (std::size_t i = 0; i < kEasyScans; ++i) easy_[i] = easy_scan(reference, i);
}

std::string_view SelfTest::fault(const Kernel& kernel) const noexcept {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (compressed(kernel, i) != states_[i]) return "compress";
  }
  for (std::size_t i = 0; i < kBatches; ++i) {
    if (batch(kernel, i) != batches_[i]) return "digest_many";
  }
  if (of_64_bytes(kernel) != of_64_bytes_) return "digest_64";
  for (std::size_t i = 0; i < kBoxes; ++i) {
    if (box(kernel, i) != boxes_[i]) return "expand";
  }
  for (std::size_t i = 0; i < kEasyScans; ++i) {
    if (easy_scan(kernel, i) != easy_[i]) return "scan";
  }
  return scans_genesis(kernel) ? std::string_view{} : "scan";
}

State SelfTest::compressed(const Kernel& kernel, std::size_t block_count) const noexcept {
  State state = kInitialState;
  kernel.compress(state, sample_.data() + 1, block_count);
  return state;
}

SelfTest::Digests SelfTest::batch(const Kernel& kernel, std::size_t index) const noexcept {
  const BatchShape& shape = kBatchShapes[index];
  std::array<const std::uint8_t*, kLanes> bodies, tails;
  for (std::size_t i = 0; i < kLanes; ++i) {
    bodies[i] = sample_.data() + 1 + 64 * i;
    tails[i] = sample_.data() + 1 + 64 * (kLanes - i);
  }
  Digests digests{};
  kernel.digest_many({.bodies = bodies.data(),
                      .body_blocks = shape.body_blocks,
                      .tails = tails.data(),
                      .tail_blocks = shape.tail_blocks,
                      .count = shape.count},
                     digests.data());
  return digests;
}

SelfTest::Digests SelfTest::of_64_bytes(const Kernel& kernel) const noexcept {
  Digests digests{};
  kernel.digest_64(sample_.data() + 1, kLanes, digests.data());
  return digests;
}

SelfTest::Words SelfTest::box(const Kernel& kernel, std::size_t index) noexcept {
  CounterRows rows{.word8 = 1, .word9 = 2, .word10 = 3};
  for (std::uint32_t i = 0; i < 8; ++i) rows.key[i] = 0x00010203u + 0x04040404u * i;
  rows.row_count = kBoxShapes[index].row_count;
  rows.row_first = 0xffffffffu - rows.row_count;
  rows.group_count = kBoxShapes[index].group_count;
  rows.group_first = 0x00fffffe;
  Words words{};
  kernel.expand(rows, words.data());
  return words;
}

std::optional<std::uint32_t> SelfTest::easy_scan(const Kernel& kernel,
                                                 std::size_t index) const noexcept {
  // The lowest of several candidates, at nonces whose low byte carries over.
  OpenHeader header = genesis_;
  header.top_max = 0x1fffffff;
  return kernel.scan(header, static_cast<std::uint32_t>(0xf5 + 3 * index), 24);
}

bool SelfTest::scans_genesis(const Kernel& kernel) const noexcept {
  // The nonce in every lane of the widest kernel, and just outside either end.
  for (std::uint32_t before = 0; before < 17; ++before) {
    if (kernel.scan(genesis_, kGenesisNonce - before, 18) != kGenesisNonce) return false;
  }
  return !kernel.scan(genesis_, kGenesisNonce - 37, 37) &&
         !kernel.scan(genesis_, kGenesisNonce + 1, 17);
}

Choice choose_kernels(std::span<const Kernel* const> candidates) {
  Choice choice;
  const Kernel& reference = *candidates.back();
  choice.active.fill(&reference);
  const SelfTest test(reference);
  for (const Kernel* kernel : candidates) {
    KernelReport report;
    report.kernel = kernel;
    report.status = KernelStatus::kUnsupported;
    if (kernel->supported()) {
      if (kernel != &reference) report.fault = test.fault(*kernel);
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
