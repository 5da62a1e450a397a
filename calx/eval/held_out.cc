#include "calx/eval/held_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "calx/eval/judge.h"

namespace calx::eval {
namespace {

Gallery pick(const diffusion::DigitSet& digits, std::span<const std::size_t> indices) {
  constexpr std::size_t kPixels = std::size_t{diffusion::kDigitSide} * diffusion::kDigitSide;
  const auto grey = grey_pictures(digits);
  Gallery gallery;
  gallery.pixels.reserve(indices.size() * kPixels);
  for (const std::size_t i : indices) {
    const auto picture = std::span(grey).subspan(i * kPixels, kPixels);
    gallery.pixels.insert(gallery.pixels.end(), picture.begin(), picture.end());
    gallery.labels.push_back(digits.labels[i]);
  }
  return gallery;
}

}  // namespace

Result<Halves> split_halves(const diffusion::DigitSet& digits, std::size_t count) {
  std::map<std::int32_t, std::vector<std::size_t>> by_class;
  for (std::size_t i = 0; i < digits.size(); ++i) by_class[digits.labels[i]].push_back(i);
  // Pairs of neighbours within a class, in the order in which the file completes them.
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  std::vector<std::size_t> left_over;
  for (const auto& [label, indices] : by_class) {
    for (std::size_t i = 0; i + 1 < indices.size(); i += 2) {
      pairs.emplace_back(indices[i], indices[i + 1]);
    }
    if (indices.size() % 2 == 1) left_over.push_back(indices.back());
  }
  for (std::size_t i = 0; i + 1 < left_over.size(); i += 2) {
    pairs.emplace_back(left_over[i], left_over[i + 1]);
  }
  std::ranges::sort(pairs, {}, &std::pair<std::size_t, std::size_t>::second);
  if (pairs.size() < 2 || count < 2) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} held-out pictures and {} wanted in each half: too few",
                            digits.size(), count));
  }
  pairs.resize(std::min(pairs.size(), count));
  std::vector<std::size_t> first, second;
  for (const auto& [a, b] : pairs) {
    first.push_back(a);
    second.push_back(b);
  }
  return Halves{pick(digits, first), pick(digits, second)};
}

Result<Gallery> take_like(const diffusion::DigitSet& digits, std::span<const std::int32_t> wanted) {
  std::map<std::int32_t, std::vector<std::size_t>> by_class;
  for (std::size_t i = 0; i < digits.size(); ++i) by_class[digits.labels[i]].push_back(i);
  std::map<std::int32_t, std::size_t> used;
  std::vector<std::size_t> indices;
  for (const auto label : wanted) {
    const auto& all = by_class[label];
    const std::size_t next = used[label]++;
    if (next >= all.size()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} has {} pictures of class {}, wanted more", digits.source,
                              all.size(), label));
    }
    indices.push_back(all[next]);
  }
  return pick(digits, indices);
}

Result<Parts> spread_out(const diffusion::DigitSet& digits, std::size_t count) {
  if (count < 2 || count + 2 > digits.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} pictures out of {}: wanted at least 2 in both parts", count,
                            digits.size()));
  }
  std::vector<std::size_t> chosen, rest;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool next = chosen.size() < count && i == chosen.size() * digits.size() / count;
    (next ? chosen : rest).push_back(i);
  }
  return Parts{pick(digits, chosen), pick(digits, rest)};
}

}  // namespace calx::eval
