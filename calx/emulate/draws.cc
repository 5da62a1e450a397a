#include "calx/emulate/draws.h"

#include "calx/base/assert.h"

namespace calx::emulate {

Result<Draws> Draws::open(const noise::Seed& seed, std::string_view purpose, std::uint64_t member) {
  CALX_ASSIGN(stream, noise::Stream::open(seed, purpose, member));
  return Draws(stream);
}

std::uint32_t Draws::word() {
  if (next_ == kRowWords) {
    const auto made = stream_.bits({.row_first = row_++, .columns = kRowWords}, words_);
    CALX_ASSERT(made.has_value());
    next_ = 0;
  }
  return words_[next_++];
}

double Draws::uniform() { return (word() + 0.5) * 0x1p-32; }

}  // namespace calx::emulate
