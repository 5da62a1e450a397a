#include "calx/work/target.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "calx/base/hex.h"

namespace calx::work {
namespace {

// 320-bit integers, least significant limb first: room for 0xFFFF * 2^208 * 2^85.
constexpr std::size_t kLimbs = 10;
using Wide = std::array<std::uint32_t, kLimbs>;

constexpr int kDifficultyOneShift = 208;
constexpr int kTargetBits = 256;

Wide wide(std::uint64_t value) noexcept {
  return {static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32)};
}

Wide wide(const Target::Bytes& bytes) noexcept {
  Wide out{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[(31 - i) / 4] |= std::uint32_t{bytes[i]} << (8 * ((31 - i) % 4));
  }
  return out;
}

Wide shifted_left(const Wide& value, int bits) noexcept {
  Wide out{};
  const auto limbs = static_cast<std::size_t>(bits / 32);
  for (std::size_t i = kLimbs; i-- > limbs;) {
    std::uint64_t both = std::uint64_t{value[i - limbs]} << 32;
    if (i > limbs) both |= value[i - limbs - 1];
    out[i] = static_cast<std::uint32_t>((both << (bits % 32)) >> 32);
  }
  return out;
}

Wide shifted_right(const Wide& value, int bits) noexcept {
  Wide out{};
  const auto limbs = static_cast<std::size_t>(bits / 32);
  for (std::size_t i = 0; i + limbs < kLimbs; ++i) {
    std::uint64_t both = value[i + limbs];
    if (i + limbs + 1 < kLimbs) both |= std::uint64_t{value[i + limbs + 1]} << 32;
    out[i] = static_cast<std::uint32_t>(both >> (bits % 32));
  }
  return out;
}

Wide times(const Wide& value, std::uint64_t factor) noexcept {
  Wide out{};
  for (std::size_t half = 0; half < 2; ++half) {
    const std::uint64_t limb = half == 0 ? factor & 0xffffffffu : factor >> 32;
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i + half < kLimbs; ++i) {
      carry += value[i] * limb + out[i + half];
      out[i + half] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
  }
  return out;
}

bool less(const Wide& a, const Wide& b) noexcept {
  for (std::size_t i = kLimbs; i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i];
  }
  return false;
}

void subtract(Wide& a, const Wide& b) noexcept {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < kLimbs; ++i) {
    const std::uint64_t step = std::uint64_t{a[i]} - b[i] - borrow;
    a[i] = static_cast<std::uint32_t>(step);
    borrow = step >> 63;
  }
}

// Schoolbook, one bit a step; \pre divisor != 0 and divisor < 2^319.
Wide quotient(const Wide& dividend, const Wide& divisor) noexcept {
  Wide result{}, rest{};
  for (int bit = 32 * static_cast<int>(kLimbs) - 1; bit >= 0; --bit) {
    const auto limb = static_cast<std::size_t>(bit / 32);
    rest = shifted_left(rest, 1);
    rest[0] |= (dividend[limb] >> (bit % 32)) & 1u;
    if (less(rest, divisor)) continue;
    subtract(rest, divisor);
    result[limb] |= 1u << (bit % 32);
  }
  return result;
}

double as_double(const Wide& value) noexcept {
  double out = 0.0;
  for (std::size_t i = kLimbs; i-- > 0;) out = out * 0x1p32 + value[i];
  return out;
}

// The value as a target, at most 2^256 - 1.
Target saturated(const Wide& value) noexcept {
  if (value[8] != 0 || value[9] != 0) return {};
  Target::Bytes bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(value[(31 - i) / 4] >> (8 * ((31 - i) % 4)));
  }
  return Target(bytes);
}

Wide difficulty_one() noexcept { return shifted_left(wide(0xffff), kDifficultyOneShift); }

Wide plus_one(Wide value) noexcept {
  for (std::size_t i = 0; i < kLimbs && ++value[i] == 0; ++i) {
  }
  return value;
}

Wide expected(const Target& target) noexcept {
  return quotient(shifted_left(wide(1), kTargetBits), plus_one(wide(target.bytes())));
}

std::string decimal(Wide value) {
  std::string digits;  // least significant first, commas included
  std::size_t written = 0;
  for (bool more = true; more; ++written) {
    std::uint64_t rest = 0;
    more = false;
    for (std::size_t i = kLimbs; i-- > 0;) {
      rest = (rest << 32) | value[i];
      value[i] = static_cast<std::uint32_t>(rest / 10);
      rest %= 10;
      more = more || value[i] != 0;
    }
    if (written != 0 && written % 3 == 0) digits += ',';
    digits += static_cast<char>('0' + rest);
  }
  return {digits.rbegin(), digits.rend()};
}

}  // namespace

Result<Target> Target::from_difficulty(std::uint64_t numerator, std::uint64_t denominator) {
  if (numerator == 0 || denominator == 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("difficulty {}/{}: wanted both above 0", numerator, denominator));
  }
  return saturated(quotient(times(difficulty_one(), denominator), wide(numerator)));
}

Result<Target> Target::from_difficulty(double difficulty) {
  if (!std::isfinite(difficulty) || difficulty <= 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("difficulty {}: wanted a finite number above 0", difficulty));
  }
  int exponent = 0;
  const auto mantissa =
      static_cast<std::uint64_t>(std::ldexp(std::frexp(difficulty, &exponent), 53));
  exponent -= 53;  // difficulty = mantissa * 2^exponent exactly, mantissa has 53 bits
  if (exponent >= 0) {
    const Wide scaled = exponent < kTargetBits ? shifted_right(difficulty_one(), exponent) : Wide{};
    return saturated(quotient(scaled, wide(mantissa)));
  }
  // 224 + shift bits over 53 bits: beyond 85 the quotient needs more than 256.
  const int shift = -exponent;
  if (shift > 32 + 53) return Target();
  return saturated(quotient(shifted_left(difficulty_one(), shift), wide(mantissa)));
}

Result<Target> Target::from_work_bits(std::uint32_t bits) {
  if (bits > kWorkBitsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("work of {} bits: wanted 0 to {}", bits, kWorkBitsMax));
  }
  Target target;
  for (std::uint32_t i = 0; i < bits / 8; ++i) target.bytes_[i] = 0;
  if (bits % 8 != 0) target.bytes_[bits / 8] = static_cast<std::uint8_t>(0xff >> (bits % 8));
  return target;
}

Result<Target> Target::parse(std::string_view digits) {
  Target target;
  CALX_TRY(from_hex(digits, target.bytes_));
  return target;
}

std::string Target::to_string() const { return to_hex(bytes_); }

bool Target::met_by(const hash::Digest& hash) const noexcept {
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    const std::uint8_t byte = hash[hash.size() - 1 - i];
    if (byte != bytes_[i]) return byte < bytes_[i];
  }
  return true;
}

double Target::expected_hashes() const noexcept {
  return 0x1p256 / as_double(plus_one(wide(bytes_)));
}

std::string Target::expected_hashes_text() const { return decimal(expected(*this)); }

double share_difficulty(const hash::Digest& hash) noexcept {
  const Target::Bytes big_endian = [&] {
    Target::Bytes out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = hash[out.size() - 1 - i];
    return out;
  }();
  const double value = as_double(wide(big_endian));
  if (value == 0.0) return std::numeric_limits<double>::infinity();
  return as_double(difficulty_one()) / value;
}

}  // namespace calx::work
