// The small digital networks between activations and a substrate's biases, counted and trained here
// without any framework: Linear(in, hidden), an activation, Linear(hidden, out).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/noise_source.h"

namespace calx::thermo {

enum class Activation : std::uint8_t {
  kNone,  // the "bottleneck": two linear maps, a rank-`hidden` map
  kSilu,  // the "transfer": x / (1 + e^-x)
};

struct NetShape {
  std::size_t in = 0, hidden = 0, out = 0;
  Activation activation = Activation::kNone;
  bool biases = true;

  /// in * hidden + hidden * out, and hidden + out biases.
  [[nodiscard]] std::size_t parameters() const noexcept {
    return in * hidden + hidden * out + (biases ? hidden + out : 0);
  }
};

/// The published interface at D units: a 4-dimensional bottleneck for the encoder's bias and a
/// transfer of 16 units to the decoder's. Without biases 40 D parameters: 2,560 at D = 64.
NetShape bottleneck_shape(std::size_t units, bool biases) noexcept;
NetShape transfer_shape(std::size_t units, bool biases) noexcept;

struct FitOptions {
  std::size_t steps = 300;
  std::size_t batch = 0;     // rows drawn with replacement; 0: all of them, every step
  double rate_first = 3e-3;  // Adam (0.9, 0.999, 1e-8), linear from first to last
  double rate_last = 3e-3;
  double weight_decay = 0;  // added to the gradient, as torch's Adam does
  double loss_scale = 1;    // the loss is this times the mean squared error
};

inline constexpr std::size_t kNetWidthMax = 65'536;

class InterfaceNet {
 public:
  /// Weights and biases uniform on +-1/sqrt(fan in), from draws kFit of chain 1.
  /// Errors: kInvalidArgument (a width of 0 or over kNetWidthMax, no source), kResourceExhausted.
  static Result<InterfaceNet> create(const NetShape& shape,
                                     std::shared_ptr<const NoiseSource> source);
  InterfaceNet(InterfaceNet&&) noexcept;
  InterfaceNet& operator=(InterfaceNet&&) noexcept;
  ~InterfaceNet();

  /// Counted over what is stored, not computed from the shape.
  [[nodiscard]] std::size_t parameters() const noexcept;

  /// [n, in] -> [n, out]. \pre x.size() a multiple of in
  [[nodiscard]] std::vector<float> apply(std::span<const float> x) const;

  /// Mean squared error over all elements. \pre sizes fit
  [[nodiscard]] double loss(std::span<const float> x, std::span<const float> target) const;

  /// Trains on pairs x [n, in], target [n, out]; minibatches by draws kFit of chain 0.
  /// Returns the mean squared error over all pairs afterwards.
  /// Errors: kInvalidArgument (sizes, options), kInternal (diverged: the error is no number).
  /// Single-threaded; the same machine gives the same weights.
  Result<double> fit(std::span<const float> x, std::span<const float> target,
                     const FitOptions& options);

  /// All parameters in one vector, and the gradient of the mean squared error in the same order.
  [[nodiscard]] std::vector<float> weights() const;
  Result<void> set_weights(std::span<const float> weights);
  [[nodiscard]] std::vector<float> gradient(std::span<const float> x,
                                            std::span<const float> target) const;

 private:
  struct Parts;
  explicit InterfaceNet(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace calx::thermo
