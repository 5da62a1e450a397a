#include "calx/noise/key.h"

#include "calx/hash/sha256.h"

namespace calx::noise {

hash::State derive_key(SeedType type, std::span<const std::uint8_t> seed, std::string_view name,
                       std::uint64_t index) noexcept {
  constexpr std::string_view kDomain("calx-noise-1\0", 13);
  const hash::Digest digest = hash::Sha256()
                                  .update(kDomain)
                                  .update_u8(static_cast<std::uint8_t>(type))
                                  .update_u32(static_cast<std::uint32_t>(seed.size()))
                                  .update(seed)
                                  .update_u32(static_cast<std::uint32_t>(name.size()))
                                  .update(name)
                                  .update_u64(index)
                                  .finish();
  hash::State key{};
  for (std::size_t i = 0; i < digest.size(); ++i) key[i / 4] = key[i / 4] << 8 | digest[i];
  return key;
}

}  // namespace calx::noise
