#include "calx/nn/unet.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/nn/torch.h"
#include "calx/nn/unet_module.h"

namespace calx::nn {

Result<void> check(const UNetConfig& config) {
  const auto bad = [](const char* what, int value, const char* wanted) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("U-Net {} {}: wanted {}", what, value, wanted));
  };
  const int levels = static_cast<int>(config.widths.size());
  if (levels < 1 || levels > kUNetLevelsMax) return bad("levels", levels, "1 to 4");
  if (config.patch < 1 || config.patch > 8) return bad("patch", config.patch, "1 to 8");
  if (config.side < 8 || config.side > 256 || config.side % (config.patch << (levels - 1)) != 0) {
    return bad("side", config.side, "8 to 256, divisible by patch * 2^(levels - 1)");
  }
  for (const int width : config.widths) {
    if (width < 8 || width > kUNetWidthMax || width % 8 != 0) {
      return bad("width", width, "a multiple of 8 up to 512");
    }
  }
  if (config.blocks < 1 || config.blocks > 4) return bad("blocks", config.blocks, "1 to 4");
  if (config.classes < 1 || config.classes > 1000)
    return bad("classes", config.classes, "1 to 1000");
  if (config.embedding < 8 || config.embedding > kUNetWidthMax) {
    return bad("embedding", config.embedding, "8 to 512");
  }
  if (!(config.dropout >= 0.0F && config.dropout < 1.0F)) {
    return bad("dropout in percent", static_cast<int>(config.dropout * 100), "0 to 99");
  }
  return {};
}

struct UNet::State {
  UNetConfig config;
  std::shared_ptr<UNetModule> module;
};

UNet::UNet(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
UNet::UNet(UNet&&) noexcept = default;
UNet& UNet::operator=(UNet&&) noexcept = default;
UNet::~UNet() = default;

Result<UNet> UNet::create(const UNetConfig& config, const noise::Seed& seed) {
  CALX_TRY(check(config));
  return guarded("U-Net", [&]() -> Result<UNet> {
    auto module = std::make_shared<UNetModule>(config);
    CALX_TRY(initialize(*module, seed));
    module->eval();
    return UNet(std::make_unique<State>(config, std::move(module)));
  });
}

Result<UNet> UNet::load(const UNetConfig& config, const Parameters& parameters) {
  CALX_TRY(check(config));
  return guarded("U-Net", [&]() -> Result<UNet> {
    auto module = std::make_shared<UNetModule>(config);
    CALX_TRY(import_tensors(*module, module->parameters(), parameters));
    module->eval();
    return UNet(std::make_unique<State>(config, std::move(module)));
  });
}

const UNetConfig& UNet::config() const noexcept { return state_->config; }

std::int64_t UNet::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& tensor : state_->module->parameters()) count += tensor.numel();
  return count;
}

Parameters UNet::parameters() const {
  return export_tensors(*state_->module, state_->module->parameters());
}

namespace {

// One row a pixel, channels last, and back; `out` of the block is what crosses.
Result<torch::Tensor> through(LastBlock& block, UNetModule& module, const BlockShape& shape,
                              const UNetModule::Halfway& halfway) {
  const auto rows = halfway.x.permute({0, 2, 3, 1}).contiguous();
  const auto images = static_cast<std::int64_t>(shape.images);
  const auto side = static_cast<std::int64_t>(shape.side);
  auto out = block.wants_output()
                 ? module.last_block(halfway).permute({0, 2, 3, 1}).contiguous()
                 : torch::empty({images, side, side, static_cast<std::int64_t>(shape.out)});
  CALX_TRY(block.replace(shape, {rows.data_ptr<float>(), shape.pixels() * shape.in()},
                         {out.data_ptr<float>(), shape.pixels() * shape.out}));
  return out.permute({0, 3, 1, 2}).contiguous();
}

}  // namespace

BlockShape UNet::last_block_shape(std::size_t images) const noexcept {
  const auto& c = state_->config;
  const auto width = static_cast<std::size_t>(c.widths.front());
  const bool below = c.blocks == 1 && c.widths.size() > 1;
  const auto up = below ? static_cast<std::size_t>(c.widths[1]) : width;
  return {images, static_cast<std::size_t>(c.side / c.patch), up, width, width};
}

std::uint64_t UNet::last_block_macs() const noexcept {
  const BlockShape shape = last_block_shape();
  const std::uint64_t first = 9 * shape.in() * shape.out, second = 9 * shape.out * shape.out;
  return shape.pixels() * (first + second + shape.in() * shape.out);
}

Result<void> UNet::forward(std::span<const float> noisy, std::span<const float> times,
                           std::span<const std::int32_t> classes, std::span<float> velocity,
                           LastBlock& block) const {
  if (velocity.size() != noisy.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("U-Net output of {} pixels: wanted {}", velocity.size(), noisy.size()));
  }
  return guarded("U-Net", [&]() -> Result<void> {
    const torch::InferenceMode inference;
    CALX_ASSIGN(batch, view_batch(state_->config, noisy, times, classes));
    auto& module = *state_->module;
    const auto halfway = module.to_last_block(batch.noisy, batch.times, batch.classes);
    CALX_ASSIGN(given, through(block, module, last_block_shape(times.size()), halfway));
    const auto out = module.after_last_block(given).contiguous();
    std::copy_n(out.data_ptr<float>(), velocity.size(), velocity.begin());
    return {};
  });
}

Result<void> UNet::forward(std::span<const float> noisy, std::span<const float> times,
                           std::span<const std::int32_t> classes, std::span<float> velocity) const {
  if (velocity.size() != noisy.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("U-Net output of {} pixels: wanted {}", velocity.size(), noisy.size()));
  }
  return guarded("U-Net", [&]() -> Result<void> {
    const torch::InferenceMode inference;
    CALX_ASSIGN(batch, view_batch(state_->config, noisy, times, classes));
    const auto out = state_->module->forward(batch.noisy, batch.times, batch.classes).contiguous();
    std::copy_n(out.data_ptr<float>(), velocity.size(), velocity.begin());
    return {};
  });
}

}  // namespace calx::nn
