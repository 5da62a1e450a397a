#include "calx/format/idx.h"

#include <fmt/format.h>

#include <array>
#include <new>
#include <optional>

#include "calx/format/byte_order.h"
#include "calx/format/inflate.h"

namespace calx::format {
namespace {

std::optional<Dtype> dtype_of_kind(std::uint8_t kind) noexcept {
  switch (kind) {
    case 0x08:
      return Dtype::kU8;
    case 0x09:
      return Dtype::kI8;
    case 0x0b:
      return Dtype::kI16;
    case 0x0c:
      return Dtype::kI32;
    case 0x0d:
      return Dtype::kF32;
    case 0x0e:
      return Dtype::kF64;
    default:
      return std::nullopt;
  }
}

Result<Array> parse_plain(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 4 || bytes[0] != 0 || bytes[1] != 0) {
    return fail(ErrorCode::kInvalidArgument, "not an idx file: it does not start with two zeros");
  }
  const auto dtype = dtype_of_kind(bytes[2]);
  if (!dtype) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("idx file: element kind 0x{:02x}, wanted 08, 09, 0b, 0c, 0d or 0e", bytes[2]));
  }
  const std::size_t dimensions = bytes[3];
  const std::size_t header_bytes = 4 + 4 * dimensions;
  if (dimensions == 0 || dimensions > kDimensionsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("idx file: {} dimensions, wanted 1 to {}", dimensions, kDimensionsMax));
  }
  if (bytes.size() < header_bytes) {
    return fail(ErrorCode::kDataLoss, "idx file ends inside its header");
  }
  Array array{*dtype, {}, {}};
  for (std::size_t at = 4; at < header_bytes; at += 4) {
    array.shape.push_back(load<std::uint32_t>(bytes.subspan(at), std::endian::big));
  }
  CALX_ASSIGN(wanted, byte_count(array.dtype, array.shape));
  if (bytes.size() - header_bytes != wanted) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("idx file: {} bytes of data, wanted {} for its shape",
                            bytes.size() - header_bytes, wanted));
  }
  try {
    array.bytes.assign(bytes.begin() + static_cast<std::ptrdiff_t>(header_bytes), bytes.end());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("idx file: {} bytes do not fit in memory", wanted));
  }
  reorder(array.bytes, array.dtype, std::endian::big);
  return array;
}

}  // namespace

Result<Array> parse_idx(std::span<const std::uint8_t> bytes, std::uint64_t bytes_max) {
  if (bytes.size() < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b) return parse_plain(bytes);
  CALX_ASSIGN(plain, inflate(bytes, Deflated::kGzip, bytes_max, "gzipped idx file"));
  return parse_plain(plain);
}

}  // namespace calx::format
