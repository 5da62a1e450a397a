#include "calx/weights/coded_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <mutex>
#include <new>
#include <thread>

#include "calx/base/assert.h"
#include "calx/format/array.h"
#include "calx/weights/block_codec.h"
#include "calx/weights/scale.h"

namespace calx::weights {
namespace {

constexpr float kWeightMax = 0x1p48f;

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) noexcept { return a / b + (a % b != 0); }

std::size_t block_size(std::uint64_t weights, std::uint64_t block) noexcept {
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(kBlockWeights, weights - block * kBlockWeights));
}

Result<std::uint64_t> count_weights(std::span<const std::uint64_t> shape) {
  CALX_ASSIGN(count, format::element_count(shape));
  if (count == 0) return fail(ErrorCode::kInvalidArgument, "coded tensor: 0 weights, wanted some");
  if (count > kTensorWeightsMax) {
    return fail(
        ErrorCode::kResourceExhausted,
        fmt::format("coded tensor: {} weights, wanted at most {}", count, kTensorWeightsMax));
  }
  return count;
}

// The scale that each group asks for: rms shrink / deviation.
std::vector<float> wanted_scales(std::span<const float> weights, const Coding& coding) {
  const double factor = static_cast<double>(rate_of(coding.trellis).shrink) /
                        static_cast<double>(deviation(coding.codebook));
  std::vector<float> wanted;
  for (std::size_t first = 0; first < weights.size(); first += coding.group) {
    const auto group = weights.subspan(first, std::min(coding.group, weights.size() - first));
    double squares = 0;
    for (const float w : group) squares += static_cast<double>(w) * static_cast<double>(w);
    wanted.push_back(
        static_cast<float>(std::sqrt(squares / static_cast<double>(group.size())) * factor));
  }
  return wanted;
}

// All blocks of one tensor, shared out among threads.
class TensorEncoder {
 public:
  TensorEncoder(std::span<const float> weights, CodedTensor& tensor, const Codebook& book,
                const EncodeOptions& options)
      : weights_(weights), tensor_(&tensor), book_(&book), options_(&options) {
    block_bytes_ = book.trellis.block_bytes(kBlockWeights);
    blocks_ = divide_up(weights.size(), kBlockWeights);
    const std::size_t before =
        std::min<std::size_t>(options.codes_before.size(), tensor.codes.size());
    next_ = before == tensor.codes.size() ? blocks_ : before / block_bytes_;
    done_ = std::min<std::uint64_t>(next_ * kBlockWeights, weights.size());
    std::copy_n(options.codes_before.begin(), before, tensor.codes.begin());
  }

  Result<void> run() {
    std::vector<BlockEncoder> encoders;
    const auto& kernel = options_->kernel != nullptr ? *options_->kernel : viterbi_kernel();
    const auto threads = std::min<std::uint64_t>(std::max(1u, options_->threads), blocks_);
    for (std::uint64_t i = 0; i < threads; ++i) {
      CALX_ASSIGN(encoder, BlockEncoder::make(*book_, kernel));
      encoders.push_back(std::move(encoder));
    }
    {
      std::vector<std::jthread> workers;
      for (std::size_t i = 1; i < encoders.size(); ++i) {
        workers.emplace_back([this, &encoder = encoders[i]] { work(encoder); });
      }
      work(encoders[0]);
    }
    if (done_ < weights_.size()) {
      return fail(ErrorCode::kCancelled,
                  fmt::format("encoding stopped after {} of {} weights", done_, weights_.size()));
    }
    return {};
  }

 private:
  void work(BlockEncoder& encoder) {
    std::vector<float> x, factor;
    x.reserve(kBlockWeights);
    factor.reserve(kBlockWeights);
    for (;;) {
      if (options_->stop.stop_requested()) return;
      const std::uint64_t block = next_.fetch_add(1);
      if (block >= blocks_) return;
      encode(encoder, block, x, factor);
    }
  }

  void encode(BlockEncoder& encoder, std::uint64_t block, std::vector<float>& x,
              std::vector<float>& factor) {
    const std::size_t count = block_size(weights_.size(), block);
    const auto first = static_cast<std::size_t>(block * kBlockWeights);
    const std::size_t group = tensor_->coding.group;
    x.clear();
    factor.clear();
    std::uint8_t largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
      largest = std::max(largest, tensor_->scales[(first + i) / group]);
    }
    // In units of about the block's largest scale, by a power of two: exact, and far from overflow.
    const int shift = 15 - largest / 16 - tensor_->exponent;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t scale = tensor_->scales[(first + i) / group];
      x.push_back(scale == 0 ? 0.0f : std::ldexp(weights_[first + i], shift));
      factor.push_back(std::ldexp(scale_value(scale, tensor_->exponent), shift));
    }
    const std::span codes(tensor_->codes);
    encoder.encode(x, factor,
                   codes.subspan(static_cast<std::size_t>(block) * block_bytes_,
                                 book_->trellis.block_bytes(count)));
    const std::lock_guard lock(mutex_);
    done_ += count;
    if (options_->progress) options_->progress(done_, weights_.size());
  }

  std::span<const float> weights_;
  CodedTensor* tensor_;
  const Codebook* book_;
  const EncodeOptions* options_;
  std::size_t block_bytes_ = 0;
  std::uint64_t blocks_ = 0;
  std::atomic<std::uint64_t> next_ = 0;
  std::mutex mutex_;
  std::uint64_t done_ = 0;
};

