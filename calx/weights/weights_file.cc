#include "calx/weights/weights_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <set>
#include <utility>

#include "calx/base/hex.h"
#include "calx/format/canonical_json.h"
#include "calx/format/safetensors.h"
#include "calx/hash/sha256.h"
#include "calx/weights/scale.h"

namespace calx::weights {
namespace {

constexpr std::string_view kSealKey = "calx-weights-1";
constexpr std::string_view kTensorPrefix = "calx-weights-1/";
constexpr std::string_view kCodes = ".codes", kScales = ".scales";
constexpr std::size_t kSealDigits = 64;

std::string digest_of(const CodedTensor& tensor) {
  return to_hex(hash::Sha256().update(tensor.codes).update(tensor.scales).finish());
}

Result<std::string> describe(const CodedTensor& tensor) {
  auto shape = format::Json::array();
  for (const std::uint64_t size : tensor.shape) shape.push(static_cast<std::int64_t>(size));
  return format::encode_canonical_json(
      {{"codebook", to_string(tensor.coding.codebook)},
       {"exponent", tensor.exponent},
       {"group", static_cast<std::int64_t>(tensor.coding.group)},
       {"rate", tensor.coding.trellis.rate_name()},
       {"sha256", digest_of(tensor)},
       {"shape", shape},
       {"state_bits", static_cast<std::int64_t>(tensor.coding.trellis.state_bits)}});
}

Result<std::int64_t> integer_between(const format::Json& object, std::string_view key,
                                     const std::string& place, std::int64_t low,
                                     std::int64_t high) {
  CALX_ASSIGN(value, format::integer_member(object, key, place));
  if (value < low || value > high) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} is {}, wanted {} to {}", place, key, value, low, high));
  }
  return value;
}

// All but codes and scales.
Result<CodedTensor> read_description(const format::Json& object, const std::string& place) {
  CALX_TRY(format::only_members(
      object, {"codebook", "exponent", "group", "rate", "sha256", "shape", "state_bits"}, place));
  CodedTensor tensor;
  CALX_ASSIGN(rate, format::string_member(object, "rate", place));
  CALX_ASSIGN(state_bits, integer_between(object, "state_bits", place, 1, kStateBitsMax));
  CALX_ASSIGN(trellis, parse_trellis(rate, static_cast<unsigned>(state_bits)));
  CALX_ASSIGN(codebook_name, format::string_member(object, "codebook", place));
  CALX_ASSIGN(codebook, parse_codebook(codebook_name));
  CALX_ASSIGN(group, integer_between(object, "group", place, kGroupMin, kGroupMax));
  CALX_ASSIGN(exponent, integer_between(object, "exponent", place, -kExponentMax, kExponentMax));
  CALX_ASSIGN(shape, format::array_member(object, "shape", place));
  tensor.coding = {trellis, codebook, static_cast<std::size_t>(group)};
  tensor.exponent = static_cast<int>(exponent);
  for (const format::Json& size : *shape->elements()) {
    if (size.integer() == nullptr || *size.integer() < 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: a shape that is not of whole numbers", place));
    }
    tensor.shape.push_back(static_cast<std::uint64_t>(*size.integer()));
  }
  return tensor;
}

Result<std::vector<std::uint8_t>> take_bytes(std::map<std::string, format::Array>& arrays,
                                             const std::string& name) {
  const auto found = arrays.find(name);
  if (found == arrays.end()) {
    return fail(ErrorCode::kDataLoss, fmt::format("weights file: no tensor {:?}", name));
  }
  if (found->second.dtype != format::Dtype::kU8 || found->second.shape.size() != 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("weights file: tensor {:?} is no row of bytes", name));
  }
  auto bytes = std::move(found->second.bytes);
  arrays.erase(found);
  return bytes;
}

Result<NamedCodedTensor> read_tensor(std::string_view name, std::string_view text,
                                     std::map<std::string, format::Array>& arrays) {
  const std::string place = fmt::format("weights file: tensor {:?}", name);
  auto object = format::parse_json(text);
  if (!object) {
    return fail(object.error().code, fmt::format("{}: {}", place, object.error().message));
  }
  CALX_ASSIGN(tensor, read_description(*object, place));
  CALX_ASSIGN(codes, take_bytes(arrays, fmt::format("{}{}", name, kCodes)));
  CALX_ASSIGN(scales, take_bytes(arrays, fmt::format("{}{}", name, kScales)));
  tensor.codes = std::move(codes);
  tensor.scales = std::move(scales);
  CALX_ASSIGN(wanted, format::string_member(*object, "sha256", place));
  const std::string digest = digest_of(tensor);
  if (digest != wanted) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{}: the bytes have SHA-256 {}, wanted {:?}", place, digest, wanted));
  }
  auto checked = check(tensor);
  if (!checked) {
    return fail(checked.error().code, fmt::format("{}: {}", place, checked.error().message));
  }
  return NamedCodedTensor{std::string(name), std::move(tensor)};
}

