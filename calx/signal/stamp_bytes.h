// A stamp as bytes, for the journal and the wire of this project's own programs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/work/stamper.h"

namespace calx::signal {

/// Integers big-endian; variable parts behind one byte of length (coinbase part 1: two bytes).
void append_stamp(std::vector<std::uint8_t>& out, const work::Stamp& stamp);

/// Takes bytes off a view; once too few are left, everything reads as zero and ok() is false.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) noexcept : left_(bytes) {}
  std::span<const std::uint8_t> take(std::size_t count) noexcept;
  std::uint32_t take_integer(std::size_t bytes) noexcept;  // 1 to 4 bytes
  template <std::size_t N>
  std::array<std::uint8_t, N> take_array() noexcept {
    std::array<std::uint8_t, N> array{};
    const auto bytes = take(N);
    if (bytes.size() == N) std::ranges::copy(bytes, array.begin());
    return array;
  }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t left() const noexcept { return left_.size(); }

 private:
  std::span<const std::uint8_t> left_;
  bool ok_ = true;
};

/// The inverse of append_stamp(); leaves the reader behind it. The stamp is not checked.
/// Errors: kDataLoss.
Result<work::Stamp> take_stamp(ByteReader& reader);

/// A place in a tree and its stamp: salt[16], u32 index, u8 n, siblings[32 n], the stamp.
/// \pre at most 255 siblings; kLeavesMax allows 20
void append_stamped(std::vector<std::uint8_t>& out, const work::StampedRequest& stamped);

/// The inverse of append_stamped(). Neither stamp nor path is checked. Errors: kDataLoss.
Result<work::StampedRequest> take_stamped(ByteReader& reader);

}  // namespace calx::signal
