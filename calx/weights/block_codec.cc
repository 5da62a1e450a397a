#include "calx/weights/block_codec.h"

#include <algorithm>
#include <limits>
#include <new>

#include "calx/base/assert.h"

namespace calx::weights {
namespace {

// Above every cost, with room for sums: 1024 squares below 2^80.
constexpr float kUnreached = 0x1p100f;
// Steps on each side of the seam, in lengths of a state: a path forgets where it began after about
// five of them.
constexpr std::size_t kSeamLengths = 6;
constexpr std::size_t kAlignment = 64 / sizeof(float);

std::uint32_t chunk(std::span<const std::uint8_t> codes, std::size_t bit, unsigned bits) noexcept {
  const std::size_t at = bit / 8;
  const std::uint32_t next = at + 1 < codes.size() ? codes[at + 1] : 0u;
  return ((codes[at] | next << 8) >> (bit % 8)) & ((1u << bits) - 1);
}

void put(std::span<std::uint8_t> codes, std::size_t bit, std::uint32_t word) noexcept {
  const std::uint32_t shifted = word << (bit % 8);
  codes[bit / 8] = static_cast<std::uint8_t>(codes[bit / 8] | (shifted & 255u));
  if (shifted > 255u) {
    codes[bit / 8 + 1] = static_cast<std::uint8_t>(codes[bit / 8 + 1] | shifted >> 8);
  }
}

}  // namespace

void decode_block(const Codebook& book, std::span<const std::uint8_t> codes,
                  std::span<std::int16_t> out) noexcept {
  const Trellis& trellis = book.trellis;
  const unsigned k = trellis.step_bits;
  const std::size_t steps = trellis.steps(out.size()), per_step = trellis.step_weights;
  CALX_ASSERT(codes.size() == trellis.block_bytes(out.size()));
  // From the end: s_t = the k bits of step t, then the low bits of s_{t+1}; and s_N = s_0.
  const auto low = static_cast<std::uint32_t>(trellis.groups() - 1);
  std::uint32_t state = 0;
  for (std::size_t t = (trellis.state_bits + k - 1) / k; t-- > 0;) {
    state = chunk(codes, t * k, k) | (state & low) << k;
  }
  for (std::size_t t = steps; t-- > 0;) {
    state = chunk(codes, t * k, k) | (state & low) << k;
    for (std::size_t v = 0; v < per_step && t * per_step + v < out.size(); ++v) {
      out[t * per_step + v] = book.values[v * trellis.states() + state];
    }
  }
}

bool tail_is_zero(const Trellis& trellis, std::span<const std::uint8_t> codes,
                  std::size_t weights) noexcept {
  const std::size_t bits = trellis.steps(weights) * trellis.step_bits;
  return bits % 8 == 0 || codes.back() >> (bits % 8) == 0;
}

Result<BlockEncoder> BlockEncoder::make(const Codebook& book, const ViterbiKernel& kernel) {
  CALX_TRY(check(book.trellis));
  try {
    const Trellis& trellis = book.trellis;
    const std::size_t states = trellis.states(), groups = trellis.groups();
    const std::size_t steps = trellis.steps(kBlockWeights);
    BlockEncoder made(book, kernel);
    made.memory_.resize((1 + trellis.step_weights) * states + 2 * groups + 4 * kAlignment);
    auto address = reinterpret_cast<std::uintptr_t>(made.memory_.data());
    float* at = made.memory_.data() + (64 - address % 64) % 64 / sizeof(float);
    const auto take = [&at](std::size_t count) {
      float* const begin = at;
      at += (count + kAlignment - 1) / kAlignment * kAlignment;
      return begin;
    };
    made.step_.trellis = trellis;
    made.step_.cost = take(states);
    made.step_.least = take(groups);
    made.step_.spread = take(groups);
    float* const values = at;
    for (std::size_t v = 0; v < trellis.step_weights; ++v) {
      for (std::size_t s = 0; s < states; ++s) {
        values[v * states + place(trellis, s)] = static_cast<float>(book.values[v * states + s]);
      }
    }
    made.step_.values = values;
    made.from_.resize(steps * groups);
    made.x_.resize(steps * trellis.step_weights);
    made.factor_.resize(made.x_.size());
    made.path_.resize(steps);
    return made;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "encoder: its tables do not fit in memory");
  }
}

