// The table of SHA-256 kernels: what each can do, which one is in force, and why.
//
// A kernel is one way of computing SHA-256 on one kind of CPU. All kernels give the same bits. At
// first use every kernel that this CPU supports is tested against the portable reference; one that
// differs in a single bit is refused and never used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "calx/hash/counter.h"
#include "calx/hash/digest.h"

namespace calx::hash {

/// What a kernel does. The kernel in force is chosen per operation: the fastest way to compress
/// one message is not the fastest way to hash a thousand.
enum class Operation : std::uint8_t {
  kCompress,  // one message, block after block
  kBulk,      // many independent messages
  kExpand,    // counter mode
  kScan,      // double hashes of one header under many nonces
};
inline constexpr std::size_t kOperationCount = 4;

/// "compress", "bulk", "expand" or "scan".
std::string_view to_string(Operation operation) noexcept;

/// A header with its nonce left open: the state after its first 64 bytes, its message words
/// 16..18 (bytes 64..75, big-endian), and the largest top word wanted of the double hash, read as
/// a little-endian 256-bit number (as Bitcoin does).
struct OpenHeader {
  State midstate{};
  std::array<std::uint32_t, 3> tail{};
  std::uint32_t top_max = 0;
};

/// Padded messages of equal block counts: body_blocks blocks at bodies[i], then tail_blocks blocks
/// at tails[i], i < count. Bodies lie where the caller has them; tails hold the padding.
struct Batch {
  const std::uint8_t* const* bodies = nullptr;
  std::size_t body_blocks = 0;
  const std::uint8_t* const* tails = nullptr;
  std::size_t tail_blocks = 0;
  std::size_t count = 0;
};

/// One row of the table. Every entry point computes by itself and keeps no state.
struct Kernel {
  std::string_view name;   // as in CALX_KERNEL and in every bench name
  std::string_view needs;  // CPU features, in words
  std::size_t lanes;       // independent messages at once
  bool (*supported)() noexcept;
  /// Speed rank per operation, smaller is faster: a static order from measurements (see
  /// docs/results); the first supported kernel that passes its self-test is in force.
  std::array<std::uint8_t, kOperationCount> (*rank)() noexcept;

  /// state <- SHA-256 compression of block_count consecutive 64-byte blocks.
  void (*compress)(State& state, const std::uint8_t* blocks, std::size_t block_count) noexcept;

  /// digests[i] = SHA-256 of the padded message i of the batch.
  void (*digest_many)(const Batch& batch, Digest* digests) noexcept;

  /// digests[i] = SHA-256 of the 64 bytes at messages + 64 i. The padding block is constant, so
  /// its schedule is not computed.
  void (*digest_64)(const std::uint8_t* messages, std::size_t count, Digest* digests) noexcept;

  /// As expand() in counter.h; `words` holds row_count * group_count * 8 values.
  void (*expand)(const CounterRows& rows, std::uint32_t* words) noexcept;

  /// The lowest nonce in first .. first + count - 1 whose double hash has a top word of at most
  /// header.top_max; nothing when there is none. A candidate only: the caller hashes it again and
  /// compares all 256 bits. The nonce is the integer that the header stores little-endian.
  /// \pre first + count <= 2^32
  std::optional<std::uint32_t> (*scan)(const OpenHeader& header, std::uint32_t first,
                                       std::uint64_t count) noexcept;
};

/// Every kernel compiled in, the portable reference last: written to be read, and right on any
/// machine.
std::span<const Kernel* const> kernels() noexcept;

/// The kernel of that name, or nullptr.
const Kernel* find_kernel(std::string_view name) noexcept;

/// The kernel in force: the forced one, else the fastest one that this CPU supports and that
/// passed its self-test. The first call runs the self-tests (well under 1 ms). Any thread.
const Kernel& active_kernel(Operation operation) noexcept;

enum class KernelStatus : std::uint8_t {
  kChosen,       // in force for at least one operation
  kAvailable,    // right, but another one is faster
  kUnsupported,  // this CPU lacks what it needs
  kRefused,      // it differed from the portable reference
  kUnknown,      // no kernel of that name
};

/// "chosen", "available", "unsupported", "refused" or "unknown".
std::string_view to_string(KernelStatus status) noexcept;

struct KernelReport {
  const Kernel* kernel = nullptr;
  KernelStatus status = KernelStatus::kUnknown;
  std::string_view fault;                          // entry point that failed, when refused
  std::array<bool, kOperationCount> chosen_for{};  // operations it is in force for
};

/// One report per kernel, in the order of kernels().
std::vector<KernelReport> kernel_reports();

/// Uses one kernel for every operation from now on; an empty name goes back to the choice by
/// rank. Returns kChosen, or else why nothing changed: kUnsupported, kRefused or kUnknown.
KernelStatus force_kernel(std::string_view name) noexcept;

}  // namespace calx::hash
