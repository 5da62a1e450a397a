#include "calx/hash/sha256.h"

#include <algorithm>
#include <cstring>

#include "calx/hash/big_endian.h"
#include "calx/hash/kernel.h"

namespace calx::hash {
namespace {

std::span<const std::uint8_t> as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Digest sha256(std::span<const std::uint8_t> message) noexcept {
  return Sha256().update(message).finish();
}

Digest sha256(std::string_view text) noexcept { return sha256(as_bytes(text)); }

Digest sha256d(std::span<const std::uint8_t> message) noexcept { return sha256(sha256(message)); }

Sha256& Sha256::update(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.empty()) return *this;
  const Kernel& kernel = active_kernel(Operation::kCompress);
  const std::size_t pending = bytes_ % 64;
  bytes_ += bytes.size();
  if (pending > 0) {
    const std::size_t taken = std::min(64 - pending, bytes.size());
    std::memcpy(pending_.data() + pending, bytes.data(), taken);
    bytes = bytes.subspan(taken);
    if (pending + taken < 64) return *this;
    kernel.compress(state_, pending_.data(), 1);
  }
  kernel.compress(state_, bytes.data(), bytes.size() / 64);
  const auto rest = bytes.last(bytes.size() % 64);
  if (!rest.empty()) std::memcpy(pending_.data(), rest.data(), rest.size());
  return *this;
}

Sha256& Sha256::update(std::string_view text) noexcept { return update(as_bytes(text)); }

Sha256& Sha256::update_u8(std::uint8_t value) noexcept { return update({&value, 1}); }

Sha256& Sha256::update_u32(std::uint32_t value) noexcept {
  std::uint8_t bytes[4];
  store_be32(bytes, value);
  return update(bytes);
}

Sha256& Sha256::update_u64(std::uint64_t value) noexcept {
  std::uint8_t bytes[8];
  store_be64(bytes, value);
  return update(bytes);
}

Digest Sha256::finish() const noexcept {
  const std::size_t pending = bytes_ % 64;
  const std::size_t block_count = pending < 56 ? 1 : 2;
  std::uint8_t last[128] = {};
  std::memcpy(last, pending_.data(), pending);
  last[pending] = 0x80;
  store_be64(last + 64 * block_count - 8, bytes_ * 8);
  State state = state_;
  active_kernel(Operation::kCompress).compress(state, last, block_count);
  Digest digest;
  for (std::size_t i = 0; i < 8; ++i) store_be32(digest.data() + 4 * i, state[i]);
  return digest;
}

}  // namespace calx::hash
