#include "calx/diffusion/model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"

namespace calx::diffusion {
namespace {

constexpr const char* kConfigKey = "calx.unet";
constexpr const char* kDigestKey = "calx.digest";

void update_text(hash::Sha256& hasher, std::string_view text) {
  hasher.update_u64(text.size()).update(text);
}

std::string content_digest(const format::Safetensors& file) {
  hash::Sha256 hasher;
  hasher.update(std::string_view("calx-model-1\n"));
  for (const auto& [key, value] : file.metadata) {
    if (key == kDigestKey) continue;
    update_text(hasher, key);
    update_text(hasher, value);
  }
  std::vector<const format::NamedArray*> order;
  for (const auto& tensor : file.tensors) order.push_back(&tensor);
  std::ranges::sort(order, {}, [](const auto* tensor) { return std::string_view(tensor->name); });
  for (const auto* tensor : order) {
    update_text(hasher, tensor->name);
    update_text(hasher, format::to_string(tensor->array.dtype));
    hasher.update_u64(tensor->array.shape.size());
    for (const auto extent : tensor->array.shape) hasher.update_u64(extent);
    hasher.update(std::span<const std::uint8_t>(tensor->array.bytes));
  }
  return to_hex(hasher.finish());
}

Result<int> parse_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(ErrorCode::kDataLoss, fmt::format("model config: \"{}\" is no number", text));
  }
  return value;
}

Result<void> set_field(nn::UNetConfig& config, std::string_view key, std::string_view value) {
  if (key == "widths") {
    config.widths.clear();
    while (true) {
      const auto comma = value.find(',');
      CALX_ASSIGN(width, parse_number(value.substr(0, comma)));
      config.widths.push_back(width);
      if (comma == std::string_view::npos) return {};
      value.remove_prefix(comma + 1);
    }
  }
  if (key == "dropout") {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), config.dropout);
    if (error == std::errc() && end == value.data() + value.size()) return {};
    return fail(ErrorCode::kDataLoss, fmt::format("model config: dropout \"{}\"", value));
  }
  CALX_ASSIGN(number, parse_number(value));
  for (const auto& [name, field] : {std::pair<std::string_view, int*>{"side", &config.side},
                                    {"patch", &config.patch},
                                    {"blocks", &config.blocks},
                                    {"classes", &config.classes},
                                    {"embedding", &config.embedding}}) {
    if (key != name) continue;
    *field = number;
    return {};
  }
  return fail(ErrorCode::kDataLoss, fmt::format("model config: unknown word \"{}\"", key));
}

}  // namespace

std::string to_text(const nn::UNetConfig& config) {
  return fmt::format("side={} patch={} widths={} blocks={} classes={} embedding={} dropout={:.2f}",
                     config.side, config.patch, fmt::join(config.widths, ","), config.blocks,
                     config.classes, config.embedding, config.dropout);
}

Result<nn::UNetConfig> parse_config(std::string_view text) {
  nn::UNetConfig config;
  while (!text.empty()) {
    const auto space = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, space);
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) {
      return fail(ErrorCode::kDataLoss, fmt::format("model config: unknown word \"{}\"", word));
    }
    CALX_TRY(set_field(config, word.substr(0, equals), word.substr(equals + 1)));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  CALX_TRY(nn::check(config));
  return config;
}

void add_parameters(format::Safetensors& file, const std::string& prefix,
                    const nn::Parameters& parameters) {
  for (const auto& parameter : parameters) {
    std::vector<std::uint64_t> shape(parameter.shape.begin(), parameter.shape.end());
    file.tensors.push_back(
        {prefix + parameter.name, format::make_array(std::move(shape), parameter.values)});
  }
}

Result<nn::Parameters> take_parameters(const format::Safetensors& file, const std::string& prefix) {
  nn::Parameters parameters;
  for (const auto& tensor : file.tensors) {
    if (!tensor.name.starts_with(prefix)) continue;
    CALX_ASSIGN(values, format::view<float>(tensor.array));
    parameters.push_back({tensor.name.substr(prefix.size()),
                          {tensor.array.shape.begin(), tensor.array.shape.end()},
                          {values.begin(), values.end()}});
  }
  return parameters;
}

Result<void> seal(format::Safetensors& file) {
  file.metadata[kDigestKey] = content_digest(file);
  return {};
}

Result<void> unseal(const format::Safetensors& file, std::string_view what) {
  const auto found = file.metadata.find(kDigestKey);
  if (found == file.metadata.end()) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: a safetensors file without calx.digest, wanted one of calx", what));
  }
  const std::string digest = content_digest(file);
  if (found->second == digest) return {};
  return fail(ErrorCode::kDataLoss,
              fmt::format("{} is damaged: its contents have digest {:.16}..., "
                          "wanted {:.16}...",
                          what, digest, found->second));
}

Result<std::vector<std::uint8_t>> encode_model(const ModelFile& model) {
  format::Safetensors file;
  file.metadata = model.notes;
  file.metadata[kConfigKey] = to_text(model.config);
  add_parameters(file, "", model.parameters);
  CALX_TRY(seal(file));
  return format::encode_safetensors(file);
}

Result<ModelFile> parse_model(std::span<const std::uint8_t> bytes) {
  CALX_ASSIGN(file, format::parse_safetensors(bytes));
  CALX_TRY(unseal(file, "weight file"));
  const auto config_text = file.metadata.find(kConfigKey);
  if (config_text == file.metadata.end()) {
    return fail(ErrorCode::kInvalidArgument, "weight file: no calx.unet in its metadata");
  }
  ModelFile model;
  CALX_ASSIGN(config, parse_config(config_text->second));
  CALX_ASSIGN(parameters, take_parameters(file, ""));
  model.config = config;
  model.parameters = std::move(parameters);
  model.notes = std::move(file.metadata);
  model.notes.erase(kConfigKey);
  model.notes.erase(kDigestKey);
  return model;
}

}  // namespace calx::diffusion
