#include "calx/nn/published_unet_trainer.h"

#include <fmt/format.h>

#include <cmath>

#include "calx/nn/published_unet_module.h"
#include "calx/nn/unet_module.h"

namespace calx::nn {
namespace {

constexpr const char* kWhat = "published U-Net training";

}  // namespace

struct PublishedUNetTrainer::State {
  PublishedUNetConfig config;
  std::shared_ptr<PublishedModule> module;
  std::vector<torch::Tensor> weights;  // share storage with the module
  std::vector<torch::Tensor> moment1, moment2;
  std::unique_ptr<torch::optim::Adam> optimizer;
  std::int64_t steps = 0;

  explicit State(const PublishedUNetConfig& shape)
      : config(shape),
        module(std::make_shared<PublishedModule>(shape)),
        weights(module->parameters()),
        optimizer(std::make_unique<torch::optim::Adam>(
            weights, torch::optim::AdamOptions().betas(std::make_tuple(0.9, 0.999)).eps(1e-8))) {
    for (const auto& tensor : weights) {
      moment1.push_back(torch::zeros_like(tensor));
      moment2.push_back(torch::zeros_like(tensor));
    }
    module->train();
  }

  // Hands our moment tensors to Adam, which then updates them in place.
  void attach_moments() {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      auto own = std::make_unique<torch::optim::AdamParamState>();
      own->step(steps);
      own->exp_avg(moment1[i]);
      own->exp_avg_sq(moment2[i]);
      optimizer->state()[c10::guts::to_string(weights[i].unsafeGetTensorImpl())] = std::move(own);
    }
  }
};

PublishedUNetTrainer::PublishedUNetTrainer(std::unique_ptr<State> state) noexcept
    : state_(std::move(state)) {}
PublishedUNetTrainer::PublishedUNetTrainer(PublishedUNetTrainer&&) noexcept = default;
PublishedUNetTrainer& PublishedUNetTrainer::operator=(PublishedUNetTrainer&&) noexcept = default;
PublishedUNetTrainer::~PublishedUNetTrainer() = default;

Result<PublishedUNetTrainer> PublishedUNetTrainer::create(const PublishedUNetConfig& config,
                                                          const noise::Seed& seed) {
  CALX_TRY(check(config));
  return guarded(kWhat, [&]() -> Result<PublishedUNetTrainer> {
    auto state = std::make_unique<State>(config);
    CALX_TRY(initialize(*state->module, seed, LastLayers::kDrawn));
    state->attach_moments();
    return PublishedUNetTrainer(std::move(state));
  });
}

Result<PublishedUNetTrainer> PublishedUNetTrainer::resume(const PublishedUNetConfig& config,
                                                          const PublishedTrainerState& saved) {
  CALX_TRY(check(config));
  return guarded(kWhat, [&]() -> Result<PublishedUNetTrainer> {
    auto state = std::make_unique<State>(config);
    state->steps = saved.steps;
    CALX_TRY(import_tensors(*state->module, state->weights, saved.weights));
    CALX_TRY(import_tensors(*state->module, state->moment1, saved.moment1));
    CALX_TRY(import_tensors(*state->module, state->moment2, saved.moment2));
    state->attach_moments();
    return PublishedUNetTrainer(std::move(state));
  });
}

Result<float> PublishedUNetTrainer::step(std::span<const float> noisy, std::span<const float> clean,
                                         double learning_rate) {
  if (noisy.size() != clean.size() || !(learning_rate >= 0)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} noisy and {} clean pixels at rate {}, wanted as many and a "
                            "rate of at least 0",
                            kWhat, noisy.size(), clean.size(), learning_rate));
  }
  return guarded(kWhat, [&]() -> Result<float> {
    State& state = *state_;
    CALX_ASSIGN(input, view_images(state.config, noisy));
    CALX_ASSIGN(target, view_images(state.config, clean));
    state.optimizer->zero_grad();
    const auto loss = (state.module->forward(input).image - target).square().mean();
    const float value = loss.item<float>();
    if (!std::isfinite(value)) {
      return fail(ErrorCode::kInternal,
                  fmt::format("{}: step {} has the loss {}, wanted a finite number", kWhat,
                              state.steps, value));
    }
    loss.backward();
    static_cast<torch::optim::AdamOptions&>(state.optimizer->param_groups()[0].options())
        .lr(learning_rate);
    state.optimizer->step();
    ++state.steps;
    return value;
  });
}

PublishedTrainerState PublishedUNetTrainer::state() const {
  const State& state = *state_;
  return {state.steps, export_tensors(*state.module, state.weights),
          export_tensors(*state.module, state.moment1),
          export_tensors(*state.module, state.moment2)};
}

Result<PublishedUNet> PublishedUNetTrainer::network() const {
  return PublishedUNet::load(state_->config, export_tensors(*state_->module, state_->weights));
}

}  // namespace calx::nn
