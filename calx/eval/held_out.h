// Labelled digits in two halves of one make-up, other sets in the same make-up, and samples of
// sets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"

namespace calx::eval {

/// Labelled grey pictures of one side.
struct Gallery {
  std::vector<std::uint8_t> pixels;  // [n, 32, 32]
  std::vector<std::int32_t> labels;  // [n]

  [[nodiscard]] std::size_t size() const noexcept { return labels.size(); }
};

/// Within each class the pictures go in turn to the first and to the second half, so both halves
/// come from all parts of the file: the two parts of MNIST's t10k differ in difficulty. A class of
/// odd size leaves one over; those are shared out in turn too. Both halves are then cut to `count`
/// pictures at most; picture k of one has the class of picture k of the other, save those few.
/// Errors: kInvalidArgument unless both halves get two pictures.
struct Halves {
  Gallery first, second;
};
Result<Halves> split_halves(const diffusion::DigitSet& digits, std::size_t count);

/// The first unused picture of each wanted class, in order: a set with exactly these labels.
/// Errors: kInvalidArgument when a class runs out.
Result<Gallery> take_like(const diffusion::DigitSet& digits, std::span<const std::int32_t> wanted);

/// `count` pictures evenly spread over the set (every n-th; a file may be sorted by class), and the
/// others. Errors: kInvalidArgument unless both parts get two pictures.
struct Parts {
  Gallery chosen, rest;
};
Result<Parts> spread_out(const diffusion::DigitSet& digits, std::size_t count);

}  // namespace calx::eval
