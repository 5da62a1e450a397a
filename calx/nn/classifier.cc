#include "calx/nn/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calx/nn/torch.h"
#include "calx/nn/unet_module.h"

namespace calx::nn {
namespace {

constexpr const char* kWhat = "classifier";

class ClassifierModule : public torch::nn::Module {
 public:
  explicit ClassifierModule(const ClassifierConfig& config) : dropout_(config.dropout) {
    int channels = 1, side = config.side;
    for (std::size_t i = 0; i < config.widths.size(); ++i) {
      const int width = config.widths[i];
      convolutions_.push_back(register_module(
          fmt::format("convolution{}", i),
          torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, width, 3).padding(1).bias(false))));
      norms_.push_back(register_module(fmt::format("norm{}", i), torch::nn::BatchNorm2d(width)));
      channels = width;
      side /= 2;
    }
    features_ =
        register_module("features", torch::nn::Linear(channels * side * side, config.features));
    logits_ = register_module("logits", torch::nn::Linear(config.features, config.classes));
  }

  torch::Tensor features(torch::Tensor x) {
    for (std::size_t i = 0; i < convolutions_.size(); ++i) {
      x = torch::max_pool2d(torch::relu(norms_[i](convolutions_[i](x))), 2);
    }
    return torch::relu(features_(x.flatten(1)));
  }

  torch::Tensor logits(const torch::Tensor& features) {
    return logits_(torch::dropout(features, dropout_, is_training()));
  }

 private:
  std::vector<torch::nn::Conv2d> convolutions_;
  std::vector<torch::nn::BatchNorm2d> norms_;
  torch::nn::Linear features_{nullptr}, logits_{nullptr};
  float dropout_;
};

// Everything that a file must hold: weights, and the running statistics of the batch norms.
std::vector<std::pair<std::string, torch::Tensor>> stored_tensors(const ClassifierModule& module) {
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  for (const auto& item : module.named_parameters()) tensors.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) {
    if (item.key().ends_with("num_batches_tracked")) continue;
    tensors.emplace_back(item.key(), item.value());
  }
  return tensors;
}

Parameters export_module(const ClassifierModule& module) {
  Parameters parameters;
  for (const auto& [name, tensor] : stored_tensors(module)) {
    const auto flat = tensor.detach().contiguous();
    parameters.push_back({name,
                          {flat.sizes().begin(), flat.sizes().end()},
                          {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()}});
  }
  return parameters;
}

Result<void> import_module(const ClassifierModule& module, const Parameters& parameters) {
  const torch::NoGradGuard no_gradient;
  const auto tensors = stored_tensors(module);
  if (tensors.size() != parameters.size()) {
    return fail(ErrorCode::kDataLoss, fmt::format("classifier weights hold {} tensors, wanted {}",
                                                  parameters.size(), tensors.size()));
  }
  for (const auto& [name, tensor] : tensors) {
    const auto found = std::ranges::find(parameters, name, &Parameter::name);
    if (found == parameters.end()) {
      return fail(ErrorCode::kDataLoss, fmt::format("classifier weights lack {}", name));
    }
    if (!std::ranges::equal(found->shape, tensor.sizes())) {
      return fail(ErrorCode::kDataLoss,
                  fmt::format("tensor {} has another shape than the classifier", name));
    }
    std::ranges::copy(found->values, tensor.data_ptr<float>());
  }
  return {};
}

Result<torch::Tensor> view_pictures(const ClassifierConfig& config,
                                    std::span<const float> pictures) {
  const auto pixels = static_cast<std::size_t>(config.side) * static_cast<std::size_t>(config.side);
  const auto batch = static_cast<std::int64_t>(pictures.size() / pixels);
  if (pictures.size() % pixels != 0 || batch < 1 || batch > kClassifierBatchMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("classifier batch of {} numbers: wanted 1 to {} pictures of {}",
                            pictures.size(), kClassifierBatchMax, pixels));
  }
  // from_blob() takes no const pointer; nothing writes through this view.
  return torch::from_blob(const_cast<float*>(pictures.data()), {batch, 1, config.side, config.side},
                          torch::kFloat32);
}

}  // namespace

Result<void> check(const ClassifierConfig& config) {
  const auto bad = [](const char* what, int value, const char* wanted) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("classifier {} {}: wanted {}", what, value, wanted));
  };
  const int stages = static_cast<int>(config.widths.size());
  if (stages < 1 || stages > 5) return bad("stages", stages, "1 to 5");
  if (config.side < 2 || config.side > 256 || config.side % (1 << stages) != 0) {
    return bad("side", config.side, "2 to 256, divisible by 2^stages");
  }
  for (const int width : config.widths) {
    if (width < 1 || width > 512) return bad("width", width, "1 to 512");
  }
  if (config.features < 1 || config.features > 1024) {
    return bad("features", config.features, "1 to 1024");
  }
  if (config.classes < 2 || config.classes > 1000) {
    return bad("classes", config.classes, "2 to 1000");
  }
  if (!(config.dropout >= 0.0F && config.dropout < 1.0F)) {
    return bad("dropout in percent", static_cast<int>(config.dropout * 100), "0 to 99");
  }
  return {};
}

struct Classifier::State {
  ClassifierConfig config;
  std::shared_ptr<ClassifierModule> module;
};

