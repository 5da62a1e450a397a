#include "calx/noise/variation.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <new>

namespace calx::noise {
namespace {

constexpr std::uint64_t kPieceElements = 8192;  // one row at least

constexpr double kRemainderMin = 0x1p-40;  // what ten weights of 0.1 may leave by rounding

bool in_range(double weight) noexcept {
  const double magnitude = std::fabs(weight);
  return weight == 0 || (magnitude >= 1 / kWeightMax && magnitude <= kWeightMax);
}

}  // namespace

Result<VariationPart> parse_variation_part(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view digits = colon == text.npos ? "" : text.substr(colon + 1);
  double weight = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), weight);
  if (digits.empty() || code != std::errc{} || end != digits.data() + digits.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("variation '{}': wanted SEED:WEIGHT, such as hello:0.3", text));
  }
  CALX_ASSIGN(seed, Seed::parse(text.substr(0, colon)));
  return VariationPart{seed, weight};
}

Result<Variation> Variation::of(std::vector<VariationPart> parts) {
  if (parts.empty() || parts.size() > kVariationPartsMax) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("variation: {} seeds, wanted 1 to {}",
                                                         parts.size(), kVariationPartsMax));
  }
  double square = 0;
  for (const VariationPart& part : parts) {
    if (!in_range(part.weight)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("variation: weight {} of seed {}, wanted 0 or a magnitude from 2^-64 "
                              "to 2^64",
                              part.weight, part.seed.to_string()));
    }
    square = square + part.weight * part.weight;
  }
  if (square == 0) {
    return fail(ErrorCode::kInvalidArgument,
                "variation: every weight is 0, wanted one that is not");
  }
  const double norm = std::sqrt(square);
  Variation variation;
  for (const VariationPart& part : parts) variation.normalised_.push_back(part.weight / norm);
  variation.parts_ = std::move(parts);
  return variation;
}

Result<Variation> Variation::beside(Seed base, std::vector<VariationPart> others) {
  double left = 1.0;
  bool negative = false;
  for (const VariationPart& other : others) {
    left = left - other.weight;
    negative |= other.weight < 0;
  }
  if (negative || !(left > -kRemainderMin)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("variation: weights that leave {} for the seed itself, wanted weights "
                            "from 0 to 1 in all, or the seed's own weight stated",
                            left));
  }
  others.insert(others.begin(), {std::move(base), left < kRemainderMin ? 0.0 : left});
  return of(std::move(others));
}

Variation Variation::single(Seed seed) {
  Variation variation;
  variation.parts_.push_back({std::move(seed), 1.0});
  variation.normalised_.push_back(1.0);
  return variation;
}

Result<Variation> Variation::towards(Seed seed, double strength) const {
  if (!(strength >= 0 && strength <= 1)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("variation: strength {}, wanted 0 to 1", strength));
  }
  std::vector<VariationPart> parts = parts_;
  for (std::size_t j = 0; j < parts.size(); ++j) {
    parts[j].weight = (1 - strength) * normalised_[j];
  }
  parts.push_back({std::move(seed), strength});
  return of(std::move(parts));
}

Result<void> Variation::normal(std::string_view stream, std::uint64_t index, const Region& region,
                               std::span<float> out) const {
  std::vector<std::pair<Stream, double>> terms;
  for (std::size_t j = 0; j < parts_.size(); ++j) {
    if (normalised_[j] == 0) continue;
    CALX_ASSIGN(opened, Stream::open(parts_[j].seed, stream, index));
    terms.emplace_back(opened, normalised_[j]);
  }
  if (terms.size() == 1 && terms[0].second == 1.0) return terms[0].first.normal(region, out);
  CALX_TRY(terms[0].first.normal(region, out));  // checks the region and the room
  const auto rows_at_once = static_cast<std::uint32_t>(
      std::max<std::uint64_t>(1, kPieceElements / std::max(region.columns, 1u)));
  try {
    std::vector<float> values;
    std::vector<double> sums;
    std::size_t offset = 0;
    for (std::uint32_t c = 0; c < region.channels; ++c) {
      for (std::uint32_t row = 0; row < region.rows;) {
        Region piece = region;
        piece.channel_first += c;
        piece.channels = 1;
        piece.row_first += row;
        piece.rows = std::min(rows_at_once, region.rows - row);
        values.resize(piece.elements());
        sums.resize(values.size());
        const std::span<float> target = out.subspan(offset, values.size());
        for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = terms[0].second * target[i];
        for (std::size_t j = 1; j < terms.size(); ++j) {
          CALX_TRY(terms[j].first.normal(piece, values));
          const double weight = terms[j].second;
          for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = sums[i] + weight * values[i];
        }
        std::ranges::transform(sums, target.begin(),
                               [](double sum) { return static_cast<float>(sum); });
        offset += values.size();
        row += piece.rows;
      }
    }
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("variation: no memory for a row of {} values", region.columns));
  }
  return {};
}

}  // namespace calx::noise
