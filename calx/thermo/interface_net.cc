#include "calx/thermo/interface_net.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

#include "calx/base/assert.h"
#include "calx/noise/normal_transform.h"

namespace calx::thermo {
namespace {

using Eigen::Index;
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using RowsView = Eigen::Map<const Rows>;
using Vector = Eigen::VectorXf;

Index at(std::size_t i) { return static_cast<Index>(i); }

RowsView rows_of(std::span<const float> values, std::size_t width) {
  return {values.data(), at(values.size() / width), at(width)};
}

Rows sigmoid(const Rows& x) { return (1 + (-x.array()).exp()).inverse(); }

}  // namespace

NetShape bottleneck_shape(std::size_t units, bool biases) noexcept {
  return {units, 4, units, Activation::kNone, biases};
}

NetShape transfer_shape(std::size_t units, bool biases) noexcept {
  return {units, 16, units, Activation::kSilu, biases};
}

// All parameters stand in one vector: first weights [hidden, in], second weights [out, hidden],
// biases of the hidden and of the outer layer.
struct InterfaceNet::Parts {
  NetShape shape;
  std::shared_ptr<const NoiseSource> source;
  Vector weights;

  [[nodiscard]] std::size_t second() const noexcept { return shape.in * shape.hidden; }
  [[nodiscard]] std::size_t hidden_bias() const noexcept {
    return second() + shape.hidden * shape.out;
  }
  [[nodiscard]] RowsView first_weights() const {
    return {weights.data(), at(shape.hidden), at(shape.in)};
  }
  [[nodiscard]] RowsView second_weights() const {
    return {weights.data() + second(), at(shape.out), at(shape.hidden)};
  }

  [[nodiscard]] Rows hidden_of(const Rows& x) const {
    Rows h = x * first_weights().transpose();
    if (shape.biases) {
      h.rowwise() += weights.segment(at(hidden_bias()), at(shape.hidden)).transpose();
    }
    return h;
  }

  [[nodiscard]] Rows activated(const Rows& h) const {
    if (shape.activation == Activation::kNone) return h;
    return h.array() * sigmoid(h).array();
  }

  [[nodiscard]] Rows output_of(const Rows& a) const {
    Rows y = a * second_weights().transpose();
    if (shape.biases) y.rowwise() += weights.tail(at(shape.out)).transpose();
    return y;
  }

  // Of the mean squared error over all elements.
  [[nodiscard]] Vector gradient(const Rows& x, const Rows& target) const {
    const Rows h = hidden_of(x), a = activated(h);
    const Rows error =
        (output_of(a) - target) * (2.0f / static_cast<float>(target.rows() * target.cols()));
    Rows back = error * second_weights();
    if (shape.activation == Activation::kSilu) {
      const Rows s = sigmoid(h);
      back.array() *= s.array() * (1 + h.array() * (1 - s.array()));
    }
    Vector g(weights.size());
    Eigen::Map<Rows>(g.data(), at(shape.hidden), at(shape.in)) = back.transpose() * x;
    Eigen::Map<Rows>(g.data() + second(), at(shape.out), at(shape.hidden)) = error.transpose() * a;
    if (shape.biases) {
      g.segment(at(hidden_bias()), at(shape.hidden)) = back.colwise().sum().transpose();
      g.tail(at(shape.out)) = error.colwise().sum().transpose();
    }
    return g;
  }

  [[nodiscard]] bool fits(std::span<const float> x, std::span<const float> target) const {
    const std::size_t n = x.size() / shape.in;
    return n > 0 && x.size() == n * shape.in && target.size() == n * shape.out;
  }

  // Row numbers of one minibatch, each floor(word n / 2^32).
  void draw(std::uint64_t step, std::size_t n, std::vector<std::uint32_t>& rows) const {
    source->words(
        {.step = step, .draw = Draw::kFit, .units = static_cast<std::uint32_t>(rows.size())}, rows);
    for (std::uint32_t& row : rows) row = static_cast<std::uint32_t>(std::uint64_t{row} * n >> 32);
  }
};

InterfaceNet::InterfaceNet(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
InterfaceNet::InterfaceNet(InterfaceNet&&) noexcept = default;
InterfaceNet& InterfaceNet::operator=(InterfaceNet&&) noexcept = default;
InterfaceNet::~InterfaceNet() = default;

Result<InterfaceNet> InterfaceNet::create(const NetShape& shape,
                                          std::shared_ptr<const NoiseSource> source) try {
  const std::size_t least = std::min({shape.in, shape.hidden, shape.out});
  if (least == 0 || std::max({shape.in, shape.hidden, shape.out}) > kNetWidthMax || !source) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("interface: {} to {} to {} units, wanted 1 to {} and a noise source",
                            shape.in, shape.hidden, shape.out, kNetWidthMax));
  }
  const std::size_t count = shape.parameters();
  CALX_TRY(source->check({.steps = 1, .chains = 2, .units = count}));
  auto parts = std::make_unique<Parts>(shape, std::move(source), Vector(at(count)));
  std::vector<std::uint32_t> words(count);
  parts->source->words(
      {.draw = Draw::kFit, .chain_first = 1, .units = static_cast<std::uint32_t>(count)}, words);
  for (std::size_t i = 0; i < count; ++i) {
    const bool first = i < parts->second() ||
                       (i >= parts->hidden_bias() && i < parts->hidden_bias() + shape.hidden);
    const auto fan_in = static_cast<float>(first ? shape.in : shape.hidden);
    parts->weights(at(i)) = noise::uniform_value(words[i]) / std::sqrt(fan_in);
  }
  return InterfaceNet(std::move(parts));
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted, "interface: no memory for its weights");
}

