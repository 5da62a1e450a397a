#include "calx/diffusion/regenerator.h"

#include <map>

#include "calx/diffusion/image_maker.h"

namespace calx::diffusion {

Result<std::vector<receipt::RegeneratedImage>> ModelRegenerator::regenerate(
    const receipt::Identity& identity, std::span<const receipt::WantedImage> wanted,
    std::stop_token stop) {
  if (!model_ || model_->digest != identity.model) {
    CALX_ASSIGN(model, open_model(identity.model, folders_));
    model_.emplace(std::move(model));
  }
  CALX_ASSIGN(recipe, recipe_of(identity, model_->network));
  std::map<std::uint64_t, receipt::RegeneratedImage> made;
  const auto keep = [&](MadeImage&& image) -> Result<void> {
    made.insert_or_assign(image.index, std::move(image.result));
    return {};
  };
  CALX_TRY(make_images(model_->network, recipe, wanted, threads_, keep, stop));
  std::vector<receipt::RegeneratedImage> images;
  for (const auto& want : wanted) images.push_back(made.at(want.index));
  return images;
}

}  // namespace calx::diffusion
