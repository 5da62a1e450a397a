#include "calx/format/npz.h"

#include <fmt/format.h>
#include <zlib.h>

#include <optional>
#include <set>
#include <string>

#include "calx/format/byte_order.h"
#include "calx/format/inflate.h"
#include "calx/format/npy.h"

namespace calx::format {
namespace {

constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEntrySignature = 0x02014b50;
constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kEntryBytes = 46;
constexpr std::size_t kLocalBytes = 30;
constexpr std::size_t kCommentBytesMax = 65'535;
constexpr std::uint32_t kZip64Mark = 0xffffffff;

using Bytes = std::span<const std::uint8_t>;

std::uint16_t u16(Bytes bytes, std::size_t at) noexcept {
  return load<std::uint16_t>(bytes.subspan(at), std::endian::little);
}
std::uint32_t u32(Bytes bytes, std::size_t at) noexcept {
  return load<std::uint32_t>(bytes.subspan(at), std::endian::little);
}

std::unexpected<Error> broken(std::string_view why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format(".npz archive: {}", why));
}

struct Entry {
  std::string name;
  bool deflated;
  std::uint32_t crc;
  std::uint64_t packed_bytes;
  std::uint64_t bytes;
  std::uint64_t local_at;
};

struct Directory {
  std::size_t at;
  std::size_t bytes;
  std::size_t entries;
};

/// The end record stands at the end, before a comment that fills the rest of the file.
std::optional<std::size_t> find_end(Bytes zip) noexcept {
  if (zip.size() < kEndBytes) return std::nullopt;
  const std::size_t last = zip.size() - kEndBytes;
  const std::size_t first = last > kCommentBytesMax ? last - kCommentBytesMax : 0;
  for (std::size_t at = last + 1; at-- > first;) {
    if (u32(zip, at) == kEndSignature && at + kEndBytes + u16(zip, at + 20) == zip.size()) {
      return at;
    }
  }
  return std::nullopt;
}

Result<Directory> find_directory(Bytes zip) {
  const auto end = find_end(zip);
  if (!end) return broken("no end record, so this is no zip file or it is cut short");
  const Directory directory{u32(zip, *end + 16), u32(zip, *end + 12), u16(zip, *end + 10)};
  if (u16(zip, *end + 4) != 0 || u16(zip, *end + 6) != 0 ||
      u16(zip, *end + 8) != directory.entries) {
    return fail(ErrorCode::kUnimplemented, ".npz archive: split over several disks");
  }
  if (directory.entries == 0xffff || directory.at == kZip64Mark || directory.bytes == kZip64Mark) {
    return fail(ErrorCode::kUnimplemented, ".npz archive: zip64 is not supported");
  }
  if (directory.entries > kNpzEntriesMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format(".npz archive: {} entries, wanted at most {}", directory.entries,
                            kNpzEntriesMax));
  }
  // Archives with bytes in front (self-extracting ones) are read differently by different programs.
  if (directory.at + directory.bytes != *end)
    return broken("the directory does not end at its end record");
  return directory;
}

/// Reads the entry at the front of `rest` and takes it away.
Result<Entry> take_entry(Bytes& rest) {
  if (rest.size() < kEntryBytes || u32(rest, 0) != kEntrySignature) {
    return broken("a directory entry is cut short or unsigned");
  }
  const std::size_t name_bytes = u16(rest, 28);
  const std::size_t all_bytes = kEntryBytes + name_bytes + u16(rest, 30) + u16(rest, 32);
  if (rest.size() < all_bytes) return broken("a directory entry is cut short");
  const std::uint16_t method = u16(rest, 10);
  Entry entry{{reinterpret_cast<const char*>(rest.data()) + kEntryBytes, name_bytes},
              method == 8,
              u32(rest, 16),
              u32(rest, 20),
              u32(rest, 24),
              u32(rest, 42)};
  const bool encrypted = (u16(rest, 8) & 1) != 0;
  if (encrypted || (method != 0 && method != 8)) {
    return fail(ErrorCode::kUnimplemented,
                fmt::format(".npz archive: entry {:?} is {}, wanted stored or deflated", entry.name,
                            encrypted ? "encrypted" : fmt::format("packed by method {}", method)));
  }
  if (entry.packed_bytes == kZip64Mark || entry.bytes == kZip64Mark ||
      entry.local_at == kZip64Mark) {
    return fail(
        ErrorCode::kUnimplemented,
        fmt::format(".npz archive: entry {:?} needs zip64, which is not supported", entry.name));
  }
  if (!entry.name.ends_with(".npy")) {
    return fail(ErrorCode::kUnimplemented,
                fmt::format(".npz archive: entry {:?} is no .npy", entry.name));
  }
  rest = rest.subspan(all_bytes);
  return entry;
}

