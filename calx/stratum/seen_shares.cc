#include "calx/stratum/seen_shares.h"

#include <bit>

#include "calx/hash/big_endian.h"

namespace calx::stratum {
namespace {

// The low end of the number: the high end of a share's hash is zero. Never 0, which means empty.
std::uint64_t key_of(const hash::Digest& hash) noexcept {
  const std::uint64_t key =
      std::uint64_t{hash::load_be32(hash.data())} << 32 | hash::load_be32(hash.data() + 4);
  return key == 0 ? 1 : key;
}

}  // namespace

SeenShares::SeenShares(std::size_t shares_max)
    : slots_(std::bit_ceil(2 * shares_max)), ring_(shares_max) {}

std::size_t SeenShares::slot_of(std::uint64_t key) const noexcept {
  std::size_t slot = static_cast<std::size_t>(key) & (slots_.size() - 1);
  while (slots_[slot] != 0 && slots_[slot] != key) slot = (slot + 1) & (slots_.size() - 1);
  return slot;
}

bool SeenShares::insert(const hash::Digest& block_hash) {
  const std::uint64_t key = key_of(block_hash);
  if (slots_[slot_of(key)] == key) return false;
  if (size_ == ring_.size()) {
    erase(ring_[next_]);
  } else {
    ++size_;
  }
  slots_[slot_of(key)] = key;
  ring_[next_] = key;
  next_ = (next_ + 1) % ring_.size();
  return true;
}

// Closes the gap: whatever was pushed past this slot moves back.
void SeenShares::erase(std::uint64_t key) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t gap = slot_of(key);
  slots_[gap] = 0;
  for (std::size_t at = (gap + 1) & mask; slots_[at] != 0; at = (at + 1) & mask) {
    const std::size_t home = static_cast<std::size_t>(slots_[at]) & mask;
    if (((at - home) & mask) >= ((at - gap) & mask)) {
      slots_[gap] = slots_[at];
      slots_[at] = 0;
      gap = at;
    }
  }
}

void SeenShares::clear() {
  for (; size_ > 0; --size_) {
    next_ = (next_ + ring_.size() - 1) % ring_.size();
    erase(ring_[next_]);
  }
}

}  // namespace calx::stratum