Classifier::Classifier(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;
Classifier::~Classifier() = default;

Result<Classifier> Classifier::create(const ClassifierConfig& config, const noise::Seed& seed) {
  CALX_TRY(check(config));
  return guarded(kWhat, [&]() -> Result<Classifier> {
    auto module = std::make_shared<ClassifierModule>(config);
    CALX_TRY(initialize(*module, seed));
    module->eval();
    return Classifier(std::make_unique<State>(config, std::move(module)));
  });
}

Result<Classifier> Classifier::load(const ClassifierConfig& config, const Parameters& parameters) {
  CALX_TRY(check(config));
  return guarded(kWhat, [&]() -> Result<Classifier> {
    auto module = std::make_shared<ClassifierModule>(config);
    CALX_TRY(import_module(*module, parameters));
    module->eval();
    return Classifier(std::make_unique<State>(config, std::move(module)));
  });
}

const ClassifierConfig& Classifier::config() const noexcept { return state_->config; }

std::int64_t Classifier::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& tensor : state_->module->parameters()) count += tensor.numel();
  return count;
}

Parameters Classifier::parameters() const { return export_module(*state_->module); }

Result<void> Classifier::forward(std::span<const float> pictures, std::span<float> features,
                                 std::span<float> logits) const {
  return guarded(kWhat, [&]() -> Result<void> {
    const torch::InferenceMode inference;
    CALX_ASSIGN(views, view_pictures(state_->config, pictures));
    const auto batch = static_cast<std::size_t>(views.size(0));
    if (features.size() != batch * static_cast<std::size_t>(state_->config.features) ||
        logits.size() != batch * static_cast<std::size_t>(state_->config.classes)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("classifier outputs of {} and {} numbers for {} pictures",
                              features.size(), logits.size(), batch));
    }
    const auto hidden = state_->module->features(views).contiguous();
    const auto scores = state_->module->logits(hidden).contiguous();
    std::copy_n(hidden.data_ptr<float>(), features.size(), features.begin());
    std::copy_n(scores.data_ptr<float>(), logits.size(), logits.begin());
    return {};
  });
}

struct ClassifierTrainer::State {
  ClassifierConfig config;
  std::shared_ptr<ClassifierModule> module;
  std::unique_ptr<torch::optim::AdamW> optimizer;
};

ClassifierTrainer::ClassifierTrainer(std::unique_ptr<State> state) noexcept
    : state_(std::move(state)) {}
ClassifierTrainer::ClassifierTrainer(ClassifierTrainer&&) noexcept = default;
ClassifierTrainer& ClassifierTrainer::operator=(ClassifierTrainer&&) noexcept = default;
ClassifierTrainer::~ClassifierTrainer() = default;

Result<ClassifierTrainer> ClassifierTrainer::create(const ClassifierConfig& config,
                                                    const noise::Seed& seed) {
  CALX_TRY(check(config));
  return guarded(kWhat, [&]() -> Result<ClassifierTrainer> {
    auto module = std::make_shared<ClassifierModule>(config);
    CALX_TRY(initialize(*module, seed));
    auto optimizer =
        std::make_unique<torch::optim::AdamW>(module->parameters(), torch::optim::AdamWOptions());
    return ClassifierTrainer(
        std::make_unique<State>(config, std::move(module), std::move(optimizer)));
  });
}

Result<float> ClassifierTrainer::step(std::span<const float> pictures,
                                      std::span<const std::int32_t> labels,
                                      const ClassifierStep& settings) {
  return guarded(kWhat, [&]() -> Result<float> {
    State& state = *state_;
    CALX_ASSIGN(views, view_pictures(state.config, pictures));
    const auto batch = static_cast<std::size_t>(views.size(0));
    if (labels.size() != batch || batch < 2) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("classifier step with {} pictures and {} labels: wanted as many, "
                              "at least 2",
                              batch, labels.size()));
    }
    const auto bad = std::ranges::find_if(
        labels, [&](std::int32_t label) { return label < 0 || label >= state.config.classes; });
    if (bad != labels.end()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("label {}: wanted 0 to {}", *bad, state.config.classes - 1));
    }
    const auto target = torch::from_blob(const_cast<std::int32_t*>(labels.data()),
                                         {static_cast<std::int64_t>(batch)}, torch::kInt32)
                            .to(torch::kInt64);
    state.module->train();
    // Dropout masks come from LibTorch's generator; a seed for each step makes a run repeatable.
    torch::manual_seed(settings.dropout_seed);
    state.optimizer->zero_grad();
    const auto logits = state.module->logits(state.module->features(views));
    const auto loss = torch::nn::functional::cross_entropy(
        logits, target,
        torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(settings.label_smoothing));
    const float value = loss.item<float>();
    if (!std::isfinite(value)) {
      return fail(ErrorCode::kInternal,
                  fmt::format("classifier loss is {}, wanted a finite number", value));
    }
    loss.backward();
    auto& options =
        static_cast<torch::optim::AdamWOptions&>(state.optimizer->param_groups()[0].options());
    options.lr(settings.learning_rate);
    options.weight_decay(settings.weight_decay);
    state.optimizer->step();
    return value;
  });
}

Result<Classifier> ClassifierTrainer::network() const {
  return Classifier::load(state_->config, export_module(*state_->module));
}

}  // namespace calx::nn
