// One block of up to 1,024 weights: the cyclic path nearest to it, and back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/weights/codebook.h"
#include "calx/weights/viterbi.h"

namespace calx::weights {

/// The code values of a block: out[i] is the value of weight i. Exact on every machine.
/// \pre codes.size() == block_bytes(out.size()), out.size() <= kBlockWeights
void decode_block(const Codebook& book, std::span<const std::uint8_t> codes,
                  std::span<std::int16_t> out) noexcept;

/// Whether the bits after the last step, up to the end of the last byte, are 0, as the standard
/// wants them. \pre as above
bool tail_is_zero(const Trellis& trellis, std::span<const std::uint8_t> codes,
                  std::size_t weights) noexcept;

/// Encodes blocks one after the other in its own working memory; one encoder a thread.
/// Memory: (4 V + 4) 2^L + (8 + 1024 / V) 2^(L-k) bytes, 18 MiB for L = 16 at 2 bits.
class BlockEncoder {
 public:
  BlockEncoder(BlockEncoder&&) = default;
  BlockEncoder& operator=(BlockEncoder&&) = delete;
  ~BlockEncoder() = default;

  /// `book` must outlive it. Errors: kResourceExhausted.
  static Result<BlockEncoder> make(const Codebook& book,
                                   const ViterbiKernel& kernel = viterbi_kernel());

  /// Codes for which the sum of (x[i] - factor[i] value[i])^2 is least among all paths through one
  /// state at the seam, where the block meets itself. That state is taken from the best open path
  /// over the steps around the seam. The same codes by every kernel.
  /// \pre x.size() == factor.size() <= kBlockWeights; codes.size() == block_bytes(x.size());
  ///      all finite; |x| and |factor value| below 2^40
  void encode(std::span<const float> x, std::span<const float> factor,
              std::span<std::uint8_t> codes);

 private:
  BlockEncoder(const Codebook& book, const ViterbiKernel& kernel)
      : book_(&book), kernel_(&kernel) {}

  void load(std::span<const float> x, std::span<const float> factor);
  void begin_free();
  void begin_at(std::size_t state);
  void advance(std::size_t step, std::size_t row);
  [[nodiscard]] std::size_t back(std::size_t state, std::size_t row) const noexcept;
  [[nodiscard]] std::size_t best_state() const noexcept;
  [[nodiscard]] std::size_t seam_state();

  const Codebook* book_;
  const ViterbiKernel* kernel_;
  std::size_t steps_ = 0;
  std::vector<float> memory_;
  ViterbiStep step_;
  std::vector<std::uint8_t> from_;  // [steps][2^(L-k)]
  std::vector<float> x_, factor_;   // [steps V]: filled up with zeros
  std::vector<std::uint32_t> path_;
};

}  // namespace calx::weights
