// Finds models by name or by digest and loads them.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/nn/unet.h"

namespace calx::diffusion {

struct Model {
  std::string name;
  std::filesystem::path path;
  hash::Digest digest{};  // SHA-256 of the weight file
  nn::UNet network;
  std::map<std::string, std::string> notes;  // how it was trained, as the file says
};

/// Weight files FOLDER/NAME/NAME.safetensors, the first folder that has a name wins; sorted.
std::map<std::string, std::filesystem::path> list_models(
    std::span<const std::filesystem::path> folders);

/// `name` is one of list_models() or a path that ends in .safetensors.
/// Errors: kNotFound lists the names there are; kDataLoss and kInvalidArgument name a bad file.
Result<Model> open_model(std::string_view name, std::span<const std::filesystem::path> folders);

/// The model whose file has this digest. Errors: kNotFound.
Result<Model> open_model(const hash::Digest& digest,
                         std::span<const std::filesystem::path> folders);

}  // namespace calx::diffusion
