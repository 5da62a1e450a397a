// The chance of an emulator: the words of a named calx-noise-1 stream, one after another.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "calx/base/result.h"
#include "calx/noise/stream.h"

namespace calx::emulate {

/// The same seed, purpose and member draw the same words on every machine.
class Draws {
 public:
  /// `purpose` names the stream ("emulate/clock"), `member` the device of a farm.
  /// Errors: those of noise::Stream::open.
  static Result<Draws> open(const noise::Seed& seed, std::string_view purpose,
                            std::uint64_t member);

  std::uint32_t word();
  /// (word + 0.5) / 2^32: never 0, never 1.
  double uniform();

 private:
  static constexpr std::uint32_t kRowWords = 64;
  explicit Draws(const noise::Stream& stream) noexcept : stream_(stream) {}

  noise::Stream stream_;
  std::uint32_t row_ = 0;
  std::array<std::uint32_t, kRowWords> words_{};
  std::uint32_t next_ = kRowWords;
};

}  // namespace calx::emulate