Result<WeightsFile> read_content(format::Safetensors& raw) {
  WeightsFile file;
  std::map<std::string, format::Array> arrays;
  for (format::NamedArray& tensor : raw.tensors) {
    arrays.emplace(std::move(tensor.name), std::move(tensor.array));
  }
  for (const auto& [key, text] : raw.metadata) {
    if (key.starts_with(kTensorPrefix)) {
      CALX_ASSIGN(tensor,
                  read_tensor(std::string_view(key).substr(kTensorPrefix.size()), text, arrays));
      file.coded.push_back(std::move(tensor));
    } else if (key != kSealKey) {
      file.metadata.emplace(key, text);
    }
  }
  for (auto& [name, array] : arrays) file.plain.push_back({name, std::move(array)});
  return file;
}

Result<void> check_names(const WeightsFile& file) {
  std::set<std::string, std::less<>> names;
  const auto add = [&names](std::string name) -> Result<void> {
    if (names.insert(name).second) return {};
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("weights file: two tensors would be called {:?}", name));
  };
  for (const auto& [name, tensor] : file.coded) {
    CALX_TRY(add(name));
    CALX_TRY(add(fmt::format("{}{}", name, kCodes)));
    CALX_TRY(add(fmt::format("{}{}", name, kScales)));
  }
  for (const auto& tensor : file.plain) CALX_TRY(add(tensor.name));
  for (const auto& [key, text] : file.metadata) {
    if (key.starts_with(kSealKey)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("weights file: metadata key {:?} is reserved", key));
    }
  }
  return {};
}

Result<format::Safetensors> compose(const WeightsFile& file) {
  CALX_TRY(check_names(file));
  format::Safetensors raw{file.plain, file.metadata};
  for (const auto& [name, tensor] : file.coded) {
    CALX_TRY(check(tensor));
    CALX_ASSIGN(text, describe(tensor));
    raw.metadata.emplace(fmt::format("{}{}", kTensorPrefix, name), std::move(text));
    const auto add = [&](std::string_view part, const std::vector<std::uint8_t>& bytes) {
      raw.tensors.push_back(
          {fmt::format("{}{}", name, part), format::make_array({bytes.size()}, bytes)});
    };
    add(kCodes, tensor.codes);
    add(kScales, tensor.scales);
  }
  raw.metadata.emplace(kSealKey, std::string(kSealDigits, '0'));
  return raw;
}

}  // namespace

Result<std::vector<std::uint8_t>> encode_weights(const WeightsFile& file) {
  try {
    CALX_ASSIGN(raw, compose(file));
    CALX_ASSIGN(blank, format::encode_safetensors(raw));
    raw.metadata[std::string(kSealKey)] = to_hex(hash::sha256(blank));
    return format::encode_safetensors(raw);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "weights file: does not fit in memory");
  }
}

Result<WeightsFile> parse_weights(std::span<const std::uint8_t> bytes) {
  CALX_ASSIGN(raw, format::parse_safetensors(bytes));
  try {
    const auto seal = raw.metadata.find(std::string(kSealKey));
    if (seal == raw.metadata.end()) {
      return fail(ErrorCode::kInvalidArgument,
                  "weights file: no calx-weights-1 in its metadata, wanted a file of calx weights");
    }
    const std::string wanted = seal->second;
    CALX_ASSIGN(file, read_content(raw));
    CALX_ASSIGN(again, encode_weights(file));
    if (!std::ranges::equal(again, bytes)) {
      return fail(ErrorCode::kDataLoss,
                  fmt::format("weights file: sealed {:?}, but its {} bytes are not those that were "
                              "sealed",
                              wanted, bytes.size()));
    }
    return std::move(file);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "weights file: does not fit in memory");
  }
}

Result<std::vector<format::NamedArray>> decode_weights(const WeightsFile& file) {
  try {
    std::vector<format::NamedArray> tensors = file.plain;
    for (const auto& [name, tensor] : file.coded) {
      CALX_ASSIGN(values, decode_tensor(tensor));
      tensors.push_back({name, format::make_array(tensor.shape, values)});
    }
    return tensors;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "weights: the tensors do not fit in memory");
  }
}

}  // namespace calx::weights
