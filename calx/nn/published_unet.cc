#include "calx/nn/published_unet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calx/nn/published_unet_module.h"
#include "calx/nn/unet_module.h"

namespace calx::nn {
namespace {

constexpr const char* kWhat = "published U-Net";
constexpr int kGroups = 8;
constexpr std::int64_t kPieceImages = 16;  // bounds the memory of a pass

torch::nn::Conv2d convolution(int channels_in, int channels_out, int kernel) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(channels_in, channels_out, kernel).padding(kernel / 2));
}

torch::nn::GroupNorm group_norm(int channels) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(kGroups, channels));
}

torch::Tensor twice_as_large(const torch::Tensor& x) {
  return torch::upsample_bilinear2d(x, {x.size(2) * 2, x.size(3) * 2}, /*align_corners=*/false);
}

void append(std::vector<float>& out, const torch::Tensor& tensor) {
  const auto flat = tensor.contiguous();
  out.insert(out.end(), flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
}

}  // namespace

PublishedBlock::PublishedBlock(int channels_in, int channels_out) {
  conv1_ = register_module("conv1", convolution(channels_in, channels_out, 3));
  norm1_ = register_module("norm1", group_norm(channels_out));
  conv2_ = register_module("conv2", convolution(channels_out, channels_out, 3));
  norm2_ = register_module("norm2", group_norm(channels_out));
  if (channels_in != channels_out) {
    proj_ = register_module("proj", convolution(channels_in, channels_out, 1));
  }
}

torch::Tensor PublishedBlock::forward(const torch::Tensor& x) {
  const auto h = norm2_(conv2_(torch::silu(norm1_(conv1_(x)))));
  return torch::silu(h + (proj_.is_empty() ? x : proj_(x)));
}

PublishedModule::PublishedModule(const PublishedUNetConfig& config) {
  const int w = config.width;
  const auto block = [&](const char* name, int channels_in, int channels_out) {
    return register_module(name, std::make_shared<PublishedBlock>(channels_in, channels_out));
  };
  stem_ = register_module("stem", convolution(config.channels, w, 3));
  e1_ = block("e1", w, w);
  e2_ = block("e2", w, 2 * w);
  bot_ = block("bot", 2 * w, 4 * w);
  d2_ = block("d2", 6 * w, 2 * w);
  d1_ = block("d1", 3 * w, w);
  out_ = register_module("out", convolution(w, config.channels, 1));
}

PublishedModule::Outputs PublishedModule::forward(const torch::Tensor& x) {
  Outputs o;
  o.encoder = e1_->forward(torch::silu(stem_(x)));
  const auto second = e2_->forward(torch::avg_pool2d(o.encoder, 2));
  const auto third = bot_->forward(torch::avg_pool2d(second, 2));
  o.upsampled = twice_as_large(d2_->forward(torch::cat({twice_as_large(third), second}, 1)));
  o.decoder = d1_->forward(torch::cat({o.upsampled, o.encoder}, 1));
  o.image = out_(o.decoder);
  return o;
}

Result<torch::Tensor> view_images(const PublishedUNetConfig& config,
                                  std::span<const float> images) {
  const auto pixels = static_cast<std::size_t>(config.channels) *
                      static_cast<std::size_t>(config.side) * static_cast<std::size_t>(config.side);
  const auto batch = static_cast<std::int64_t>(images.size() / pixels);
  if (images.size() % pixels != 0 || batch < 1 || batch > kPublishedBatchMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} numbers, wanted 1 to {} images of {}", kWhat, images.size(),
                            kPublishedBatchMax, pixels));
  }
  // from_blob() takes no const pointer; nothing writes through this view.
  return torch::from_blob(const_cast<float*>(images.data()),
                          {batch, config.channels, config.side, config.side}, torch::kFloat32);
}

Result<void> check(const PublishedUNetConfig& config) {
  const auto bad = [](const char* what, int value, const std::string& wanted) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} {}, wanted {}", kWhat, what, value, wanted));
  };
  if (config.channels < 1 || config.channels > kPublishedChannelsMax) {
    return bad("channels", config.channels, fmt::format("1 to {}", kPublishedChannelsMax));
  }
  if (config.width < 8 || config.width > kPublishedWidthMax || config.width % 8 != 0) {
    return bad("width", config.width, fmt::format("a multiple of 8 up to {}", kPublishedWidthMax));
  }
  if (config.side < 4 || config.side > 256 || config.side % 4 != 0) {
    return bad("side", config.side, "a multiple of 4 up to 256");
  }
  return {};
}

struct PublishedUNet::State {
  PublishedUNetConfig config;
  std::shared_ptr<PublishedModule> module;

