// Makes the images of a receipt again, for `calx verify`.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "calx/diffusion/model_store.h"
#include "calx/receipt/verify.h"

namespace calx::diffusion {

/// Looks for the model by its digest; keeps the last one loaded.
class ModelRegenerator final : public receipt::PixelRegenerator {
 public:
  ModelRegenerator(std::vector<std::filesystem::path> folders, int threads)
      : folders_(std::move(folders)), threads_(threads) {}

  Result<std::vector<receipt::RegeneratedImage>> regenerate(
      const receipt::Identity& identity, std::span<const receipt::WantedImage> wanted,
      std::stop_token stop) override;

 private:
  std::vector<std::filesystem::path> folders_;
  int threads_;
  std::optional<Model> model_;
};

}  // namespace calx::diffusion
