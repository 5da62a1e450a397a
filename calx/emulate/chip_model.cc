#include "calx/emulate/chip_model.h"

#include <algorithm>

#include "calx/hash/scan.h"

namespace calx::emulate {

void ChipModel::load(const hash::Header& header, const work::Target& target) noexcept {
  header_ = header;
  target_ = target;
  next_ = 0;
}

Stretch ChipModel::run(std::uint64_t nonces_max) noexcept {
  if (exhausted() || nonces_max == 0) return {};
  const std::uint64_t last = std::min<std::uint64_t>(next_ + nonces_max - 1, 0xffffffffull);
  const auto nonce = hash::find_nonce(header_, target_.bytes(), static_cast<std::uint32_t>(next_),
                                      static_cast<std::uint32_t>(last));
  const std::uint64_t reached = nonce.value_or(static_cast<std::uint32_t>(last));
  const Stretch stretch{.nonce = nonce, .tried = reached - next_ + 1};
  next_ = reached + 1;
  return stretch;
}

}  // namespace calx::emulate