  // Hands the outputs of each piece of the images to `sink`, in order.
  template <class Sink>
  Result<void> run(std::span<const float> images, Sink&& sink) const {
    return guarded(kWhat, [&]() -> Result<void> {
      const torch::InferenceMode inference;
      CALX_ASSIGN(views, view_images(config, images));
      for (const auto& piece : views.split(kPieceImages)) {
        const auto outputs = module->forward(piece);
        if (!torch::isfinite(outputs.image).all().item<bool>()) {
          return fail(ErrorCode::kInternal,
                      fmt::format("{}: an output is not finite, wanted finite numbers", kWhat));
        }
        sink(outputs);
      }
      return {};
    });
  }
};

PublishedUNet::PublishedUNet(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
PublishedUNet::PublishedUNet(PublishedUNet&&) noexcept = default;
PublishedUNet& PublishedUNet::operator=(PublishedUNet&&) noexcept = default;
PublishedUNet::~PublishedUNet() = default;

Result<PublishedUNet> PublishedUNet::create(const PublishedUNetConfig& config,
                                            const noise::Seed& seed) {
  CALX_TRY(check(config));
  return guarded(kWhat, [&]() -> Result<PublishedUNet> {
    auto module = std::make_shared<PublishedModule>(config);
    CALX_TRY(initialize(*module, seed, LastLayers::kDrawn));
    module->eval();
    return PublishedUNet(std::make_unique<State>(config, std::move(module)));
  });
}

Result<PublishedUNet> PublishedUNet::create_as_torch(const PublishedUNetConfig& config,
                                                     std::uint64_t torch_seed) {
  CALX_TRY(check(config));
  return guarded(kWhat, [&]() -> Result<PublishedUNet> {
    const auto generator = at::detail::getDefaultCPUGenerator();
    const torch::Tensor before = generator.get_state();
    torch::manual_seed(torch_seed);
    auto module = std::make_shared<PublishedModule>(config);  // its constructors draw
    at::Generator(generator).set_state(before);
    module->eval();
    return PublishedUNet(std::make_unique<State>(config, std::move(module)));
  });
}

Result<PublishedUNet> PublishedUNet::load(const PublishedUNetConfig& config,
                                          const Parameters& parameters) {
  CALX_TRY(check(config));
  return guarded(kWhat, [&]() -> Result<PublishedUNet> {
    auto module = std::make_shared<PublishedModule>(config);
    CALX_TRY(import_tensors(*module, module->parameters(), parameters));
    module->eval();
    return PublishedUNet(std::make_unique<State>(config, std::move(module)));
  });
}

const PublishedUNetConfig& PublishedUNet::config() const noexcept { return state_->config; }

std::int64_t PublishedUNet::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& tensor : state_->module->parameters()) count += tensor.numel();
  return count;
}

Parameters PublishedUNet::parameters() const {
  return export_tensors(*state_->module, state_->module->parameters());
}

Result<Parameter> PublishedUNet::tensor(std::string_view name) const {
  for (auto& parameter : parameters()) {
    if (parameter.name == name) return std::move(parameter);
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}: no tensor {}", kWhat, name));
}

Result<std::vector<float>> PublishedUNet::forward(std::span<const float> images) const {
  std::vector<float> out;
  CALX_TRY(state_->run(images, [&](const auto& outputs) { append(out, outputs.image); }));
  return out;
}

Result<BlockActivations> PublishedUNet::activations(std::span<const float> images) const {
  BlockActivations out;
  const auto channel_last = [](const torch::Tensor& x) { return x.permute({0, 2, 3, 1}); };
  CALX_TRY(state_->run(images, [&](const auto& outputs) {
    append(out.encoder, channel_last(outputs.encoder));
    append(out.upsampled, channel_last(outputs.upsampled));
    append(out.decoder, channel_last(outputs.decoder));
    append(out.image, outputs.image);
  }));
  return out;
}

Result<std::vector<float>> PublishedUNet::decode(std::span<const float> decoder) const {
  const auto width = static_cast<std::size_t>(state_->config.width);
  const auto channels = static_cast<std::size_t>(state_->config.channels);
  if (decoder.empty() || decoder.size() % width != 0) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: {} decoder activations, wanted rows of {}", kWhat, decoder.size(), width));
  }
  CALX_ASSIGN(weight, tensor("out.weight"));
  CALX_ASSIGN(bias, tensor("out.bias"));
  std::vector<float> out(decoder.size() / width * channels);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t channel = i % channels;
    const auto row = decoder.subspan(i / channels * width, width);
    double sum = bias.values[channel];
    for (std::size_t k = 0; k < width; ++k) {
      sum += double{row[k]} * double{weight.values[channel * width + k]};
    }
    out[i] = static_cast<float>(sum);
  }
  return out;
}

}  // namespace calx::nn
