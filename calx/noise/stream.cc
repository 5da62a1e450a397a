#include "calx/noise/stream.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/noise/normal_transform.h"

namespace calx::noise {
namespace {

bool passes_end(std::uint32_t first, std::uint32_t count) noexcept {
  return std::uint64_t{first} + count > std::uint64_t{1} << 32;
}

Result<void> check(const Region& region, std::size_t elements) {
  if (passes_end(region.channel_first, region.channels) ||
      passes_end(region.row_first, region.rows) ||
      passes_end(region.column_first, region.columns)) {
    return fail(ErrorCode::kInvalidArgument,
                "noise region: a coordinate passes 2^32, wanted first + extent <= 2^32");
  }
  const std::uint64_t area = std::uint64_t{region.channels} * region.rows;
  if (region.columns != 0 && area > kElementsMax / region.columns) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("noise region: {} x {} x {} values, wanted at most {} in all",
                            region.channels, region.rows, region.columns, kElementsMax));
  }
  if (elements != region.elements()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("noise region: room for {} values, wanted {} ({} x {} x {})", elements,
                            region.elements(), region.channels, region.rows, region.columns));
  }
  return {};
}

}  // namespace

Result<Stream> Stream::open(const Seed& seed, std::string_view name, std::uint64_t index) {
  if (name.empty() || name.size() > kStreamNameBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("stream name: {} characters, wanted 1 to {}", name.size(),
                            kStreamNameBytesMax));
  }
  const auto bad = std::ranges::find_if(name, [](char c) { return c < 0x20 || c > 0x7e; });
  if (bad != name.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("stream name: byte 0x{:02x} at position {}, wanted printable ASCII",
                            static_cast<std::uint8_t>(*bad), bad - name.begin()));
  }
  return Stream(derive_key(seed.type(), seed.bytes(), name, index));
}

Result<void> Stream::bits(const Region& region, std::span<std::uint32_t> out) const {
  CALX_TRY(check(region, out.size()));
  walk(key_, region, [out](std::span<const std::uint32_t> words, std::size_t offset) {
    std::ranges::copy(words, out.subspan(offset).begin());
  });
  return {};
}

Result<void> Stream::uniform(const Region& region, std::span<float> out) const {
  CALX_TRY(check(region, out.size()));
  walk(key_, region, [out](std::span<const std::uint32_t> words, std::size_t offset) {
    std::ranges::transform(words, out.subspan(offset).begin(), uniform_value);
  });
  return {};
}

Result<void> Stream::normal(const Region& region, std::span<float> out) const {
  CALX_TRY(check(region, out.size()));
  walk(key_, region, [out](std::span<const std::uint32_t> words, std::size_t offset) {
    normal_transform(words, out.subspan(offset, words.size()));
  });
  return {};
}

}  // namespace calx::noise
