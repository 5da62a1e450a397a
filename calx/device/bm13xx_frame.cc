#include "calx/device/bm13xx_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "calx/base/assert.h"
#include "calx/base/hex.h"
#include "calx/device/crc.h"
#include "calx/hash/big_endian.h"
#include "calx/hash/kernel.h"

namespace calx::device {
namespace {

constexpr std::uint8_t kJob = 0x20, kCommand = 0x40, kAll = 0x10, kOperation = 0x0f;
constexpr std::uint8_t kSetAddress = 0, kWrite = 1, kRead = 2, kInactive = 3;
constexpr std::size_t kOverheadBytes = 2;  // the preamble, which `length` does not count
constexpr std::size_t kCommandFrame = 3;   // kind, length and CRC5, counted by `length`
constexpr std::size_t kJobFrame = 4;       // kind, length and CRC16
constexpr std::size_t kAddressOrRead = 2, kRegisterWrite = 6, kHeaderJob = 82;
constexpr std::size_t kOneMidstateJob = 50, kFourMidstatesJob = 146;
constexpr std::uint8_t kJobReply = 0x80;
constexpr unsigned kVersionShift = 13;

Bytes command(std::uint8_t kind, std::span<const std::uint8_t> data) {
  Bytes frame = {0x55, 0xaa, static_cast<std::uint8_t>(kCommand | kind),
                 static_cast<std::uint8_t>(data.size() + kCommandFrame)};
  std::ranges::copy(data, std::back_inserter(frame));
  frame.push_back(crc5(std::span(frame).subspan(kOverheadBytes)));
  return frame;
}

Bytes job(std::span<const std::uint8_t> data) {
  Bytes frame = {0x55, 0xaa, kJob | kWrite, static_cast<std::uint8_t>(data.size() + kJobFrame)};
  std::ranges::copy(data, std::back_inserter(frame));
  const std::uint16_t crc = crc16_ccitt_false(std::span(frame).subspan(kOverheadBytes));
  frame.push_back(static_cast<std::uint8_t>(crc >> 8));
  frame.push_back(static_cast<std::uint8_t>(crc));
  return frame;
}

void append_le32(Bytes& bytes, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

// The eight words of a hash from last to first, bytes inside a word as they are.
void append_words_reversed(Bytes& bytes, const hash::Digest& digest) {
  for (std::size_t word = 8; word-- > 0;) {
    bytes.insert(bytes.end(), digest.begin() + static_cast<std::ptrdiff_t>(4 * word),
                 digest.begin() + static_cast<std::ptrdiff_t>(4 * word + 4));
  }
}

std::uint32_t load_le32(const std::uint8_t* bytes) noexcept {
  return hash::swap_bytes(hash::load_be32(bytes));
}

NonceReply nonce_reply(const Bm13xxKind& kind, std::span<const std::uint8_t> bytes) {
  const std::uint32_t place = hash::load_be32(bytes.data() + 2);
  const std::uint8_t id = bytes[7];
  NonceReply reply{.nonce = load_le32(bytes.data() + 2),
                   .job_id = static_cast<std::uint8_t>((id & kind.job_mask) >> kind.job_shift),
                   .small_core = static_cast<unsigned>(id & kind.small_core_mask),
                   .core = place >> 25,
                   .address = place >> 17 & 0xff,
                   .excess = bytes[6]};
  if (kind.form == JobForm::kFullHeader) {
    reply.version_bits = static_cast<std::uint32_t>(bytes[8] << 8 | bytes[9]) << kVersionShift;
  }
  return reply;
}

// A command by the data it may hold; nothing for bytes that no chip knows.
std::optional<Bm13xxCommand> decode_command(std::span<const std::uint8_t> frame) {
  const std::uint8_t kind = frame[2];
  const bool is_job = kind == (kJob | kWrite);
  const std::size_t sum_bytes = is_job ? 2 : 1;
  const auto body = frame.subspan(kOverheadBytes, frame.size() - kOverheadBytes - sum_bytes);
  const auto data = body.subspan(2);
  Bm13xxCommand result{.all = (kind & kAll) != 0, .data = Bytes(data.begin(), data.end())};
  if (is_job) {
    const std::uint16_t crc = crc16_ccitt_false(body);
    if (frame[frame.size() - 2] != crc >> 8 || frame.back() != (crc & 0xff)) return std::nullopt;
    result.kind = Bm13xxCommand::Kind::kJob;
    return result;
  }
  if (frame.back() != crc5(body)) return std::nullopt;
  switch (kind & kOperation) {
    case kSetAddress:
      result.kind = Bm13xxCommand::Kind::kSetAddress;
      break;
    case kWrite:
      result.kind = Bm13xxCommand::Kind::kWrite;
      break;
    case kRead:
      result.kind = Bm13xxCommand::Kind::kRead;
      break;
    default:
      result.kind = Bm13xxCommand::Kind::kInactive;
  }
  return result;
}

// Whether a frame of this kind may have this length byte.
bool plausible(std::uint8_t kind, std::size_t length) noexcept {
  if (kind == (kJob | kWrite)) {
    return length == kHeaderJob + kJobFrame || length == kOneMidstateJob + kJobFrame ||
           length == kFourMidstatesJob + kJobFrame;
  }
  if ((kind & ~(kAll | kOperation)) != kCommand || (kind & kOperation) > kInactive) return false;
  return length ==
         ((kind & kOperation) == kWrite ? kRegisterWrite : kAddressOrRead) + kCommandFrame;
}

}  // namespace

Bytes write_all(std::uint8_t reg, const RegisterValue& value) {
  return command(kAll | kWrite,
                 std::array{std::uint8_t{0}, reg, value[0], value[1], value[2], value[3]});
}

Bytes write_one(std::uint8_t address, std::uint8_t reg, const RegisterValue& value) {
  return command(kWrite, std::array{address, reg, value[0], value[1], value[2], value[3]});
}

Bytes read_all(std::uint8_t reg) { return command(kAll | kRead, std::array{std::uint8_t{0}, reg}); }

Bytes chain_inactive() { return command(kAll | kInactive, std::array<std::uint8_t, 2>{}); }

Bytes set_address(std::uint8_t address) {
  return command(kSetAddress, std::array{address, std::uint8_t{0}});
}

Bytes full_header_job(std::uint8_t job_id, const work::BlockHeader& header) {
  CALX_ASSERT(job_id < kJobIds);
  Bytes data = {job_id, 1};
  append_le32(data, 0);  // the first nonce
  append_le32(data, header.nbits);
  append_le32(data, header.ntime);
  append_words_reversed(data, header.merkle_root);
  append_words_reversed(data, header.previous_hash);
  append_le32(data, header.version);
  return job(data);
}

hash::State midstate_of(const hash::Header& header) noexcept {
  hash::State state = hash::kInitialState;
  hash::active_kernel(hash::Operation::kCompress).compress(state, header.data(), 1);
  return state;
}

Bytes midstate_job(std::uint8_t job_id, const work::BlockHeader& header,
                   std::span<const std::uint32_t> versions) {
  CALX_ASSERT(job_id < kJobIds && (versions.size() == 1 || versions.size() == kMidstatesMax));
  Bytes data = {job_id, static_cast<std::uint8_t>(versions.size())};
  append_le32(data, 0);
  append_le32(data, header.nbits);
  append_le32(data, header.ntime);
  data.insert(data.end(), header.merkle_root.end() - 4, header.merkle_root.end());
  for (const std::uint32_t version : versions) {
    work::BlockHeader rolled = header;
    rolled.version = version;
    const hash::State state = midstate_of(work::encode(rolled));
    for (std::size_t word = state.size(); word-- > 0;) {
      std::uint8_t bytes[4];
      hash::store_be32(bytes, state[word]);
      data.insert(data.end(), bytes, bytes + 4);
    }
  }
  return job(data);
}

Result<Bm13xxReply> parse_reply(const Bm13xxKind& kind, std::span<const std::uint8_t> bytes) {
  if (bytes.size() != kind.reply_bytes || bytes[0] != 0xaa || bytes[1] != 0x55) {
    return fail(ErrorCode::kDataLoss, fmt::format("reply {} of {} bytes, wanted {} from aa55",
                                                  to_hex(bytes), bytes.size(), kind.reply_bytes));
  }
  if (crc5(bytes.subspan(kOverheadBytes)) != 0) {
    return fail(ErrorCode::kDataLoss, fmt::format("reply {}: its CRC5 is wrong", to_hex(bytes)));
  }
  if (bytes.back() & kJobReply) return Bm13xxReply{.nonce = nonce_reply(kind, bytes)};
  return Bm13xxReply{.reg = RegisterReply{.value = {bytes[2], bytes[3], bytes[4], bytes[5]},
                                          .address = bytes[6],
                                          .reg = bytes[7]}};
}

Bytes encode_reply(const Bm13xxKind& kind, const Bm13xxReply& reply) {
  CALX_ASSERT(reply.nonce.has_value() != reply.reg.has_value());
  Bytes bytes(kind.reply_bytes - 1);
  bytes[0] = 0xaa, bytes[1] = 0x55;
  std::uint8_t flags = 0;
  if (reply.reg) {
    std::ranges::copy(reply.reg->value, bytes.begin() + 2);
    bytes[6] = reply.reg->address, bytes[7] = reply.reg->reg;
  } else {
    const NonceReply& nonce = *reply.nonce;
    hash::store_be32(bytes.data() + 2, hash::swap_bytes(nonce.nonce));
    bytes[7] = static_cast<std::uint8_t>((nonce.job_id << kind.job_shift & kind.job_mask) |
                                         (nonce.small_core & kind.small_core_mask));
    bytes[6] = nonce.excess;
    if (kind.form == JobForm::kFullHeader) {
      bytes[8] = static_cast<std::uint8_t>(nonce.version_bits >> (kVersionShift + 8));
      bytes[9] = static_cast<std::uint8_t>(nonce.version_bits >> kVersionShift);
    }
    flags = kJobReply;
  }
  // The sum of 8 n - 5 bits: the one value of the low five that leaves no residue.
  bytes.push_back(flags);
  while (crc5(std::span(bytes).subspan(kOverheadBytes)) != 0) ++bytes.back();
  return bytes;
}

void Bm13xxReplyStream::push(std::span<const std::uint8_t> bytes) {
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

std::optional<Bm13xxReply> Bm13xxReplyStream::next() {
  std::size_t at = 0;
  std::optional<Bm13xxReply> found;
  while (!found && pending_.size() - at >= kind_->reply_bytes) {
    const auto frame = std::span(pending_).subspan(at, kind_->reply_bytes);
    if (auto reply = parse_reply(*kind_, frame)) {
      found = *reply;
      at += kind_->reply_bytes;
    } else {
      ++at, ++skipped_;
    }
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
  return found;
}

void Bm13xxCommandStream::push(std::span<const std::uint8_t> bytes) {
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

std::optional<Bm13xxCommand> Bm13xxCommandStream::next() {
  constexpr std::size_t kShortest = 4;  // until the length is known
  std::size_t at = 0;
  std::optional<Bm13xxCommand> found;
  while (!found && pending_.size() - at >= kShortest) {
    const auto rest = std::span(pending_).subspan(at);
    if (rest[0] != 0x55 || rest[1] != 0xaa || !plausible(rest[2], rest[3])) {
      ++at, ++skipped_;
      continue;
    }
    const std::size_t frame_bytes = kOverheadBytes + rest[3];
    if (rest.size() < frame_bytes) break;
    found = decode_command(rest.first(frame_bytes));
    at += found ? frame_bytes : 1;
    skipped_ += found ? 0 : 1;
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(at));
  return found;
}

}  // namespace calx::device
