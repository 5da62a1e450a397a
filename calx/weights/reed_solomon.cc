#include "calx/weights/reed_solomon.h"

#include <algorithm>

namespace calx::weights {
namespace {

constexpr std::size_t kChecks = kWordBytes - kDataBytes;
constexpr unsigned kField = 0x11d;

struct Logarithms {
  std::array<std::uint8_t, 510> power{};  // alpha^i, twice around
  std::array<std::uint8_t, 256> log{};

  constexpr Logarithms() noexcept {
    unsigned x = 1;
    for (std::size_t i = 0; i < 255; ++i) {
      power[i] = power[i + 255] = static_cast<std::uint8_t>(x);
      log[x] = static_cast<std::uint8_t>(i);
      x = x << 1 ^ (x & 0x80u ? kField : 0u);
    }
  }
};
constexpr Logarithms kTables;

constexpr std::uint8_t times(std::uint8_t a, std::uint8_t b) noexcept {
  if (a == 0 || b == 0) return 0;
  return kTables.power[std::size_t{kTables.log[a]} + kTables.log[b]];
}

// (z - 1)(z - alpha)(z - alpha^2)(z - alpha^3) without its leading 1, from z^3 down.
constexpr std::array<std::uint8_t, kChecks> generator() noexcept {
  std::array<std::uint8_t, kChecks + 1> g{1};
  for (std::size_t root = 0; root < kChecks; ++root) {
    for (std::size_t i = root + 1; i > 0; --i) {
      g[i] = static_cast<std::uint8_t>(g[i] ^ times(g[i - 1], kTables.power[root]));
    }
  }
  return {g[1], g[2], g[3], g[4]};
}
constexpr auto kGenerator = generator();

std::array<std::uint8_t, kChecks> syndromes(const Word& word) noexcept {
  std::array<std::uint8_t, kChecks> sums{};
  for (std::size_t j = 0; j < kChecks; ++j) {
    for (const std::uint8_t byte : word) {
      sums[j] = static_cast<std::uint8_t>(times(sums[j], kTables.power[j]) ^ byte);
    }
  }
  return sums;
}

}  // namespace

Word add_checks(std::span<const std::uint8_t, kDataBytes> data) noexcept {
  std::array<std::uint8_t, kChecks> rest{};
  for (const std::uint8_t byte : data) {
    const auto lead = static_cast<std::uint8_t>(byte ^ rest[0]);
    for (std::size_t i = 0; i < kChecks; ++i) {
      const std::uint8_t next = i + 1 < kChecks ? rest[i + 1] : std::uint8_t{0};
      rest[i] = static_cast<std::uint8_t>(next ^ times(lead, kGenerator[i]));
    }
  }
  Word word{};
  std::ranges::copy(data, word.begin());
  std::ranges::copy(rest, word.begin() + kDataBytes);
  return word;
}

std::optional<Mended> mend(const Word& seen) noexcept {
  const auto s = syndromes(seen);
  if (std::ranges::all_of(s, [](std::uint8_t sum) { return sum == 0; })) return Mended{seen, {}};
  // One error e at z^m has the syndromes e, e alpha^m, e alpha^2m, e alpha^3m.
  if (std::ranges::any_of(s, [](std::uint8_t sum) { return sum == 0; })) return {};
  if (times(s[0], s[2]) != times(s[1], s[1]) || times(s[1], s[3]) != times(s[2], s[2])) return {};
  const auto m = static_cast<std::size_t>((255 + kTables.log[s[1]] - kTables.log[s[0]]) % 255);
  if (m >= kWordBytes) return {};
  Mended mended{seen, kWordBytes - 1 - m};
  auto& byte = mended.word[*mended.place];
  byte = static_cast<std::uint8_t>(byte ^ s[0]);
  return mended;
}

}  // namespace calx::weights
