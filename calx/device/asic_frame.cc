#include "calx/device/asic_frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/hash/big_endian.h"
#include "calx/hash/sha256.h"

namespace calx::device {
namespace {

constexpr std::uint8_t kMagic = 0xA5;
constexpr std::size_t kHeadBytes = 8, kCheckBytes = 4, kHmacBlockBytes = 64;
constexpr std::size_t kReasonMax = 120;

// IEEE 802.3, reflected.
std::uint32_t crc32(std::span<const std::uint8_t> bytes) noexcept {
  std::uint32_t sum = 0xffffffff;
  for (const std::uint8_t byte : bytes) {
    sum ^= byte;
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ ((sum & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~sum;
}

std::uint16_t load_be16(const std::uint8_t* in) noexcept {
  return static_cast<std::uint16_t>(in[0] << 8 | in[1]);
}

void append_be16(std::vector<std::uint8_t>& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void append(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::unexpected<Error> wrong(std::string what) {
  return fail(ErrorCode::kDataLoss, "calx-asic-1: " + std::move(what));
}

}  // namespace

std::vector<std::uint8_t> encode(const AsicFrame& frame, std::uint32_t sequence) {
  std::vector<std::uint8_t> bytes = {kMagic, static_cast<std::uint8_t>(frame.type)};
  bytes.reserve(kHeadBytes + frame.body.size() + kCheckBytes);
  append_be16(bytes, static_cast<std::uint16_t>(frame.body.size()));
  bytes.resize(kHeadBytes);
  hash::store_be32(bytes.data() + 4, sequence);
  append(bytes, frame.body);
  const std::uint32_t check = crc32(bytes);
  bytes.resize(bytes.size() + kCheckBytes);
  hash::store_be32(bytes.data() + bytes.size() - kCheckBytes, check);
  return bytes;
}

void AsicFrameStream::push(std::span<const std::uint8_t> bytes) { append(pending_, bytes); }

Result<std::optional<AsicFrame>> AsicFrameStream::next() {
  if (!pending_.empty() && pending_[0] != kMagic) {
    return wrong(fmt::format("a frame begins with {:02x}, wanted {:02x}", pending_[0], kMagic));
  }
  if (pending_.size() < kHeadBytes) return std::optional<AsicFrame>();
  const std::size_t body = load_be16(pending_.data() + 2), checked = kHeadBytes + body;
  const std::uint32_t sequence = hash::load_be32(pending_.data() + 4);
  if (body > kAsicBodyMax) {
    return wrong(fmt::format("a frame of {} bytes, wanted at most {}", body, kAsicBodyMax));
  }
  if (sequence != sequence_) {
    return wrong(fmt::format("frame number {}, wanted {}", sequence, sequence_));
  }
  if (pending_[1] < static_cast<std::uint8_t>(AsicType::kChallenge) ||
      pending_[1] > static_cast<std::uint8_t>(AsicType::kEnd)) {
    return wrong(fmt::format("a frame of type {}, wanted 1 to 8", pending_[1]));
  }
  if (pending_.size() < checked + kCheckBytes) return std::optional<AsicFrame>();
  const std::uint32_t check = crc32(std::span(pending_).first(checked));
  if (check != hash::load_be32(pending_.data() + checked)) {
    return wrong(fmt::format("frame number {} has a wrong check sum", sequence));
  }
  const auto at = [this](std::size_t offset) {
    return pending_.begin() + static_cast<std::ptrdiff_t>(offset);
  };
  AsicFrame frame{.type = static_cast<AsicType>(pending_[1]),
                  .body = {at(kHeadBytes), at(checked)}};
  pending_.erase(pending_.begin(), at(checked + kCheckBytes));
  ++sequence_;
  return std::optional(std::move(frame));
}

Result<AsicChallenge> parse_challenge(const AsicFrame& frame) {
  AsicChallenge challenge;
  if (frame.type != AsicType::kChallenge || frame.body.size() != 4 + challenge.nonce.size()) {
    return wrong("the first frame is no challenge");
  }
  challenge.version_min = load_be16(frame.body.data());
  challenge.version_max = load_be16(frame.body.data() + 2);
  std::copy_n(frame.body.begin() + 4, challenge.nonce.size(), challenge.nonce.begin());
  return challenge;
}

Result<AsicWelcome> parse_welcome(const AsicFrame& frame) {
  AsicWelcome welcome;
  if (frame.type != AsicType::kWelcome || frame.body.size() != 6 + welcome.proof.size()) {
    return wrong("the answer to the hello is no welcome");
  }
  welcome.version = load_be16(frame.body.data());
  welcome.heartbeat_ms = hash::load_be32(frame.body.data() + 2);
  std::copy_n(frame.body.begin() + 6, welcome.proof.size(), welcome.proof.begin());
  return welcome;
}

Error end_reason(const AsicFrame& frame, std::string_view who) {
  const auto code = frame.body.empty() ? AsicEnd::kStopping : static_cast<AsicEnd>(frame.body[0]);
  std::string reason;
  for (std::size_t i = 1; i < std::min(frame.body.size(), 1 + kReasonMax); ++i) {
    const std::uint8_t byte = frame.body[i];
    reason += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '?';
  }
  return {.code = code == AsicEnd::kToken   ? ErrorCode::kInvalidArgument
                  : code == AsicEnd::kFrame ? ErrorCode::kDataLoss
                                            : ErrorCode::kUnavailable,
          .message = fmt::format("{} says: {}", who, reason.empty() ? "goodbye" : reason)};
}

AsicFrame hello_frame(std::string_view token, const AsicNonce& agent, const AsicNonce& host) {
  AsicFrame frame{.type = AsicType::kHello};
  append_be16(frame.body, kAsicVersion);
  append(frame.body, host);
  append(frame.body, asic_proof(token, AsicRole::kHost, kAsicVersion, agent, host));
  return frame;
}

hash::Digest asic_proof(std::string_view token, AsicRole role, std::uint16_t version,
                        const AsicNonce& agent, const AsicNonce& host) {
  const std::string_view label = role == AsicRole::kHost ? "calx-asic-1 host" : "calx-asic-1 agent";
  std::vector<std::uint8_t> message(label.begin(), label.end());
  append_be16(message, version);
  append(message, agent);
  append(message, host);
  return hmac_sha256({reinterpret_cast<const std::uint8_t*>(token.data()), token.size()}, message);
}

hash::Digest hmac_sha256(std::span<const std::uint8_t> key, std::span<const std::uint8_t> message) {
  std::array<std::uint8_t, kHmacBlockBytes> block{};
  if (key.size() > block.size()) {
    std::ranges::copy(hash::sha256(key), block.begin());
  } else {
    std::ranges::copy(key, block.begin());
  }
  const auto padded = [&block](std::uint8_t pad) {
    auto copy = block;
    for (std::uint8_t& byte : copy) byte ^= pad;
    return copy;
  };
  const hash::Digest inner = hash::Sha256().update(padded(0x36)).update(message).finish();
  return hash::Sha256().update(padded(0x5c)).update(inner).finish();
}

bool equal_in_constant_time(const hash::Digest& a, const hash::Digest& b) noexcept {
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace calx::device
