// A substrate in the place of a U-Net's last decoder block, and its controls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/inference/block_fit.h"
#include "calx/nn/last_block.h"

namespace calx::inference {

/// What goes on through the network in the place of the block's output.
enum class Readout : std::uint8_t {
  kMean,      // the substrate's mean M^-1 b: what a time average tends to
  kSnapshot,  // one state of it at temperature kT, drawn exactly from N(M^-1 b, kT M^-1)
  kFolded,    // the digital map of the same rank: the mean without a substrate
  kWhite,     // the block's own output plus white noise of the snapshot's mean variance
  kShaped,    // the block's own output plus the snapshot's noise
};
std::string_view to_string(Readout readout) noexcept;

/// Every substrate of a fit, factored: M = L L^T of the decoder module, its bias and its coupling.
/// Any thread.
class BlockMachines {
 public:
  /// Errors: kInvalidArgument (a decoder that is not positive definite).
  static Result<BlockMachines> of(const BlockFits& fits);

  BlockMachines(BlockMachines&&) noexcept;
  BlockMachines& operator=(BlockMachines&&) noexcept;
  ~BlockMachines();

  [[nodiscard]] const BlockFits& fits() const noexcept;

  /// Reads `in` [pixels, all channels of the block] (with a reach: the whole map of a picture)
  /// through the substrate of (step, group): b = bias - M_dc x, y = M^-1 b, and for kSnapshot y +
  /// sqrt(kT) L^-T xi, xi = `normals` [pixels, units]. kWhite and kShaped add to `out` what they
  /// add. In double.
  /// \pre sizes; `normals` for the readouts that draw
  void read(std::size_t step, std::size_t group, Readout readout, std::span<const float> in,
            std::span<const float> normals, std::span<float> out) const;

 private:
  struct Parts;
  explicit BlockMachines(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

/// One forward pass of several pictures at one step.
struct BlockPass {
  std::size_t step = 0;
  Readout readout = Readout::kMean;
  std::span<const std::int32_t> classes;  // [rows], as the network is told
  /// [pictures]: row r belongs to picture r % pictures. Thermal noise of a row is stream
  /// "thermo/step/S" of the picture's seed, channel = r / pictures (0 with class, 1 without), row =
  /// pixel, column = unit: the same whatever the batch.
  std::span<const hash::Digest> seeds;
};

class SubstrateBlock final : public nn::LastBlock {
 public:
  /// What is referred to must outlive this.
  SubstrateBlock(const BlockMachines& machines, const BlockPass& pass) noexcept
      : machines_(machines), pass_(pass) {}

  [[nodiscard]] bool wants_output() const noexcept override {
    return pass_.readout == Readout::kWhite || pass_.readout == Readout::kShaped;
  }
  /// Errors: kInvalidArgument (another shape than the fit's, rows that are not the pass's).
  Result<void> replace(const nn::BlockShape& shape, std::span<const float> in,
                       std::span<float> out) override;

 private:
  const BlockMachines& machines_;
  BlockPass pass_;
};

}  // namespace calx::inference
