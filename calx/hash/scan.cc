#include "calx/hash/scan.h"

#include <algorithm>

#include "calx/base/assert.h"
#include "calx/hash/big_endian.h"
#include "calx/hash/kernel.h"
#include "calx/hash/sha256.h"

namespace calx::hash {

bool meets_target(const Digest& digest, const TargetBytes& target) noexcept {
  return !std::lexicographical_compare(target.begin(), target.end(), digest.rbegin(),
                                       digest.rend());
}

Header with_nonce(Header header, std::uint32_t nonce) noexcept {
  store_be32(header.data() + 76, swap_bytes(nonce));
  return header;
}

std::optional<std::uint32_t> find_nonce(const Header& header, const TargetBytes& target,
                                        std::uint32_t first, std::uint32_t last) noexcept {
  CALX_ASSERT(first <= last);
  const Kernel& kernel = active_kernel(Operation::kScan);
  OpenHeader open{.midstate = kInitialState, .top_max = load_be32(target.data())};
  active_kernel(Operation::kCompress).compress(open.midstate, header.data(), 1);
  for (std::size_t i = 0; i < 3; ++i) open.tail[i] = load_be32(header.data() + 64 + 4 * i);

  std::uint64_t next = first;
  while (next <= last) {
    const auto candidate = kernel.scan(open, static_cast<std::uint32_t>(next), last - next + 1);
    if (!candidate) return std::nullopt;
    if (meets_target(sha256d(with_nonce(header, *candidate)), target)) return candidate;
    next = std::uint64_t{*candidate} + 1;
  }
  return std::nullopt;
}

}  // namespace calx::hash
