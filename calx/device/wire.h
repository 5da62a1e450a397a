// Bytes to and from a machine, whatever carries them: a serial line, a character device, a socket,
// or an emulator in this process.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "calx/base/origin.h"
#include "calx/base/result.h"

namespace calx::device {

using Deadline = std::chrono::steady_clock::time_point;

class Wire {
 public:
  virtual ~Wire() = default;
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// What answers at the other end, as far as this wire can know: kDevice, or kEmulated.
  [[nodiscard]] virtual Origin origin() const noexcept = 0;

  /// Some bytes as soon as there are any; 0 when the deadline passes without one.
  /// Errors: kUnavailable when the other end is gone.
  virtual Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) = 0;

  /// All bytes, in one call to the system where the length allows it.
  /// Errors: kUnavailable, kDeadlineExceeded when the other end does not take them in time.
  virtual Result<void> write(std::span<const std::uint8_t> bytes) = 0;

  /// A serial line changes its speed; other wires have none and do nothing.
  /// Errors: kInvalidArgument for a speed that the system does not know.
  virtual Result<void> set_baud(std::uint32_t) { return {}; }
};

}  // namespace calx::device
