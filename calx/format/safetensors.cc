#include "calx/format/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "calx/format/byte_order.h"
#include "calx/format/canonical_json.h"
#include "calx/format/utf8.h"

namespace calx::format {
namespace {

constexpr std::string_view kMetadataKey = "__metadata__";
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kHeaderMultiple = 8;

// The reference writer's order, by rising alignment; it writes the last of these first.
constexpr std::array kRanks = {Dtype::kBool,   Dtype::kU8,  Dtype::kI8,  Dtype::kF8E5m2,
                               Dtype::kF8E4m3, Dtype::kI16, Dtype::kU16, Dtype::kF16,
                               Dtype::kBf16,   Dtype::kI32, Dtype::kU32, Dtype::kF32,
                               Dtype::kC64,    Dtype::kF64, Dtype::kI64, Dtype::kU64};

std::ptrdiff_t rank(Dtype dtype) noexcept {
  return std::ranges::find(kRanks, dtype) - kRanks.begin();
}

std::unexpected<Error> refuse(std::string why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("safetensors: {}", why));
}

Result<Dtype> parse_dtype(std::string_view word, std::string_view name) {
  for (const Dtype dtype : kRanks) {
    if (to_string(dtype) == word) return dtype;
  }
  static constexpr std::array<std::string_view, 4> kKnown = {"F4", "F6_E2M3", "F6_E3M2", "F8_E8M0"};
  if (std::ranges::find(kKnown, word) != kKnown.end()) {
    return fail(ErrorCode::kUnimplemented,
                fmt::format("safetensors: tensor {:?} of {}, which is not supported", name, word));
  }
  return refuse(fmt::format("tensor {:?} of unknown dtype {:?}", name, word));
}

struct Entry {
  std::string name;
  Dtype dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin;
  std::uint64_t end;
};

Result<std::vector<std::uint64_t>> whole_numbers(const Json& object, std::string_view key,
                                                 std::string_view place) {
  CALX_ASSIGN(array, array_member(object, key, place));
  std::vector<std::uint64_t> numbers;
  for (const Json& element : *array->elements()) {
    const std::int64_t* const number = element.integer();
    if (number == nullptr || *number < 0) {
      return refuse(fmt::format("{}: {} holds something else than whole numbers", place, key));
    }
    numbers.push_back(static_cast<std::uint64_t>(*number));
  }
  return numbers;
}

Result<Entry> parse_entry(const JsonMember& member) {
  const std::string place = fmt::format("safetensors: tensor {:?}", member.key);
  CALX_TRY(only_members(member.value, {"dtype", "shape", "data_offsets"}, place));
  CALX_ASSIGN(word, string_member(member.value, "dtype", place));
  CALX_ASSIGN(dtype, parse_dtype(word, member.key));
  CALX_ASSIGN(shape, whole_numbers(member.value, "shape", place));
  CALX_ASSIGN(offsets, whole_numbers(member.value, "data_offsets", place));
  if (offsets.size() != 2) {
    return refuse(
        fmt::format("tensor {:?} has {} data_offsets, wanted 2", member.key, offsets.size()));
  }
  CALX_ASSIGN(wanted, byte_count(dtype, shape));
  if (offsets[1] < offsets[0] || offsets[1] - offsets[0] != wanted) {
    return refuse(fmt::format("tensor {:?} spans bytes {} to {}, wanted {} bytes for its shape",
                              member.key, offsets[0], offsets[1], wanted));
  }
  return Entry{member.key, dtype, std::move(shape), offsets[0], offsets[1]};
}

Result<void> parse_metadata(const Json& object, std::map<std::string, std::string>& metadata) {
  if (!object.members()) return refuse("__metadata__ is no object");
  for (const JsonMember& member : *object.members()) {
    const std::string* const text = member.value.string();
    if (text == nullptr) return refuse(fmt::format("__metadata__ {:?} is no text", member.key));
    metadata.emplace(member.key, *text);
  }
  return {};
}

Result<std::string_view> find_header(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kLengthBytes) return refuse("under 8 bytes, so no such file");
  const auto length = load<std::uint64_t>(bytes, std::endian::little);
  if (length > kSafetensorsFormatHeaderMax) {
    return refuse(fmt::format("a header of {} bytes, wanted at most {}", length,
                              kSafetensorsFormatHeaderMax));
  }
  if (length > kSafetensorsHeaderBytesMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("safetensors: a header of {} bytes, wanted at most {}", length,
                            kSafetensorsHeaderBytesMax));
  }
  if (length > bytes.size() - kLengthBytes) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("safetensors: the file ends inside its header: {} of {} bytes",
                            bytes.size() - kLengthBytes, length));
  }
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                                static_cast<std::size_t>(length));
  if (!header.starts_with('{')) return refuse("the header does not start with '{'");
  return header;
}