void BlockEncoder::load(std::span<const float> x, std::span<const float> factor) {
  std::ranges::fill(x_, 0.0f);
  std::ranges::fill(factor_, 0.0f);
  std::ranges::copy(x, x_.begin());
  std::ranges::copy(factor, factor_.begin());
}

void BlockEncoder::begin_free() { std::fill_n(step_.cost, book_->trellis.states(), 0.0f); }

void BlockEncoder::begin_at(std::size_t state) {
  std::fill_n(step_.cost, book_->trellis.states(), kUnreached);
  step_.cost[place(book_->trellis, state)] = 0;
}

void BlockEncoder::advance(std::size_t step, std::size_t row) {
  step_.from = from_.data() + row * book_->trellis.groups();
  step_.x = x_.data() + step * book_->trellis.step_weights;
  step_.factor = factor_.data() + step * book_->trellis.step_weights;
  kernel_->run(step_);
}

std::size_t BlockEncoder::back(std::size_t state, std::size_t row) const noexcept {
  const std::size_t group = state & (book_->trellis.groups() - 1);
  return group << book_->trellis.step_bits | from_[row * book_->trellis.groups() + group];
}

std::size_t BlockEncoder::best_state() const noexcept {
  std::size_t best = 0;
  float least = std::numeric_limits<float>::infinity();
  for (std::size_t s = 0; s < book_->trellis.states(); ++s) {
    const float cost = step_.cost[place(book_->trellis, s)];
    if (cost < least) {
      least = cost;
      best = s;
    }
  }
  return best;
}

std::size_t BlockEncoder::seam_state() {
  const Trellis& trellis = book_->trellis;
  const std::size_t length = (trellis.state_bits + trellis.step_bits - 1) / trellis.step_bits;
  const std::size_t half = std::min(kSeamLengths * length, steps_ / 2);
  begin_free();
  for (std::size_t i = 0; i < 2 * half; ++i) advance((steps_ - half + i) % steps_, i);
  std::size_t state = best_state();
  for (std::size_t i = 2 * half; --i > half;) state = back(state, i);
  return state;  // of step 0, which was row `half`
}

void BlockEncoder::encode(std::span<const float> x, std::span<const float> factor,
                          std::span<std::uint8_t> codes) {
  const Trellis& trellis = book_->trellis;
  CALX_ASSERT(x.size() == factor.size() && x.size() <= kBlockWeights && !x.empty());
  CALX_ASSERT(codes.size() == trellis.block_bytes(x.size()));
  load(x, factor);
  steps_ = trellis.steps(x.size());
  const std::size_t seam = seam_state();
  begin_at(seam);
  for (std::size_t t = 1; t < steps_; ++t) advance(t, t);
  // Step N is step 0 again: the best of the seam's own predecessors ends the path.
  const std::size_t first = (seam & (trellis.groups() - 1)) << trellis.step_bits;
  std::size_t state = first;
  for (std::size_t j = 1; j < std::size_t{1} << trellis.step_bits; ++j) {
    const bool less = step_.cost[place(trellis, first + j)] < step_.cost[place(trellis, state)];
    if (less) state = first + j;
  }
  for (std::size_t t = steps_; --t > 0;) {
    path_[t] = static_cast<std::uint32_t>(state);
    state = back(state, t);
  }
  CALX_ASSERT(state == seam);
  path_[0] = static_cast<std::uint32_t>(seam);
  std::ranges::fill(codes, std::uint8_t{0});
  const std::uint32_t mask = (1u << trellis.step_bits) - 1;
  for (std::size_t t = 0; t < steps_; ++t) put(codes, t * trellis.step_bits, path_[t] & mask);
}

}  // namespace calx::weights
