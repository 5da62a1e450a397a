// What a state of the trellis stands for: V small integers, defined by a hash and stored nowhere.
//
// Two codebooks of the standard, each with a twin of the same law from a common generator beside
// it, because the hash is meant to add nothing to quality: what it adds is that the codebook is
// canonical. Standard: docs/protocol/weights.md, 3.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/weights/trellis.h"

namespace calx::weights {

enum class CodebookKind : std::uint8_t {
  kG1,   // Gaussian: round(128 z), z from calx-noise-1
  kC1,   // h = a e + b mod 2^32 of the element e = s V + v; sum of the four bytes of h, minus 510
  kPg1,  // the Gaussian law by words of SplitMix64
  kPc1,  // the law of the byte sum by words of SplitMix64
};

/// "g1", "c1", "pg1", "pc1".
std::string_view to_string(CodebookKind kind) noexcept;
/// Errors: kInvalidArgument names the known ones.
Result<CodebookKind> parse_codebook(std::string_view name);

/// Standard deviation of a value: 128 for the Gaussian ones, sqrt(4 (256^2 - 1) / 12) for the sums.
float deviation(CodebookKind kind) noexcept;

struct CongruentPair {
  std::uint32_t a = 0, b = 0;  // a is odd
};

/// The candidate pair of c1 with this counter: a and b are the first two big-endian words of
/// SHA-256("calx-weights-1/c1" || u32 counter, big-endian), with the lowest bit of a set.
CongruentPair congruent_pair(std::uint32_t counter) noexcept;

/// The first counter that met the error bar of the standard, and so the pair of c1.
inline constexpr std::uint32_t kC1Counter = 1;

/// The sum of the four bytes of a e + b mod 2^32, minus 510: -510 .. 510.
constexpr std::int16_t byte_sum(std::uint32_t h) noexcept {
  return static_cast<std::int16_t>(
      static_cast<int>((h & 255u) + (h >> 8 & 255u) + (h >> 16 & 255u) + (h >> 24)) - 510);
}

/// Values [V][2^L]: value v of state s at v 2^L + s. Those of g1 for a smaller L are the first
/// ones of a larger L.
struct Codebook {
  CodebookKind kind = CodebookKind::kC1;
  Trellis trellis;
  std::vector<std::int16_t> values;
};

/// Errors: those of check(trellis); kResourceExhausted. Cost: 2^L V hashes or products, 10 ms for
/// g1 with L = 16.
Result<Codebook> make_codebook(CodebookKind kind, const Trellis& trellis);

/// c1 with another pair: how the counter of the standard was found. Errors: as above.
Result<Codebook> make_candidate(const CongruentPair& pair, const Trellis& trellis);

}  // namespace calx::weights
