#include "calx/format/npy.h"

#include <fmt/format.h>

#include <new>
#include <numeric>

#include "calx/format/byte_order.h"
#include "calx/format/npy_header.h"

namespace calx::format {
namespace {

constexpr std::array<std::uint8_t, 6> kMagic = {0x93, 'N', 'U', 'M', 'P', 'Y'};
constexpr std::size_t kPreambleMultiple = 64;
// numpy leaves room to write a longer first dimension into the file later.
constexpr std::size_t kGrowthDigits = 21;

/// dst in C order from src in Fortran order (first dimension fastest).
std::vector<std::uint8_t> to_c_order(std::span<const std::uint8_t> src,
                                     std::span<const std::uint64_t> shape, std::size_t unit) {
  std::vector<std::uint64_t> stride(shape.size(), unit);
  for (std::size_t d = 1; d < shape.size(); ++d) stride[d] = stride[d - 1] * shape[d - 1];
  std::vector<std::uint64_t> index(shape.size(), 0);
  std::vector<std::uint8_t> dst(src.size());
  for (std::size_t at = 0; at < dst.size(); at += unit) {
    const auto from =
        std::inner_product(index.begin(), index.end(), stride.begin(), std::uint64_t{0});
    std::memcpy(dst.data() + at, src.data() + from, unit);
    for (std::size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d]) break;
      index[d] = 0;
    }
  }
  return dst;
}

struct Preamble {
  std::string_view header;
  std::size_t bytes;  // of everything before the data
};

Result<Preamble> parse_preamble(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 10 || !std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) {
    return fail(ErrorCode::kInvalidArgument, "not an .npy file: it does not start with \\x93NUMPY");
  }
  const int version = bytes[6];
  if (version < 1 || version > 3 || bytes[7] != 0) {
    return fail(ErrorCode::kUnimplemented,
                fmt::format(".npy version {}.{}, wanted 1.0, 2.0 or 3.0", version, bytes[7]));
  }
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  if (bytes.size() < 8 + length_bytes) {
    return fail(ErrorCode::kDataLoss, ".npy file ends inside its header");
  }
  const std::size_t length = version == 1
                                 ? load<std::uint16_t>(bytes.subspan(8), std::endian::little)
                                 : load<std::uint32_t>(bytes.subspan(8), std::endian::little);
  if (length > kNpyHeaderBytesMax) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format(".npy header of {} bytes, wanted at most {}", length, kNpyHeaderBytesMax));
  }
  const std::size_t start = 8 + length_bytes;
  if (bytes.size() - start < length) {
    return fail(ErrorCode::kDataLoss,
                fmt::format(".npy file ends inside its header: {} of {} header bytes",
                            bytes.size() - start, length));
  }
  return Preamble{{reinterpret_cast<const char*>(bytes.data()) + start, length}, start + length};
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_npy(const Array& array) {
  CALX_TRY(check(array));
  CALX_ASSIGN(header, encode_npy_header({array.dtype, std::endian::little, false, array.shape}));
  if (!array.shape.empty()) {
    const std::size_t digits = fmt::formatted_size("{}", array.shape[0]);
    header.append(kGrowthDigits - digits, ' ');
  }
  const std::size_t used = kMagic.size() + 4 + header.size() + 1;
  header.append(kPreambleMultiple - used % kPreambleMultiple, ' ');
  header += '\n';
  try {
    std::vector<std::uint8_t> bytes;
    bytes.reserve(kMagic.size() + 4 + header.size() + array.bytes.size());
    bytes.assign(kMagic.begin(), kMagic.end());
    for (const std::size_t byte :
         {std::size_t{1}, std::size_t{0}, header.size() & 255, header.size() >> 8}) {
      bytes.push_back(static_cast<std::uint8_t>(byte));
    }
    bytes.insert(bytes.end(), header.begin(), header.end());
    const std::size_t data = bytes.size();
    bytes.insert(bytes.end(), array.bytes.begin(), array.bytes.end());
    reorder(std::span(bytes).subspan(data), array.dtype, std::endian::little);
    return bytes;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format(".npy: {} bytes do not fit in memory", array.bytes.size()));
  }
}

Result<Array> parse_npy(std::span<const std::uint8_t> bytes) {
  CALX_ASSIGN(preamble, parse_preamble(bytes));
  CALX_ASSIGN(header, parse_npy_header(preamble.header));
  CALX_ASSIGN(wanted, byte_count(header.dtype, header.shape));
  const auto data = bytes.subspan(preamble.bytes);
  if (data.size() != wanted) {
    return fail(ErrorCode::kDataLoss, fmt::format(".npy: {} bytes of data, wanted {} for its shape",
                                                  data.size(), wanted));
  }
  try {
    Array array{header.dtype, std::move(header.shape), {}};
    if (header.fortran_order && array.shape.size() > 1) {
      array.bytes = to_c_order(data, array.shape, element_bytes(array.dtype));
    } else {
      array.bytes.assign(data.begin(), data.end());
    }
    reorder(array.bytes, array.dtype, header.order);
    return array;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format(".npy: {} bytes do not fit in memory", wanted));
  }
}

}  // namespace calx::format
