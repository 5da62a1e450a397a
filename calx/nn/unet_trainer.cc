#include "calx/nn/unet_trainer.h"

#include <fmt/format.h>

#include <cmath>

#include "calx/nn/torch.h"
#include "calx/nn/unet_module.h"

namespace calx::nn {

struct UNetTrainer::State {
  UNetConfig config;
  std::shared_ptr<UNetModule> module;
  std::vector<torch::Tensor> weights;  // share storage with the module
  std::vector<torch::Tensor> mean, moment1, moment2;
  std::unique_ptr<torch::optim::AdamW> optimizer;
  std::int64_t steps = 0;

  explicit State(const UNetConfig& shape)
      : config(shape), module(std::make_shared<UNetModule>(shape)), weights(module->parameters()) {
    optimizer = std::make_unique<torch::optim::AdamW>(weights, torch::optim::AdamWOptions());
    for (const auto& tensor : weights) {
      mean.push_back(tensor.detach().clone());
      moment1.push_back(torch::zeros_like(tensor));
      moment2.push_back(torch::zeros_like(tensor));
    }
  }

  // Hands our moment tensors to AdamW, which then updates them in place.
  void attach_moments() {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      auto own = std::make_unique<torch::optim::AdamWParamState>();
      own->step(steps);
      own->exp_avg(moment1[i]);
      own->exp_avg_sq(moment2[i]);
      optimizer->state()[c10::guts::to_string(weights[i].unsafeGetTensorImpl())] = std::move(own);
    }
  }

  Result<torch::Tensor> batch_loss(const TrainingBatch& batch) const {
    CALX_ASSIGN(views, view_batch(config, batch.noisy, batch.times, batch.classes));
    if (batch.target.size() != batch.noisy.size() || batch.weights.size() != batch.times.size()) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("training batch with {} target pixels and {} weights: wanted {} and {}",
                      batch.target.size(), batch.weights.size(), batch.noisy.size(),
                      batch.times.size()));
    }
    const auto target = torch::from_blob(const_cast<float*>(batch.target.data()),
                                         views.noisy.sizes(), torch::kFloat32);
    const auto scale = torch::from_blob(const_cast<float*>(batch.weights.data()),
                                        views.times.sizes(), torch::kFloat32);
    const auto velocity = module->forward(views.noisy, views.times, views.classes);
    return ((velocity - target).square().mean({1, 2, 3}) * scale).mean();
  }
};

UNetTrainer::UNetTrainer(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
UNetTrainer::UNetTrainer(UNetTrainer&&) noexcept = default;
UNetTrainer& UNetTrainer::operator=(UNetTrainer&&) noexcept = default;
UNetTrainer::~UNetTrainer() = default;

Result<UNetTrainer> UNetTrainer::create(const UNetConfig& config, const noise::Seed& seed) {
  CALX_TRY(check(config));
  return guarded("U-Net training", [&]() -> Result<UNetTrainer> {
    auto state = std::make_unique<State>(config);
    CALX_TRY(initialize(*state->module, seed));
    for (std::size_t i = 0; i < state->weights.size(); ++i) {
      state->mean[i].copy_(state->weights[i].detach());
    }
    state->attach_moments();
    return UNetTrainer(std::move(state));
  });
}

Result<UNetTrainer> UNetTrainer::resume(const UNetConfig& config, const TrainerState& saved) {
  CALX_TRY(check(config));
  return guarded("U-Net training", [&]() -> Result<UNetTrainer> {
    auto state = std::make_unique<State>(config);
    state->steps = saved.steps;
    CALX_TRY(import_tensors(*state->module, state->weights, saved.weights));
    CALX_TRY(import_tensors(*state->module, state->mean, saved.mean));
    CALX_TRY(import_tensors(*state->module, state->moment1, saved.moment1));
    CALX_TRY(import_tensors(*state->module, state->moment2, saved.moment2));
    state->attach_moments();
    return UNetTrainer(std::move(state));
  });
}

Result<float> UNetTrainer::step(const TrainingBatch& batch, const OptimizerSettings& settings) {
  return guarded("U-Net training", [&]() -> Result<float> {
    State& state = *state_;
    state.module->train();
    // Dropout masks come from LibTorch's generator; seeding it by step keeps resumption exact.
    if (state.config.dropout > 0) {
      torch::manual_seed(settings.dropout_seed + static_cast<std::uint64_t>(state.steps));
    }
    state.optimizer->zero_grad();
    CALX_ASSIGN(loss, state.batch_loss(batch));
    const float value = loss.item<float>();
    if (!std::isfinite(value)) {
      return fail(ErrorCode::kInternal,
                  fmt::format("training step {}: the loss is {}, wanted a finite number",
                              state.steps, value));
    }
    loss.backward();
    torch::nn::utils::clip_grad_norm_(state.weights, settings.gradient_norm_max);
    auto& options =
        static_cast<torch::optim::AdamWOptions&>(state.optimizer->param_groups()[0].options());
    options.lr(settings.learning_rate);
    options.weight_decay(settings.weight_decay);
    options.betas(std::make_tuple(settings.beta1, settings.beta2));
    state.optimizer->step();
    ++state.steps;
    const torch::NoGradGuard no_gradient;
    for (std::size_t i = 0; i < state.weights.size(); ++i) {
      state.mean[i].lerp_(state.weights[i], 1.0 - settings.ema_decay);
    }
    return value;
  });
}

Result<float> UNetTrainer::loss(const TrainingBatch& batch) const {
  return guarded("U-Net training", [&]() -> Result<float> {
    const torch::NoGradGuard no_gradient;
    state_->module->eval();
    CALX_ASSIGN(loss, state_->batch_loss(batch));
    return loss.item<float>();
  });
}

Result<Parameters> UNetTrainer::gradient(const TrainingBatch& batch) {
  return guarded("U-Net training", [&]() -> Result<Parameters> {
    state_->module->eval();
    state_->optimizer->zero_grad();
    CALX_ASSIGN(loss, state_->batch_loss(batch));
    loss.backward();
    std::vector<torch::Tensor> gradients;
    for (const auto& tensor : state_->weights) gradients.push_back(tensor.grad().clone());
    return export_tensors(*state_->module, gradients);
  });
}

TrainerState UNetTrainer::state() const {
  const State& state = *state_;
  return {state.steps, export_tensors(*state.module, state.weights),
          export_tensors(*state.module, state.mean), export_tensors(*state.module, state.moment1),
          export_tensors(*state.module, state.moment2)};
}

Result<UNet> UNetTrainer::mean_network() const { return UNet::load(state_->config, state().mean); }

}  // namespace calx::nn
