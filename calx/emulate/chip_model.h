// A mining chip: it is given a header and returns nonces. It never returns a hash.
#pragma once

#include <cstdint>
#include <optional>

#include "calx/hash/digest.h"
#include "calx/work/target.h"

namespace calx::emulate {

/// What one stretch of hashing came to.
struct Stretch {
  std::optional<std::uint32_t> nonce = std::nullopt;  // really found, the next in ascending order
  std::uint64_t tried = 0;
};

/// Tries nonces one after another with calx/hash, at a target that a processor can meet. There is
/// no other way to an answer: what it returns was hashed.
class ChipModel {
 public:
  /// The nonce in `header` is ignored; the search starts at nonce 0.
  void load(const hash::Header& header, const work::Target& target) noexcept;

  /// Goes on for up to `nonces_max` nonces or to the first that meets the target.
  Stretch run(std::uint64_t nonces_max) noexcept;

  /// Every nonce of the header was tried.
  [[nodiscard]] bool exhausted() const noexcept { return next_ > 0xffffffffull; }
  [[nodiscard]] const hash::Header& header() const noexcept { return header_; }
  [[nodiscard]] const work::Target& target() const noexcept { return target_; }

 private:
  hash::Header header_{};
  work::Target target_{};
  std::uint64_t next_ = std::uint64_t{1} << 32;  // nothing is loaded
};

}  // namespace calx::emulate