Result<void> check_weights(std::span<const float> weights, std::span<const std::uint64_t> shape) {
  CALX_ASSIGN(count, count_weights(shape));
  if (count != weights.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("tensor to encode: {} weights, wanted {} for its shape", weights.size(),
                            count));
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(std::fabs(weights[i]) < kWeightMax)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("tensor to encode: weight {} is {}, wanted a finite one below 2^48",
                              i, weights[i]));
    }
  }
  return {};
}

}  // namespace

Result<void> check(const Coding& coding) {
  CALX_TRY(check(coding.trellis));
  if (!std::has_single_bit(coding.group) || coding.group < kGroupMin || coding.group > kGroupMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coding: groups of {} weights, wanted a power of two from {} to {}",
                            coding.group, kGroupMin, kGroupMax));
  }
  return {};
}

std::uint64_t CodedTensor::weights() const noexcept {
  const auto count = format::element_count(shape);
  return count ? *count : 0;
}

double CodedTensor::bits_per_weight() const noexcept {
  return 8 * static_cast<double>(codes.size() + scales.size()) / static_cast<double>(weights());
}

std::uint64_t code_bytes(const Trellis& trellis, std::uint64_t weights) noexcept {
  const std::uint64_t whole = weights / kBlockWeights;
  const auto rest = static_cast<std::size_t>(weights % kBlockWeights);
  return whole * trellis.block_bytes(kBlockWeights) + (rest == 0 ? 0 : trellis.block_bytes(rest));
}

Result<void> check(const CodedTensor& tensor) {
  CALX_TRY(check(tensor.coding));
  CALX_ASSIGN(count, count_weights(tensor.shape));
  if (tensor.exponent < -kExponentMax || tensor.exponent > kExponentMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coded tensor: exponent {}, wanted {} to {}", tensor.exponent,
                            -kExponentMax, kExponentMax));
  }
  const Trellis& trellis = tensor.coding.trellis;
  const std::uint64_t codes = code_bytes(trellis, count);
  const std::uint64_t scales = divide_up(count, tensor.coding.group);
  if (tensor.codes.size() != codes || tensor.scales.size() != scales) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("coded tensor of {} weights: {} bytes of codes and {} scales, wanted "
                            "{} and {}",
                            count, tensor.codes.size(), tensor.scales.size(), codes, scales));
  }
  const std::size_t block_bytes = trellis.block_bytes(kBlockWeights);
  for (std::uint64_t block = 0; block * kBlockWeights < count; ++block) {
    const std::size_t size = block_size(count, block);
    const auto part =
        std::span(tensor.codes)
            .subspan(static_cast<std::size_t>(block) * block_bytes, trellis.block_bytes(size));
    if (!tail_is_zero(trellis, part, size)) {
      return fail(ErrorCode::kDataLoss,
                  fmt::format("coded tensor: block {} has a bit set after its last step", block));
    }
  }
  return {};
}

Result<CodedTensor> encode_tensor(std::span<const float> weights, std::vector<std::uint64_t> shape,
                                  const Coding& coding, const EncodeOptions& options) {
  CALX_TRY(check(coding));
  CALX_TRY(check_weights(weights, shape));
  try {
    CALX_ASSIGN(book, make_codebook(coding.codebook, coding.trellis));
    CodedTensor tensor{std::move(shape), coding, 0, {}, {}};
    const std::vector<float> wanted = wanted_scales(weights, coding);
    tensor.exponent = scale_exponent(*std::ranges::max_element(wanted));
    for (const float scale : wanted) {
      tensor.scales.push_back(nearest_scale(scale, tensor.exponent));
    }
    tensor.codes.resize(static_cast<std::size_t>(code_bytes(coding.trellis, weights.size())));
    CALX_TRY(TensorEncoder(weights, tensor, book, options).run());
    return tensor;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "encoder: the tensor does not fit in memory");
  } catch (const std::system_error&) {
    return fail(ErrorCode::kResourceExhausted, "encoder: the system gives no more threads");
  }
}

Result<void> decode_tensor(const CodedTensor& tensor, std::span<float> out) {
  CALX_TRY(check(tensor));
  if (out.size() != tensor.weights()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("decoded tensor: room for {} weights, wanted {}", out.size(),
                            tensor.weights()));
  }
  const Trellis& trellis = tensor.coding.trellis;
  CALX_ASSIGN(book, make_codebook(tensor.coding.codebook, trellis));
  const std::size_t block_bytes = trellis.block_bytes(kBlockWeights);
  std::array<std::int16_t, kBlockWeights> values;
  for (std::size_t first = 0; first < out.size(); first += kBlockWeights) {
    const std::size_t count = std::min(kBlockWeights, out.size() - first);
    decode_block(book,
                 std::span(tensor.codes)
                     .subspan(first / kBlockWeights * block_bytes, trellis.block_bytes(count)),
                 std::span(values).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t scale = tensor.scales[(first + i) / tensor.coding.group];
      out[first + i] =
          scale == 0 ? 0.0f : static_cast<float>(values[i]) * scale_value(scale, tensor.exponent);
    }
  }
  return {};
}

Result<std::vector<float>> decode_tensor(const CodedTensor& tensor) {
  try {
    CALX_TRY(check(tensor));
    std::vector<float> out(static_cast<std::size_t>(tensor.weights()));
    CALX_TRY(decode_tensor(tensor, out));
    return out;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "decoded tensor: does not fit in memory");
  }
}

}  // namespace calx::weights
