#include "calx/weights/codebook.h"

#include <fmt/format.h>

#include <cmath>
#include <new>
#include <span>

#include "calx/hash/big_endian.h"
#include "calx/hash/sha256.h"
#include "calx/noise/normal_transform.h"
#include "calx/noise/stream.h"

namespace calx::weights {
namespace {

constexpr std::string_view kName = "calx-weights-1/c1";
constexpr std::string_view kGaussianSeed = "calx-weights-1";
constexpr std::string_view kGaussianStream = "g1";
constexpr float kGaussianScale = 128;

// Vigna's SplitMix64 as a function of the element: its upper word.
std::uint32_t split_mix(std::uint64_t element) noexcept {
  std::uint64_t z = (element + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return static_cast<std::uint32_t>((z ^ z >> 31) >> 32);
}

// Ties to even; |z| < 7, so the sum keeps every whole number and drops the rest.
std::int16_t whole(float z) noexcept {
  constexpr float kShift = 0x1.8p23f;
  const float moved = z * kGaussianScale + kShift;
  return static_cast<std::int16_t>(moved - kShift);
}

template <class Value>
void fill(Codebook& book, const Value& value) {
  const std::size_t states = book.trellis.states(), weights = book.trellis.step_weights;
  for (std::size_t v = 0; v < weights; ++v) {
    for (std::size_t s = 0; s < states; ++s) {
      book.values[v * states + s] = value(static_cast<std::uint32_t>(s * weights + v));
    }
  }
}

Result<void> fill_gaussian(Codebook& book) {
  CALX_ASSIGN(seed, noise::Seed::from_text(kGaussianSeed));
  CALX_ASSIGN(stream, noise::Stream::open(seed, kGaussianStream, 0));
  const auto columns = static_cast<std::uint32_t>(book.trellis.states());
  std::vector<float> normal(book.values.size());
  CALX_TRY(stream.normal({.rows = book.trellis.step_weights, .columns = columns}, normal));
  for (std::size_t i = 0; i < normal.size(); ++i) book.values[i] = whole(normal[i]);
  return {};
}

Result<Codebook> empty(CodebookKind kind, const Trellis& trellis) {
  CALX_TRY(check(trellis));
  return Codebook{kind, trellis,
                  std::vector<std::int16_t>(trellis.states() * trellis.step_weights)};
}

}  // namespace

std::string_view to_string(CodebookKind kind) noexcept {
  switch (kind) {
    case CodebookKind::kG1:
      return "g1";
    case CodebookKind::kC1:
      return "c1";
    case CodebookKind::kPg1:
      return "pg1";
    case CodebookKind::kPc1:
      return "pc1";
  }
  return "?";
}

Result<CodebookKind> parse_codebook(std::string_view name) {
  for (const auto kind :
       {CodebookKind::kG1, CodebookKind::kC1, CodebookKind::kPg1, CodebookKind::kPc1}) {
    if (name == to_string(kind)) return kind;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("codebook {:?}, wanted g1, c1, pg1 or pc1", name));
}

float deviation(CodebookKind kind) noexcept {
  const bool sum = kind == CodebookKind::kC1 || kind == CodebookKind::kPc1;
  return sum ? std::sqrt(4.0f * 65535.0f / 12.0f) : kGaussianScale;
}

CongruentPair congruent_pair(std::uint32_t counter) noexcept {
  const hash::Digest digest = hash::Sha256().update(kName).update_u32(counter).finish();
  return {hash::load_be32(digest.data()) | 1u, hash::load_be32(digest.data() + 4)};
}

Result<Codebook> make_candidate(const CongruentPair& pair, const Trellis& trellis) {
  try {
    CALX_ASSIGN(book, empty(CodebookKind::kC1, trellis));
    fill(book, [&](std::uint32_t element) { return byte_sum(pair.a * element + pair.b); });
    return std::move(book);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "codebook: does not fit in memory");
  }
}

Result<Codebook> make_codebook(CodebookKind kind, const Trellis& trellis) {
  if (kind == CodebookKind::kC1) return make_candidate(congruent_pair(kC1Counter), trellis);
  try {
    CALX_ASSIGN(book, empty(kind, trellis));
    switch (kind) {
      case CodebookKind::kC1:
        break;
      case CodebookKind::kG1:
        CALX_TRY(fill_gaussian(book));
        break;
      case CodebookKind::kPg1:
        fill(book, [](std::uint32_t e) { return whole(noise::normal_value(split_mix(e))); });
        break;
      case CodebookKind::kPc1:
        fill(book, [](std::uint32_t e) { return byte_sum(split_mix(e)); });
        break;
    }
    return std::move(book);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "codebook: does not fit in memory");
  }
}

}  // namespace calx::weights
