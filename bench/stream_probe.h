// What the memory of this machine gives: plain streams over as many bytes as a step touches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/pair.h"

namespace calx::bench {

/// Four streams. Bytes count loads and stores alike, as they do for the step that is compared.
enum class Stream : std::uint8_t {
  kRead,         // eight sums side by side
  kUpdate,       // x = x / 2 + 1 in place
  kTriad,        // a = b + c / 2
  kNonTemporal,  // a = b past the caches; an ordinary copy where the processor has no such store
};
std::string_view to_string(Stream stream) noexcept;

class StreamProbe {
 public:
  /// \pre bytes >= 4096
  explicit StreamProbe(std::size_t bytes);

  Spent run(Stream stream, std::uint64_t rounds);
  /// Times each for a moment. \return the fastest
  Stream fastest();
  /// Of the last fastest(): "read 41.2, update 38.0, ... GB/s".
  [[nodiscard]] const std::string& speeds() const noexcept { return speeds_; }
  /// Bytes that one round touches.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t bytes_;
  std::vector<float> values_;
  std::string speeds_;
  float kept_ = 0;  // so that no read is left out
};

}  // namespace calx::bench
