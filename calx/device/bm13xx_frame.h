// The bytes between a host and BM13xx chips: commands and jobs out, replies in. Pure functions.
//
//     host -> chips   55 AA | kind | length | data | CRC5, or CRC16 for a job
//     chips -> host   AA 55 | 4 bytes | 2 bytes | (2 bytes) | flags and CRC5
//
// Sources: ESP-Miner components/asic; mujina asic/bm13xx/REFERENCE.md. The frames of BM1366, 1368
// and 1370 are tested on captures; a BM1397's job form follows from source code alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "calx/device/bm13xx_kind.h"
#include "calx/hash/digest.h"
#include "calx/work/block_header.h"

namespace calx::device {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::size_t kBm13xxFrameBytesMax = 152;  // a job of four midstates
inline constexpr std::size_t kMidstatesMax = 4;

/// The value of a register, first byte first on the wire.
using RegisterValue = std::array<std::uint8_t, 4>;

Bytes write_all(std::uint8_t reg, const RegisterValue& value);
Bytes write_one(std::uint8_t address, std::uint8_t reg, const RegisterValue& value);
Bytes read_all(std::uint8_t reg);
Bytes chain_inactive();
Bytes set_address(std::uint8_t address);

/// The whole header but its nonce. \pre job_id < kJobIds
Bytes full_header_job(std::uint8_t job_id, const work::BlockHeader& header);

/// The header by midstates: one for each version of `versions`, in the order that a reply counts
/// them. \pre 1 or 4 versions
Bytes midstate_job(std::uint8_t job_id, const work::BlockHeader& header,
                   std::span<const std::uint32_t> versions);

/// SHA-256 state after the first 64 bytes of the header.
hash::State midstate_of(const hash::Header& header) noexcept;

struct NonceReply {
  std::uint32_t nonce = 0;  // as BlockHeader has it: bytes as received go to header bytes 76..79
  std::uint8_t job_id = 0;
  unsigned small_core = 0;         // or the index of the midstate (BM1397)
  unsigned core = 0;               // the top seven bits of the nonce bytes
  unsigned address = 0;            // the eight bits below: the chip, by ESP-Miner's rule
  std::uint32_t version_bits = 0;  // to be set in the job's version; 0 for BM1397
  std::uint8_t excess = 0;         // half bits above the mask; some chips always say 0
};

struct RegisterReply {
  RegisterValue value{};
  std::uint8_t address = 0, reg = 0;
};

struct Bm13xxReply {
  std::optional<NonceReply> nonce = {};  // exactly one of the two is set
  std::optional<RegisterReply> reg = {};
};

/// One whole reply, preamble included.
/// Errors: kDataLoss for a wrong length, preamble or check sum.
Result<Bm13xxReply> parse_reply(const Bm13xxKind& kind, std::span<const std::uint8_t> bytes);

/// The bytes of a reply, as the chip sends them. \pre exactly one of the two is set
Bytes encode_reply(const Bm13xxKind& kind, const Bm13xxReply& reply);

/// Cuts replies out of a stream that may hold garbage: skips to the next preamble whose frame has
/// no residue. Keeps less than one frame between calls.
class Bm13xxReplyStream {
 public:
  explicit Bm13xxReplyStream(const Bm13xxKind& kind) : kind_(&kind) {}

  void push(std::span<const std::uint8_t> bytes);
  /// The next reply, or nothing until more bytes come.
  std::optional<Bm13xxReply> next();
  [[nodiscard]] std::uint64_t bytes_skipped() const noexcept { return skipped_; }

 private:
  const Bm13xxKind* kind_;
  Bytes pending_;
  std::uint64_t skipped_ = 0;
};

/// What a chip hears.
struct Bm13xxCommand {
  enum class Kind : std::uint8_t { kSetAddress, kWrite, kRead, kInactive, kJob };
  Kind kind = Kind::kWrite;
  bool all = false;
  Bytes data = {};  // without length and check sum
};

/// Cuts commands out of a stream. A frame with a wrong check sum is skipped and counted, as a chip
/// does, which says nothing.
class Bm13xxCommandStream {
 public:
  void push(std::span<const std::uint8_t> bytes);
  std::optional<Bm13xxCommand> next();
  [[nodiscard]] std::uint64_t bytes_skipped() const noexcept { return skipped_; }

 private:
  Bytes pending_;
  std::uint64_t skipped_ = 0;
};

}  // namespace calx::device