std::size_t InterfaceNet::parameters() const noexcept {
  return static_cast<std::size_t>(parts_->weights.size());
}

std::vector<float> InterfaceNet::apply(std::span<const float> x) const {
  const Parts& p = *parts_;
  CALX_ASSERT(x.size() % p.shape.in == 0);
  std::vector<float> out(x.size() / p.shape.in * p.shape.out);
  const RowsView from = rows_of(x, p.shape.in);
  Eigen::Map<Rows>(out.data(), from.rows(), at(p.shape.out)) =
      p.output_of(p.activated(p.hidden_of(from)));
  return out;
}

double InterfaceNet::loss(std::span<const float> x, std::span<const float> target) const {
  CALX_ASSERT(parts_->fits(x, target));
  const std::vector<float> y = apply(x);
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double error = double{y[i]} - double{target[i]};
    sum += error * error;
  }
  return sum / static_cast<double>(y.size());
}

Result<double> InterfaceNet::fit(std::span<const float> x, std::span<const float> target,
                                 const FitOptions& options) try {
  Parts& p = *parts_;
  if (!p.fits(x, target) || !(options.rate_first > 0) || !(options.rate_last > 0) ||
      !(options.weight_decay >= 0) || !(options.loss_scale > 0)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("interface: {} inputs, {} targets, rates {} to {}; wanted whole pairs "
                            "and rates above 0",
                            x.size(), target.size(), options.rate_first, options.rate_last));
  }
  const RowsView xs = rows_of(x, p.shape.in), targets = rows_of(target, p.shape.out);
  const auto n = static_cast<std::size_t>(xs.rows());
  CALX_TRY(p.source->check({.steps = options.steps, .chains = 1, .units = options.batch}));
  std::vector<std::uint32_t> rows(options.batch);
  Rows batch_x(at(options.batch), xs.cols()), batch_target(at(options.batch), targets.cols());
  Vector first = Vector::Zero(p.weights.size()), second = first;
  double decay_first = 1, decay_second = 1;
  for (std::size_t step = 0; step < options.steps; ++step) {
    p.draw(step, n, rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      batch_x.row(at(i)) = xs.row(rows[i]);
      batch_target.row(at(i)) = targets.row(rows[i]);
    }
    Vector g = rows.empty() ? p.gradient(xs, targets) : p.gradient(batch_x, batch_target);
    g = g * static_cast<float>(options.loss_scale) +
        static_cast<float>(options.weight_decay) * p.weights;
    const double share =
        options.steps < 2 ? 0 : static_cast<double>(step) / static_cast<double>(options.steps - 1);
    const double rate = options.rate_first + share * (options.rate_last - options.rate_first);
    first = 0.9f * first + 0.1f * g;
    second = 0.999f * second + 0.001f * g.cwiseProduct(g);
    decay_first *= 0.9;
    decay_second *= 0.999;
    const auto scale = static_cast<float>(rate / (1 - decay_first));
    const auto root = static_cast<float>(1 / std::sqrt(1 - decay_second));
    p.weights.array() -= scale * first.array() / (second.array().sqrt() * root + 1e-8f);
  }
  const double error = loss(x, target);
  if (std::isfinite(error)) return error;
  return fail(ErrorCode::kInternal, "interface: training diverged");
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted, "interface: no memory for a batch");
}

std::vector<float> InterfaceNet::weights() const {
  return {parts_->weights.data(), parts_->weights.data() + parts_->weights.size()};
}

Result<void> InterfaceNet::set_weights(std::span<const float> weights) {
  if (weights.size() != parameters() ||
      !std::ranges::all_of(weights, [](float w) { return std::isfinite(w); })) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("interface: {} weights, wanted {} finite ones", weights.size(), parameters()));
  }
  std::ranges::copy(weights, parts_->weights.data());
  return {};
}

std::vector<float> InterfaceNet::gradient(std::span<const float> x,
                                          std::span<const float> target) const {
  CALX_ASSERT(parts_->fits(x, target));
  const Vector g =
      parts_->gradient(rows_of(x, parts_->shape.in), rows_of(target, parts_->shape.out));
  return {g.data(), g.data() + g.size()};
}

}  // namespace calx::thermo
