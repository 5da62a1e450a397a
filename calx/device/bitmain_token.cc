#include "calx/device/bitmain_token.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/base/assert.h"
#include "calx/device/bm13xx_frame.h"
#include "calx/device/crc.h"
#include "calx/hash/big_endian.h"

namespace calx::device {
namespace {

constexpr std::uint8_t kConfig = 0x51, kTask = 0x52, kRequest = 0x53, kStatus = 0xa1,
                       kNonces = 0xa2;
constexpr std::size_t kWorkBytes = 48, kNonceBytes = 8, kSumBytes = 2;
constexpr std::size_t kTaskHeadBytes = 8;
constexpr std::size_t kStatusHeadS1 = 20, kStatusHeadS3 = 28;
constexpr std::size_t kNoncesHeadS1 = 4, kNoncesHeadS3 = 16, kNoncesMaxS1 = 8;

constexpr std::uint8_t reversed(unsigned byte) noexcept {
  unsigned result = 0;
  for (unsigned bit = 0; bit < 8; ++bit) result |= (byte >> bit & 1u) << (7 - bit);
  return static_cast<std::uint8_t>(result);
}

// Little-endian fields in the order of the wire; seal() puts length and check sum right.
class Writer {
 public:
  Writer(std::uint8_t token, bool wide_length) : wide_(wide_length) {
    u8(token);
    if (wide_) u8(0);  // version
    for (int i = 0; i < (wide_ ? 2 : 1); ++i) u8(0);
  }
  void u8(unsigned value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void u16(unsigned value) { u8(value), u8(value >> 8); }
  void u32(std::uint32_t value) { u16(value), u16(value >> 16); }
  void u64(std::uint64_t value) {
    u32(static_cast<std::uint32_t>(value)), u32(static_cast<std::uint32_t>(value >> 32));
  }
  template <class Range>
  void all(const Range& range) {
    for (const auto value : range) u8(static_cast<std::uint8_t>(value));
  }
  TokenBytes seal() {
    const std::size_t total = bytes_.size() + kSumBytes;
    if (wide_) {
      bytes_[2] = static_cast<std::uint8_t>(total - 4);
      bytes_[3] = static_cast<std::uint8_t>((total - 4) >> 8);
    } else {
      bytes_[1] = static_cast<std::uint8_t>(total - 2);
    }
    u16(crc16_modbus(bytes_));
    return std::move(bytes_);
  }

 private:
  bool wide_;
  TokenBytes bytes_;
};

// The same fields on the way in. The caller has checked the length.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> bytes, std::size_t at) : bytes_(bytes), at_(at) {}
  std::uint8_t u8() { return bytes_[at_++]; }
  std::uint16_t u16() {
    const unsigned low = u8();
    return static_cast<std::uint16_t>(low | static_cast<unsigned>(u8()) << 8);
  }
  std::uint32_t u32() {
    const std::uint32_t low = u16();
    return low | static_cast<std::uint32_t>(u16()) << 16;
  }
  std::uint64_t u64() {
    const std::uint64_t low = u32();
    return low | static_cast<std::uint64_t>(u32()) << 32;
  }
  void skip(std::size_t bytes) { at_ += bytes; }
  template <class Range>
  void all(Range& range) {
    for (auto& value : range) value = static_cast<std::remove_reference_t<decltype(value)>>(u8());
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_;
};

bool has_wide_length(BitmainKind kind, std::uint8_t token) noexcept {
  return kind == BitmainKind::kS3 || token == kTask;
}

std::uint8_t ordered(FlagOrder order, unsigned flags) noexcept {
  return order == FlagOrder::kLowFirst ? static_cast<std::uint8_t>(flags) : reversed(flags);
}

std::uint8_t pack(const TokenFlags& f) noexcept {
  const bool bits[] = {f.reset,       f.fan,     f.timeout,
                       f.frequency,   f.voltage, f.chain_check_time,
                       f.chip_config, f.hw_error};
  unsigned packed = 0;
  for (unsigned i = 0; i < 8; ++i) packed |= static_cast<unsigned>(bits[i]) << i;
  return static_cast<std::uint8_t>(packed);
}

TokenFlags unpack(std::uint8_t packed) noexcept {
  const auto bit = [packed](unsigned i) { return (packed >> i & 1) != 0; };
  return {.reset = bit(0),
          .fan = bit(1),
          .timeout = bit(2),
          .frequency = bit(3),
          .voltage = bit(4),
          .chain_check_time = bit(5),
          .chip_config = bit(6),
          .hw_error = bit(7)};
}

std::unexpected<Error> broken(std::string_view what, std::size_t bytes) {
  return fail(ErrorCode::kDataLoss, fmt::format("token packet of {} bytes: {}", bytes, what));
}

// The total length that the packet's own head states; nothing while too few bytes are there.
std::optional<std::size_t> stated_length(BitmainKind kind, std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 4) return std::nullopt;
  if (!has_wide_length(kind, bytes[0])) return std::size_t{bytes[1]} + 2;
  return static_cast<std::size_t>(bytes[2] | bytes[3] << 8) + 4;
}

Result<void> check_frame(BitmainKind kind, std::span<const std::uint8_t> bytes) {
  const auto length = stated_length(kind, bytes);
  if (!length || *length != bytes.size() || bytes.size() < 6) {
    return broken("its length field says another number", bytes.size());
  }
  const auto body = bytes.first(bytes.size() - kSumBytes);
  const auto sum = bytes[bytes.size() - 2] | unsigned{bytes.back()} << 8;
  if (crc16_modbus(body) != sum) return broken("its check sum is wrong", bytes.size());
  return {};
}

Result<TokenAnswer> parse_status(BitmainKind kind, std::span<const std::uint8_t> bytes) {
  const bool s3 = kind == BitmainKind::kS3;
  const std::size_t head = s3 ? kStatusHeadS3 : kStatusHeadS1;
  if (bytes.size() < head + kSumBytes) return broken("too short for a status", bytes.size());
  TokenStatus status;
  std::size_t chains = 0, temps = 0, fans = 0;
  if (s3) {
    Reader in(bytes, 5);
    chains = in.u8();
    status.fifo_space = in.u16();
    in.all(status.hw_version);
    fans = in.u8(), temps = in.u8();
    in.skip(6);  // which fans and sensors exist
    status.nonce_errors = in.u32();
    status.reg_value = in.u32();
  } else {
    Reader in(bytes, 3);
    status.hw_version[0] = in.u8();
    status.fifo_space = in.u32();
    status.reg_value = in.u32();
    status.nonce_errors = in.u32();
    chains = in.u8(), temps = in.u8(), fans = in.u8();
  }
  const std::size_t rest = bytes.size() - head - kSumBytes;
  if (rest < chains + temps + fans) return broken("too short for its chains", bytes.size());
  const std::size_t words = rest - chains - temps - fans;
  // S1: one status word a chain. S3: existence and status words, as many as a chain's chips need.
  const bool fits =
      s3 ? (chains == 0 ? words == 0 : words % (8 * chains) == 0) : words == 4 * chains;
  if (!fits) return broken("its status words do not fit its chains", bytes.size());
  Reader in(bytes, head + words);
  status.chips.resize(chains), status.celsius.resize(temps), status.fans.resize(fans);
  in.all(status.chips), in.all(status.celsius), in.all(status.fans);
  return TokenAnswer{.status = std::move(status)};
}

Result<TokenAnswer> parse_nonces(BitmainKind kind, std::span<const std::uint8_t> bytes) {
  const bool s3 = kind == BitmainKind::kS3;
  const std::size_t head = s3 ? kNoncesHeadS3 : kNoncesHeadS1;
  if (bytes.size() < head + kSumBytes) return broken("too short for nonces", bytes.size());
  TokenNonces result;
  Reader in(bytes, s3 ? 4 : 2);
  std::size_t stated = 0;
  if (s3) {
    result.fifo_space = in.u16(), result.difficulty = in.u16(), result.total = in.u64();
  } else {
    result.fifo_space = in.u8(), stated = in.u8();
  }
  const std::size_t body = bytes.size() - head - kSumBytes;
  const std::size_t count = body / kNonceBytes;
  if (body % kNonceBytes != 0 || count > (s3 ? kTokenNoncesMax : kNoncesMaxS1) ||
      (!s3 && stated != count)) {
    return broken("its nonces are miscounted", bytes.size());
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t id = in.u32();
    result.nonces.push_back({.work_id = id, .nonce = hash::swap_bytes(in.u32())});
  }
  return TokenAnswer{.nonces = std::move(result)};
}

TokenTask parse_task(BitmainKind kind, std::span<const std::uint8_t> bytes) {
  Reader in(bytes, 4);
  TokenTask task{.new_block = in.u8() != 0};
  task.difficulty = in.u8();
  if (kind == BitmainKind::kS1) task.difficulty = 0;
  in.skip(2);
  const std::size_t count = (bytes.size() - kTaskHeadBytes - kSumBytes) / kWorkBytes;
  for (std::size_t i = 0; i < count; ++i) {
    TokenWork work{.id = in.u32()};
    for (std::uint32_t& word : work.midstate) word = in.u32();
    in.all(work.tail);
    task.works.push_back(work);
  }
  return task;
}

TokenConfig parse_config(BitmainKind kind, std::span<const std::uint8_t> bytes) {
  const bool s3 = kind == BitmainKind::kS3;
  Reader in(bytes, s3 ? 4 : 2);
  TokenConfig config{.flags = unpack(in.u8())};
  in.skip(1);
  if (s3) {
    config.chain_check_time = in.u8();
    in.skip(1);
  }
  config.chains = in.u8(), config.chips = in.u8();
  config.fan_percent = in.u8(), config.timeout = in.u8();
  config.mhz = in.u16();
  config.voltage[0] = in.u8();
  if (s3) {
    config.voltage[1] = in.u8();
  } else {
    config.chain_check_time = in.u8();
  }
  in.all(config.reg_data);
  config.chip = in.u8(), config.reg = in.u8();
  return config;
}

}  // namespace

TokenWork token_work(std::uint32_t id, const hash::Header& header) noexcept {
  TokenWork work{.id = id, .midstate = midstate_of(header)};
  for (std::size_t i = 0; i < work.tail.size(); ++i) {
    work.tail[i] = header[64 + (i & ~std::size_t{3}) + 3 - (i & 3)];
  }
  return work;
}

TokenBytes encode(TokenDialect dialect, const TokenConfig& config) {
  const bool s3 = dialect.kind == BitmainKind::kS3;
  Writer out(kConfig, s3);
  out.u8(ordered(dialect.order, pack(config.flags)));
  out.u8(0);
  if (s3) out.u8(config.chain_check_time), out.u8(0);
  out.u8(config.chains), out.u8(config.chips);
  out.u8(config.fan_percent), out.u8(config.timeout);
  out.u16(config.mhz);
  out.u8(config.voltage[0]);
  out.u8(s3 ? config.voltage[1] : config.chain_check_time);
  out.all(config.reg_data);
  out.u8(config.chip), out.u8(config.reg);
  return out.seal();
}

TokenBytes encode(TokenDialect dialect, const TokenTask& task) {
  CALX_ASSERT(!task.works.empty() && task.works.size() <= kTokenWorksMax);
  Writer out(kTask, true);
  out.u8(ordered(dialect.order, task.new_block ? 1 : 0));
  out.u8(dialect.kind == BitmainKind::kS1 ? 0 : task.difficulty);
  out.u16(0);
  for (const TokenWork& work : task.works) {
    out.u32(work.id);
    for (const std::uint32_t word : work.midstate) out.u32(word);
    out.all(work.tail);
  }
  return out.seal();
}

TokenBytes encode(TokenDialect dialect, const TokenStatusRequest& request) {
  const bool s3 = dialect.kind == BitmainKind::kS3;
  Writer out(kRequest, s3);
  out.u8(ordered(dialect.order, (request.chip_status ? 1u : 0u) | (request.detect_get ? 2u : 0u)));
  for (int i = 0; i < (s3 ? 3 : 1); ++i) out.u8(0);
  out.u8(request.chip), out.u8(request.reg);
  return out.seal();
}

TokenBytes encode(TokenDialect dialect, const TokenStatus& status) {
  const bool s3 = dialect.kind == BitmainKind::kS3;
  Writer out(kStatus, s3);
  out.u8(0);
  if (s3) {
    out.u8(static_cast<unsigned>(status.chips.size()));
    out.u16(status.fifo_space);
    out.all(status.hw_version);
    out.u8(static_cast<unsigned>(status.fans.size()));
    out.u8(static_cast<unsigned>(status.celsius.size()));
    out.u16((1u << status.fans.size()) - 1u);
    out.u32((1u << status.celsius.size()) - 1u);
    out.u32(status.nonce_errors), out.u32(status.reg_value);
  } else {
    out.u8(status.hw_version[0]);
    out.u32(status.fifo_space), out.u32(status.reg_value), out.u32(status.nonce_errors);
    out.u8(static_cast<unsigned>(status.chips.size()));
    out.u8(static_cast<unsigned>(status.celsius.size()));
    out.u8(static_cast<unsigned>(status.fans.size()));
    out.u8(0);
  }
  for (int kinds = s3 ? 2 : 1; kinds > 0; --kinds) {
    for (std::size_t chain = 0; chain < status.chips.size(); ++chain) out.u32(0xffffffff);
  }
  out.all(status.chips), out.all(status.celsius), out.all(status.fans);
  return out.seal();
}

TokenBytes encode(TokenDialect dialect, const TokenNonces& nonces) {
  const bool s3 = dialect.kind == BitmainKind::kS3;
  CALX_ASSERT(nonces.nonces.size() <= (s3 ? kTokenNoncesMax : kNoncesMaxS1));
  Writer out(kNonces, s3);
  if (s3) {
    out.u16(nonces.fifo_space), out.u16(nonces.difficulty), out.u64(nonces.total);
  } else {
    out.u8(nonces.fifo_space), out.u8(static_cast<unsigned>(nonces.nonces.size()));
  }
  for (const TokenNonce& nonce : nonces.nonces) {
    out.u32(nonce.work_id), out.u32(hash::swap_bytes(nonce.nonce));
  }
  return out.seal();
}

Result<TokenAnswer> parse_answer(TokenDialect dialect, std::span<const std::uint8_t> bytes) {
  CALX_TRY(check_frame(dialect.kind, bytes));
  if (bytes[0] == kStatus) return parse_status(dialect.kind, bytes);
  if (bytes[0] == kNonces) return parse_nonces(dialect.kind, bytes);
  return broken("no answer begins so", bytes.size());
}

Result<TokenOrder> parse_order(TokenDialect dialect, std::span<const std::uint8_t> bytes) {
  CALX_TRY(check_frame(dialect.kind, bytes));
  const bool s3 = dialect.kind == BitmainKind::kS3;
  TokenOrder order;
  if (bytes[0] == kTask && bytes.size() > kTaskHeadBytes + kSumBytes &&
      (bytes.size() - kTaskHeadBytes - kSumBytes) % kWorkBytes == 0) {
    order.task = parse_task(dialect.kind, bytes);
    if (order.task->works.size() <= kTokenWorksMax) return order;
  } else if (bytes[0] == kConfig && bytes.size() == (s3 ? 24u : 20u)) {
    order.config = parse_config(dialect.kind, bytes);
    if (dialect.order == FlagOrder::kHighFirst) {
      order.config->flags = unpack(reversed(pack(order.config->flags)));
    }
    return order;
  } else if (bytes[0] == kRequest && bytes.size() == (s3 ? 12u : 8u)) {
    const std::uint8_t flags = bytes[s3 ? 4 : 2];
    order.request = TokenStatusRequest{.chip_status = (flags & 0x81) != 0,
                                       .detect_get = (flags & 0x42) != 0,
                                       .chip = bytes[bytes.size() - 4],
                                       .reg = bytes[bytes.size() - 3]};
    return order;
  }
  return broken("no order has this token and length", bytes.size());
}

void TokenStream::push(std::span<const std::uint8_t> bytes) {
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

std::optional<TokenAnswer> TokenStream::next() {
  std::size_t at = 0;
  std::optional<TokenAnswer> found;
  while (!found && at < pending_.size()) {
    const auto rest = std::span<const std::uint8_t>(pending_).subspan(at);
    const bool token = rest[0] == kStatus || rest[0] == kNonces;
    const auto length = token ? stated_length(dialect_.kind, rest) : std::optional<std::size_t>(0);
    if (token && (!length || (*length <= kTokenPacketBytesMax && *length > rest.size()))) break;
    if (token && *length <= rest.size()) {
      if (auto answer = parse_answer(dialect_, rest.first(*length))) {
        found = *std::move(answer);
        at += *length;
        continue;
      }
    }
    ++at, ++skipped_;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
  return found;
}

}  // namespace calx::device
