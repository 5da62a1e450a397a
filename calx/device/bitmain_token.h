// The packets of Antminer S1 and S3 ("Bitmain tokens"), as pure functions.
//
//     host -> device   51 configuration, 52 work, 53 request for status
//     device -> host   A1 status, A2 nonces
//
// Every packet ends in CRC-16/MODBUS, low byte first. Lengths of one byte count the total less 2,
// lengths of two bytes the total less 4. Sources: cgminer driver-bitmain.{c,h} (both forks) and the
// two kernel drivers; the layouts were computed, never seen on a wire.
//
// Only real hardware can settle: which bit order the flag bytes of an S3 have (a big-endian MIPS
// reverses C bitfields; both orders are built here), and the byte order of S1 to S3 nonces.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"

namespace calx::device {

enum class BitmainKind : std::uint8_t { kS1, kS3 };
enum class FlagOrder : std::uint8_t { kLowFirst, kHighFirst };

struct TokenDialect {
  BitmainKind kind = BitmainKind::kS3;
  FlagOrder order = FlagOrder::kLowFirst;  // as the original hosts send it
};

inline constexpr std::size_t kTokenWorksMax = 8;     // in one packet to an S1 or S3
inline constexpr std::size_t kTokenNoncesMax = 128;  // in one packet from an S3
inline constexpr std::size_t kTokenPacketBytesMax = 1100;

/// The bits of flag byte A, bit 0 first.
struct TokenFlags {
  bool reset = false, fan = false, timeout = false, frequency = false, voltage = false;
  bool chain_check_time = false, chip_config = false, hw_error = false;
};

struct TokenConfig {
  TokenFlags flags = {};
  std::uint8_t chain_check_time = 0;
  std::uint8_t chains = 0, chips = 0;  // chips of a chain
  std::uint8_t fan_percent = 0, timeout = 0;
  std::uint16_t mhz = 0;
  std::array<std::uint8_t, 2> voltage{};  // S1 sends the first byte only
  std::array<std::uint8_t, 4> reg_data{};
  std::uint8_t chip = 0, reg = 0;
};

struct TokenWork {
  std::uint32_t id = 0;
  hash::State midstate{};               // after header bytes 0..63; on the wire little-endian words
  std::array<std::uint8_t, 12> tail{};  // header bytes 64..75, the bytes of each word reversed
};

struct TokenTask {
  bool new_block = false;       // drop what is queued
  std::uint8_t difficulty = 0;  // zero bits above 32; S1 has none
  std::vector<TokenWork> works = {};
};

struct TokenStatusRequest {
  bool chip_status = false, detect_get = false;
  std::uint8_t chip = 0, reg = 0;
};

struct TokenStatus {
  std::uint32_t fifo_space = 0;
  std::array<std::uint8_t, 4> hw_version{};
  std::uint32_t nonce_errors = 0, reg_value = 0;
  std::vector<std::uint8_t> chips = {};  // of each chain
  std::vector<std::int8_t> celsius = {};
  std::vector<std::uint8_t> fans = {};  // times 60: rounds a minute
};

struct TokenNonce {
  std::uint32_t work_id = 0;
  std::uint32_t nonce = 0;  // as a block header has it
};

struct TokenNonces {
  std::uint32_t fifo_space = 0;
  std::uint16_t difficulty = 0;         // S3
  std::uint64_t total = 0;              // S3
  std::vector<TokenNonce> nonces = {};  // none: a heartbeat
};

using TokenBytes = std::vector<std::uint8_t>;

TokenWork token_work(std::uint32_t id, const hash::Header& header) noexcept;

TokenBytes encode(TokenDialect dialect, const TokenConfig& config);
/// \pre 1 .. kTokenWorksMax works
TokenBytes encode(TokenDialect dialect, const TokenTask& task);
TokenBytes encode(TokenDialect dialect, const TokenStatusRequest& request);
TokenBytes encode(TokenDialect dialect, const TokenStatus& status);
TokenBytes encode(TokenDialect dialect, const TokenNonces& nonces);

/// What a host hears; exactly one is set.
struct TokenAnswer {
  std::optional<TokenStatus> status = {};
  std::optional<TokenNonces> nonces = {};
};

/// One whole packet from a device. Errors: kDataLoss for a wrong length, count or check sum.
Result<TokenAnswer> parse_answer(TokenDialect dialect, std::span<const std::uint8_t> bytes);

/// What a device hears; exactly one is set. Both flag orders are understood.
struct TokenOrder {
  std::optional<TokenConfig> config = {};
  std::optional<TokenTask> task = {};
  std::optional<TokenStatusRequest> request = {};
};

/// One whole packet from a host. Errors: kDataLoss.
Result<TokenOrder> parse_order(TokenDialect dialect, std::span<const std::uint8_t> bytes);

/// Cuts a device's answers out of a stream; skips what has no right check sum.
class TokenStream {
 public:
  explicit TokenStream(TokenDialect dialect) : dialect_(dialect) {}
  void push(std::span<const std::uint8_t> bytes);
  std::optional<TokenAnswer> next();
  [[nodiscard]] std::uint64_t bytes_skipped() const noexcept { return skipped_; }

 private:
  TokenDialect dialect_;
  TokenBytes pending_;
  std::uint64_t skipped_ = 0;
};

}  // namespace calx::device