/// `files` is the archive before its directory.
Result<Bytes> packed_bytes(Bytes files, const Entry& entry) {
  const auto lost = [&](std::string_view why) {
    return fail(ErrorCode::kDataLoss, fmt::format(".npz archive: entry {:?} {}", entry.name, why));
  };
  if (entry.local_at > files.size() || files.size() - entry.local_at < kLocalBytes ||
      u32(files, entry.local_at) != kLocalSignature) {
    return lost("has no local header where the directory says");
  }
  // The sizes count in the directory only: writers that stream leave them out here.
  const Bytes local = files.subspan(entry.local_at);
  const std::size_t name_bytes = u16(local, 26);
  const std::size_t start = kLocalBytes + name_bytes + u16(local, 28);
  if (local.size() < start || local.size() - start < entry.packed_bytes) {
    return lost("reaches past the end of the archive");
  }
  const std::string_view name(reinterpret_cast<const char*>(local.data()) + kLocalBytes,
                              name_bytes);
  if (name != entry.name) return lost("has another name in its local header");
  return local.subspan(start, entry.packed_bytes);
}

Result<Array> read_entry(Bytes files, const Entry& entry) {
  CALX_ASSIGN(packed, packed_bytes(files, entry));
  const auto what = fmt::format(".npz entry {:?}", entry.name);
  std::vector<std::uint8_t> inflated;
  Bytes content = packed;
  if (entry.deflated) {
    auto result = inflate(packed, Deflated::kRaw, entry.bytes, what);
    if (!result) return fail(std::move(result));
    inflated = std::move(*result);
    content = inflated;
  }
  if (content.size() != entry.bytes) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{}: {} bytes, wanted {}", what, content.size(), entry.bytes));
  }
  if (::crc32_z(0, content.data(), content.size()) != entry.crc) {
    return fail(ErrorCode::kDataLoss, fmt::format("{}: its CRC-32 does not match", what));
  }
  auto array = parse_npy(content);
  if (!array) return fail(array.error().code, fmt::format("{}: {}", what, array.error().message));
  return array;
}

}  // namespace

Result<std::vector<NamedArray>> parse_npz(std::span<const std::uint8_t> bytes,
                                          std::uint64_t bytes_max) {
  CALX_ASSIGN(directory, find_directory(bytes));
  const Bytes files = bytes.first(directory.at);
  Bytes rest = bytes.subspan(directory.at, directory.bytes);
  std::vector<NamedArray> arrays;
  std::set<std::string, std::less<>> names;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < directory.entries; ++i) {
    CALX_ASSIGN(entry, take_entry(rest));
    if (!names.insert(entry.name).second) {
      return broken(fmt::format("two entries are called {:?}", entry.name));
    }
    total += entry.bytes;
    if (total > bytes_max) {
      return fail(
          ErrorCode::kResourceExhausted,
          fmt::format(".npz archive: over {} bytes of arrays, wanted at most that", bytes_max));
    }
    CALX_ASSIGN(array, read_entry(files, entry));
    constexpr std::size_t kSuffixBytes = 4;
    entry.name.resize(entry.name.size() - kSuffixBytes);
    arrays.push_back({std::move(entry.name), std::move(array)});
  }
  if (!rest.empty()) return broken("the directory holds more than its entries");
  return arrays;
}

}  // namespace calx::format
