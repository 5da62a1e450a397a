// RS(32, 28) over GF(256): four check bytes, so that one wrong byte is mended and up to three are
// noticed.
//
// The field is GF(2)[x] / (x^8 + x^4 + x^3 + x^2 + 1), alpha = x. Byte i of a word is the
// coefficient of z^(31 - i); words are the multiples of (z - 1)(z - alpha)(z - alpha^2)(z -
// alpha^3) and begin with their data. Two words differ in at least five bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace calx::weights {

inline constexpr std::size_t kWordBytes = 32;
inline constexpr std::size_t kDataBytes = 28;
using Word = std::array<std::uint8_t, kWordBytes>;

/// The word that begins with `data`.
Word add_checks(std::span<const std::uint8_t, kDataBytes> data) noexcept;

struct Mended {
  Word word{};
  std::optional<std::size_t> place;  // of the byte that was wrong, if one was
};

/// The only word that differs from `seen` in at most one byte, or nothing. With two or three wrong
/// bytes always nothing; with more, a wrong word may come out.
std::optional<Mended> mend(const Word& seen) noexcept;

}  // namespace calx::weights
