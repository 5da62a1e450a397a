// The seed that a person gives: 32 bytes, an integer or a text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/noise/key.h"

namespace calx::noise {

inline constexpr std::size_t kSeedTextBytesMax = 4096;

/// A seed and its type: the text "7" and the integer 7 are different seeds. An integer is kept as 8
/// bytes, so -1 and 2^64-1 are one seed.
class Seed {
 public:
  /// The integer 0.
  Seed();
  static Seed from_bytes(const hash::Digest& bytes);
  /// Errors: kInvalidArgument unless UTF-8 of 1 to kSeedTextBytesMax bytes.
  static Result<Seed> from_text(std::string_view text);
  static Seed from_integer(std::int64_t value);
  static Seed from_integer(std::uint64_t value);

  /// The command line's form: 0x + 64 hex digits = bytes, a decimal from -2^63 to 2^64-1 =
  /// integer, `text:...` or anything else = text. Errors: kInvalidArgument names what is wrong
  /// (0x with another number of digits, an integer out of range, an empty seed).
  static Result<Seed> parse(std::string_view argument);

  [[nodiscard]] SeedType type() const noexcept { return type_; }
  /// The bytes that calx-noise-1 hashes: 32 raw, UTF-8, or 8 bytes big-endian two's complement.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return bytes_; }
  /// A form that parse() reads back to the same seed.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Seed&, const Seed&) = default;

 private:
  Seed(SeedType type, std::vector<std::uint8_t> bytes);
  SeedType type_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace calx::noise
