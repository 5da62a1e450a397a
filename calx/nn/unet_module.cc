#include "calx/nn/unet_module.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calx/noise/stream.h"

namespace calx::nn {
namespace {

constexpr int kGroups = 8;
constexpr int kSinusoids = 64;
constexpr double kTimeScale = 1000.0;  // t in [0, 1] reads as the usual 0..1000 steps
constexpr double kLongestPeriod = 10000.0;

torch::nn::Conv2d conv3x3(int channels_in, int channels_out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(channels_in, channels_out, 3).padding(1));
}

torch::nn::Conv2d conv1x1(int channels_in, int channels_out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(channels_in, channels_out, 1));
}

// For one row on one thread LibTorch takes a convolution of its own in place of oneDNN's, three
// times as slow here. Training keeps what LibTorch chooses.
torch::Tensor convolve(torch::nn::Conv2d& layer, const torch::Tensor& x) {
  if (x.size(0) != 1 || torch::GradMode::is_enabled() || !at::hasMKLDNN() ||
      !at::globalContext().userEnabledMkldnn()) {
    return layer(x);
  }
  const std::int64_t padding = layer->weight.size(2) / 2;
  return at::mkldnn_convolution(x.contiguous(), layer->weight, layer->bias, {padding, padding},
                                {1, 1}, {1, 1}, 1);
}

torch::nn::GroupNorm group_norm(int channels) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(kGroups, channels));
}

torch::Tensor sinusoids(const torch::Tensor& times) {
  constexpr int half = kSinusoids / 2;
  auto frequencies = torch::empty({half}, torch::kFloat32);
  for (int i = 0; i < half; ++i) {
    const double exponent = -std::log(kLongestPeriod) * i / half;
    frequencies[i] = static_cast<float>(kTimeScale * std::exp(exponent));
  }
  const auto angles = times.unsqueeze(1) * frequencies.unsqueeze(0);
  return torch::cat({angles.cos(), angles.sin()}, 1);
}

bool starts_at_zero(const std::string& name) {
  return name.starts_with("last.") || name.find("conv2.") != std::string::npos ||
         name.find("attention.out.") != std::string::npos;
}

bool is_norm(const std::string& name) { return name.find("norm") != std::string::npos; }

// Elements that feed one output: the product of all but the first dimension of the weight.
double fan_in(const torch::nn::Module& module, const std::string& name) {
  const std::string weight = name.substr(0, name.rfind('.')) + ".weight";
  const auto sizes = module.named_parameters()[weight].sizes();
  double product = 1;
  for (std::size_t i = 1; i < sizes.size(); ++i) product *= static_cast<double>(sizes[i]);
  return product;
}

}  // namespace

ResidualBlock::ResidualBlock(int channels_in, int channels_out, int embedding, float dropout)
    : dropout_(dropout) {
  norm1_ = register_module("norm1", group_norm(channels_in));
  conv1_ = register_module("conv1", conv3x3(channels_in, channels_out));
  modulation_ = register_module("modulation", torch::nn::Linear(embedding, 2 * channels_out));
  norm2_ = register_module("norm2", group_norm(channels_out));
  conv2_ = register_module("conv2", conv3x3(channels_out, channels_out));
  if (channels_in != channels_out) {
    skip_ = register_module("skip", conv1x1(channels_in, channels_out));
  }
}

torch::Tensor ResidualBlock::forward(const torch::Tensor& x, const torch::Tensor& embedding) {
  auto h = convolve(conv1_, torch::silu(norm1_(x)));
  const auto parts = modulation_(embedding).unsqueeze(-1).unsqueeze(-1).chunk(2, 1);
  h = torch::silu(norm2_(h) * (1 + parts[0]) + parts[1]);
  if (dropout_ > 0) h = torch::dropout(h, dropout_, is_training());
  return convolve(conv2_, h) + (skip_.is_empty() ? x : convolve(skip_, x));
}

Attention::Attention(int channels) {
  norm_ = register_module("norm", group_norm(channels));
  qkv_ = register_module("qkv", conv1x1(channels, 3 * channels));
  out_ = register_module("out", conv1x1(channels, channels));
}

