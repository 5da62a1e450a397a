#include "calx/diffusion/model_store.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ranges>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/diffusion/model_file.h"
#include "calx/hash/sha256.h"

namespace calx::diffusion {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".safetensors";

Result<Model> load(const std::string& name, const fs::path& path,
                   std::span<const std::uint8_t> bytes) {
  auto file = parse_model(bytes);
  if (!file) {
    return fail(file.error().code, fmt::format("{}: {}", path.string(), file.error().message));
  }
  auto network = nn::UNet::load(file->config, file->parameters);
  if (!network) {
    return fail(network.error().code,
                fmt::format("{}: {}", path.string(), network.error().message));
  }
  return Model{name, path, hash::sha256(bytes), std::move(*network), std::move(file->notes)};
}

}  // namespace

std::map<std::string, fs::path> list_models(std::span<const fs::path> folders) {
  std::map<std::string, fs::path> models;
  for (const auto& folder : folders) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const auto name = entry.path().filename().string();
      const auto path = entry.path() / (name + std::string(kSuffix));
      if (fs::is_regular_file(path, error)) models.emplace(name, path);
    }
  }
  return models;
}

Result<Model> open_model(std::string_view name, std::span<const fs::path> folders) {
  const auto models = list_models(folders);
  const auto found = models.find(std::string(name));
  fs::path path;
  if (name.ends_with(kSuffix)) {
    path = name;
  } else if (found != models.end()) {
    path = found->second;
  } else {
    const auto names = std::views::keys(models);
    return fail(ErrorCode::kNotFound,
                models.empty()
                    ? fmt::format("model {}: no models here (looked in {})", name,
                                  fmt::join(folders | std::views::transform([](const auto& folder) {
                                              return folder.string();
                                            }),
                                            ", "))
                    : fmt::format("model {}: wanted one of {}, or a path to a .safetensors file",
                                  name, fmt::join(names, ", ")));
  }
  CALX_ASSIGN(bytes, read_file(path, kModelBytesMax));
  return load(path.stem().string(), path, bytes);
}

Result<Model> open_model(const hash::Digest& digest, std::span<const fs::path> folders) {
  for (const auto& [name, path] : list_models(folders)) {
    const auto bytes = read_file(path, kModelBytesMax);
    if (bytes && hash::sha256(*bytes) == digest) return load(name, path, *bytes);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("no model here has the digest {:.16}...", to_hex(digest)));
}

}  // namespace calx::diffusion
