// The last decoder block of a U-Net as something that other machines may stand in for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"

namespace calx::nn {

/// What the block maps: `images` maps of side * side pixels, each pixel `up` channels that come
/// from below (copied to four pixels) and then `skip` channels of the encoder's last map at this
/// resolution; out come `out` channels.
struct BlockShape {
  std::size_t images = 0, side = 0;
  std::size_t up = 0, skip = 0, out = 0;

  [[nodiscard]] std::size_t pixels() const noexcept { return images * side * side; }
  [[nodiscard]] std::size_t in() const noexcept { return up + skip; }
  friend bool operator==(const BlockShape&, const BlockShape&) = default;
};

/// Stands in for the block during one forward pass.
/// Thread rule: replace() is called by the thread that called forward().
class LastBlock {
 public:
  LastBlock() = default;
  LastBlock(const LastBlock&) = delete;
  LastBlock& operator=(const LastBlock&) = delete;
  virtual ~LastBlock() = default;

  /// Whether the network shall compute the block too: then `out` comes in with its output.
  [[nodiscard]] virtual bool wants_output() const noexcept { return false; }

  /// `in` [pixels, up + skip] and `out` [pixels, out], one row a pixel, images and rows of pixels
  /// in reading order. What is in `out` afterwards goes on through the network. An Error ends the
  /// pass.
  virtual Result<void> replace(const BlockShape& shape, std::span<const float> in,
                               std::span<float> out) = 0;
};

/// Keeps what the block read and what it gave, and changes nothing.
class BlockRecorder final : public LastBlock {
 public:
  [[nodiscard]] bool wants_output() const noexcept override { return true; }
  /// Errors: kResourceExhausted (memory).
  Result<void> replace(const BlockShape& shape, std::span<const float> in,
                       std::span<float> out) override;

  [[nodiscard]] const BlockShape& shape() const noexcept { return shape_; }
  [[nodiscard]] const std::vector<float>& in() const noexcept { return in_; }
  [[nodiscard]] const std::vector<float>& out() const noexcept { return out_; }

 private:
  BlockShape shape_;
  std::vector<float> in_, out_;  // of the last pass
};

}  // namespace calx::nn