torch::Tensor Attention::forward(const torch::Tensor& x) {
  const auto batch = x.size(0), channels = x.size(1), rows = x.size(2), columns = x.size(3);
  const auto qkv = convolve(qkv_, norm_(x)).reshape({batch, 3, channels, rows * columns}).unbind(1);
  const double scale = 1.0 / std::sqrt(static_cast<double>(channels));
  const auto weights = torch::softmax(torch::bmm(qkv[0].transpose(1, 2), qkv[1]) * scale, -1);
  const auto mixed = torch::bmm(qkv[2], weights.transpose(1, 2));
  return x + convolve(out_, mixed.reshape({batch, channels, rows, columns}));
}

UNetModule::UNetModule(const UNetConfig& config) : config_(config) {
  const int pixels = config.patch * config.patch;
  const auto& widths = config.widths;
  time1_ = register_module("time1", torch::nn::Linear(kSinusoids, config.embedding));
  time2_ = register_module("time2", torch::nn::Linear(config.embedding, config.embedding));
  class_ = register_module("class", torch::nn::Embedding(config.classes + 1, config.embedding));
  stem_ = register_module("stem", conv3x3(pixels, widths[0]));
  int channels = widths[0];
  for (std::size_t level = 0; level < widths.size(); ++level) {
    Blocks& blocks = encoder_.emplace_back();
    for (int i = 0; i < config.blocks; ++i) {
      blocks.push_back(add_block(fmt::format("encoder{}_{}", level, i), channels, widths[level]));
      channels = widths[level];
    }
  }
  middle1_ = add_block("middle1", channels, channels);
  attention_ = register_module("attention", std::make_shared<Attention>(channels));
  middle2_ = add_block("middle2", channels, channels);
  decoder_.resize(widths.size());
  for (std::size_t level = widths.size(); level-- > 0;) {
    for (int i = 0; i < config.blocks; ++i) {
      decoder_[level].push_back(add_block(fmt::format("decoder{}_{}", level, i),
                                          channels + widths[level], widths[level]));
      channels = widths[level];
    }
  }
  last_norm_ = register_module("last_norm", group_norm(channels));
  last_ = register_module("last", conv3x3(channels, pixels));
}

std::shared_ptr<ResidualBlock> UNetModule::add_block(const std::string& name, int channels_in,
                                                     int channels_out) {
  return register_module(name, std::make_shared<ResidualBlock>(channels_in, channels_out,
                                                               config_.embedding, config_.dropout));
}

torch::Tensor UNetModule::embed(const torch::Tensor& times, const torch::Tensor& classes) {
  const auto time = time2_(torch::silu(time1_(sinusoids(times))));
  return torch::silu(time + class_(classes));
}

torch::Tensor UNetModule::forward(const torch::Tensor& x, const torch::Tensor& times,
                                  const torch::Tensor& classes) {
  return after_last_block(last_block(to_last_block(x, times, classes)));
}

UNetModule::Halfway UNetModule::to_last_block(const torch::Tensor& x, const torch::Tensor& times,
                                              const torch::Tensor& classes) {
  const auto embedding = embed(times, classes);
  auto h = convolve(stem_, config_.patch > 1 ? torch::pixel_unshuffle(x, config_.patch) : x);
  std::vector<torch::Tensor> skips;
  for (std::size_t level = 0; level < encoder_.size(); ++level) {
    if (level > 0) h = torch::avg_pool2d(h, 2);
    for (const auto& block : encoder_[level]) {
      h = block->forward(h, embedding);
      skips.push_back(h);
    }
  }
  h = middle2_->forward(attention_->forward(middle1_->forward(h, embedding)), embedding);
  for (std::size_t level = decoder_.size(); level-- > 0;) {
    for (const auto& block : decoder_[level]) {
      h = torch::cat({h, skips.back()}, 1);
      skips.pop_back();
      if (skips.empty()) break;
      h = block->forward(h, embedding);
    }
    if (level > 0) h = torch::upsample_nearest2d(h, {h.size(2) * 2, h.size(3) * 2});
  }
  return {h, embedding};
}

torch::Tensor UNetModule::last_block(const Halfway& halfway) {
  return decoder_.front().back()->forward(halfway.x, halfway.embedding);
}

torch::Tensor UNetModule::after_last_block(const torch::Tensor& h) {
  const auto out = convolve(last_, torch::silu(last_norm_(h)));
  return config_.patch > 1 ? torch::pixel_shuffle(out, config_.patch) : out;
}

