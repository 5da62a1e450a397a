// The start-up test of kernels, and the choice among those that pass it.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "calx/hash/kernel.h"

namespace calx::hash {

/// What every entry point of a right kernel answers, computed once by the reference.
class SelfTest {
 public:
  /// Cost: about 500 compressions.
  explicit SelfTest(const Kernel& reference) noexcept;

  /// Compares every entry point of `kernel` with the reference: whole and odd numbers of lanes,
  /// blocks at an odd address, 0 to 3 blocks, many rows of few groups and few rows of many, the
  /// nonce of the genesis block in every lane. Returns the name of the first entry point that
  /// differs, or an empty view. \pre kernel.supported()
  [[nodiscard]] std::string_view fault(const Kernel& kernel) const noexcept;

 private:
  // More lanes than the widest kernel has, and not a multiple of any width.
  static constexpr std::size_t kLanes = 37;
  static constexpr std::size_t kBlocksMax = 3;
  static constexpr std::size_t kBatches = 3;
  static constexpr std::size_t kBoxes = 3;
  static constexpr std::size_t kWordsMax = std::size_t{8} * 19 * 3;
  static constexpr std::size_t kEasyScans = 4;
  // One element more than is computed: it must stay untouched.
  using Digests = std::array<Digest, kLanes + 1>;
  using Words = std::array<std::uint32_t, kWordsMax + 1>;

  [[nodiscard]] State compressed(const Kernel& kernel, std::size_t block_count) const noexcept;
  [[nodiscard]] Digests batch(const Kernel& kernel, std::size_t index) const noexcept;
  [[nodiscard]] Digests of_64_bytes(const Kernel& kernel) const noexcept;
  [[nodiscard]] static Words box(const Kernel& kernel, std::size_t index) noexcept;
  [[nodiscard]] std::optional<std::uint32_t> easy_scan(const Kernel& kernel,
                                                       std::size_t index) const noexcept;
  [[nodiscard]] bool scans_genesis(const Kernel& kernel) const noexcept;

  std::array<std::uint8_t, 64 * (kLanes + kBlocksMax) + 1> sample_;
  OpenHeader genesis_;
  std::array<State, kBlocksMax + 1> states_;
  std::array<Digests, kBatches> batches_;
  Digests of_64_bytes_;
  std::array<Words, kBoxes> boxes_;
  std::array<std::optional<std::uint32_t>, kEasyScans> easy_;
};

struct Choice {
  std::vector<KernelReport> reports;                    // one per candidate, in their order
  std::array<const Kernel*, kOperationCount> active{};  // never null
};

/// Tests every supported candidate against the last one, which is the reference and is not
/// tested itself, and takes the best rank per operation among those that passed.
Choice choose_kernels(std::span<const Kernel* const> candidates);

}  // namespace calx::hash