/// The entries in the order of their data, which they cover without a hole.
Result<std::vector<Entry>> parse_entries(const Json& header, std::uint64_t data_bytes) {
  std::vector<Entry> entries;
  for (const JsonMember& member : *header.members()) {
    if (member.key == kMetadataKey) continue;
    if (entries.size() == kSafetensorsTensorsMax) {
      return fail(
          ErrorCode::kResourceExhausted,
          fmt::format("safetensors: over {} tensors, wanted at most that", kSafetensorsTensorsMax));
    }
    CALX_ASSIGN(entry, parse_entry(member));
    entries.push_back(std::move(entry));
  }
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::tie(e.begin, e.end, e.name); });
  std::uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) {
      return refuse(
          fmt::format("tensor {:?} starts at byte {}, wanted {}: holes and overlaps are "
                      "refused",
                      entry.name, entry.begin, at));
    }
    at = entry.end;
  }
  if (at != data_bytes) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("safetensors: {} bytes of data, wanted {}", data_bytes, at));
  }
  return entries;
}

Result<std::vector<const NamedArray*>> order_tensors(const Safetensors& file) {
  if (file.tensors.size() > kSafetensorsTensorsMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("safetensors: {} tensors, wanted at most {}", file.tensors.size(),
                            kSafetensorsTensorsMax));
  }
  std::vector<const NamedArray*> order;
  for (const NamedArray& tensor : file.tensors) {
    if (tensor.name == kMetadataKey) return refuse("no tensor may be called __metadata__");
    auto checked = check(tensor.array);
    if (!checked) return refuse(fmt::format("{:?}: {}", tensor.name, checked.error().message));
    order.push_back(&tensor);
  }
  std::ranges::sort(order, {}, &NamedArray::name);
  const auto twin = std::ranges::adjacent_find(order, {}, &NamedArray::name);
  if (twin != order.end()) {
    return refuse(fmt::format("two tensors are called {:?}", (*twin)->name));
  }
  std::ranges::sort(order, {}, [](const NamedArray* t) {
    return std::pair(-rank(t->array.dtype), std::string_view(t->name));
  });
  return order;
}

Result<std::string> encode_header(const std::vector<const NamedArray*>& order,
                                  const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  const auto out = std::back_inserter(header);
  if (!metadata.empty()) {
    Json object;
    for (const auto& [key, text] : metadata) object.set(key, text);
    CALX_ASSIGN(encoded, encode_canonical_json(object));
    fmt::format_to(out, "\"{}\":{}", kMetadataKey, encoded);
  }
  std::uint64_t at = 0;
  for (const NamedArray* const tensor : order) {
    CALX_ASSIGN(name, encode_canonical_json(tensor->name));
    const std::uint64_t end = at + tensor->array.bytes.size();
    fmt::format_to(out, "{}{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                   header.size() > 1 ? "," : "", name, to_string(tensor->array.dtype),
                   fmt::join(tensor->array.shape, ","), at, end);
    at = end;
  }
  header += '}';
  header.append((kHeaderMultiple - header.size() % kHeaderMultiple) % kHeaderMultiple, ' ');
  if (header.size() > kSafetensorsHeaderBytesMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("safetensors: a header of {} bytes, wanted at most {}", header.size(),
                            kSafetensorsHeaderBytesMax));
  }
  return header;
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_safetensors(const Safetensors& file) {
  try {
    CALX_ASSIGN(order, order_tensors(file));
    CALX_ASSIGN(header, encode_header(order, file.metadata));
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
      bytes.push_back(static_cast<std::uint8_t>(std::uint64_t{header.size()} >> (8 * i)));
    }
    bytes.insert(bytes.end(), header.begin(), header.end());
    for (const NamedArray* const tensor : order) {
      const std::size_t at = bytes.size();
      bytes.insert(bytes.end(), tensor->array.bytes.begin(), tensor->array.bytes.end());
      reorder(std::span(bytes).subspan(at), tensor->array.dtype, std::endian::little);
    }
    return bytes;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "safetensors: the file does not fit in memory");
  }
}

Result<Safetensors> parse_safetensors(std::span<const std::uint8_t> bytes) {
  CALX_ASSIGN(text, find_header(bytes));
  auto header = parse_json(text, kSafetensorsHeaderBytesMax);
  if (!header) {
    return fail(header.error().code, fmt::format("safetensors header: {}", header.error().message));
  }
  const auto data = bytes.subspan(kLengthBytes + text.size());
  try {
    Safetensors file;
    if (const Json* const metadata = header->find(kMetadataKey)) {
      CALX_TRY(parse_metadata(*metadata, file.metadata));
    }
    CALX_ASSIGN(entries, parse_entries(*header, data.size()));
    for (Entry& entry : entries) {
      const auto part = data.subspan(static_cast<std::size_t>(entry.begin),
                                     static_cast<std::size_t>(entry.end - entry.begin));
      Array array{entry.dtype, std::move(entry.shape), {part.begin(), part.end()}};
      reorder(array.bytes, array.dtype, std::endian::little);
      file.tensors.push_back({std::move(entry.name), std::move(array)});
    }
    return file;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "safetensors: the tensors do not fit in memory");
  }
}

}  // namespace calx::format