Result<void> initialize(torch::nn::Module& module, const noise::Seed& seed, LastLayers last) {
  const torch::NoGradGuard no_gradient;
  std::uint64_t ordinal = 0;
  for (auto& item : module.named_parameters()) {
    auto values = item.value().contiguous().view({-1});
    const std::span<float> out(values.data_ptr<float>(), static_cast<std::size_t>(values.numel()));
    CALX_ASSIGN(stream, noise::Stream::open(seed, "train/weights", ordinal++));
    noise::Region region;
    region.columns = static_cast<std::uint32_t>(out.size());
    if (last == LastLayers::kZero && starts_at_zero(item.key())) {
      values.zero_();
    } else if (is_norm(item.key())) {
      values.fill_(item.key().ends_with("weight") ? 1.0F : 0.0F);
    } else if (item.key() == "class.weight") {
      CALX_TRY(stream.normal(region, out));
    } else {
      CALX_TRY(stream.uniform(region, out));
      values.mul_(static_cast<float>(1.0 / std::sqrt(fan_in(module, item.key()))));
    }
  }
  return {};
}

Parameters export_tensors(const torch::nn::Module& module,
                          const std::vector<torch::Tensor>& tensors) {
  Parameters parameters;
  std::size_t i = 0;
  for (const auto& item : module.named_parameters()) {
    const auto flat = tensors.at(i++).detach().contiguous();
    const auto sizes = flat.sizes();
    parameters.push_back({item.key(),
                          {sizes.begin(), sizes.end()},
                          {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()}});
  }
  return parameters;
}

Result<void> import_tensors(const torch::nn::Module& module,
                            const std::vector<torch::Tensor>& tensors,
                            const Parameters& parameters) {
  const torch::NoGradGuard no_gradient;
  const auto named = module.named_parameters();
  if (parameters.size() != named.size()) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("weights hold {} tensors, wanted {}", parameters.size(), named.size()));
  }
  std::size_t i = 0;
  for (const auto& item : named) {
    const auto found = std::ranges::find(parameters, item.key(), &Parameter::name);
    if (found == parameters.end()) {
      return fail(ErrorCode::kDataLoss, fmt::format("weights lack the tensor {}", item.key()));
    }
    auto target = tensors.at(i++);
    if (!std::ranges::equal(found->shape, target.sizes()) ||
        std::cmp_not_equal(found->values.size(), target.numel())) {
      return fail(ErrorCode::kDataLoss,
                  fmt::format("tensor {} has another shape than the network", item.key()));
    }
    if (!std::ranges::all_of(found->values, [](float value) { return std::isfinite(value); })) {
      return fail(ErrorCode::kDataLoss,
                  fmt::format("tensor {} holds a number that is not finite", item.key()));
    }
    std::ranges::copy(found->values, target.data_ptr<float>());
  }
  return {};
}

Result<UNetBatch> view_batch(const UNetConfig& config, std::span<const float> noisy,
                             std::span<const float> times, std::span<const std::int32_t> classes) {
  const auto batch = static_cast<std::int64_t>(times.size());
  const auto pixels = static_cast<std::size_t>(config.side) * static_cast<std::size_t>(config.side);
  if (batch < 1 || batch > kUNetBatchMax || noisy.size() != times.size() * pixels ||
      classes.size() != times.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("U-Net batch of {} times, {} classes and {} pixels: wanted 1 to {} "
                            "images of {} pixels",
                            batch, classes.size(), noisy.size(), kUNetBatchMax, pixels));
  }
  const auto bad = std::ranges::find_if(
      classes, [&](std::int32_t value) { return value < 0 || value > config.classes; });
  if (bad != classes.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("class {}: wanted 0 to {}", *bad, config.classes));
  }
  UNetBatch views;
  // from_blob() takes no const pointer; nothing writes through these views.
  views.noisy = torch::from_blob(const_cast<float*>(noisy.data()),
                                 {batch, 1, config.side, config.side}, torch::kFloat32);
  views.times = torch::from_blob(const_cast<float*>(times.data()), {batch}, torch::kFloat32);
  views.classes =
      torch::from_blob(const_cast<std::int32_t*>(classes.data()), {batch}, torch::kInt32)
          .to(torch::kInt64);
  return views;
}

}  // namespace calx::nn
