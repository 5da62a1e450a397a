// open_serial_line(): alone in a file because <asm/termbits.h>, which knows speeds by number, does
// not go together with <termios.h>.
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include "calx/device/descriptor_wire.h"

extern "C" int ioctl(int descriptor, unsigned long request, ...) noexcept;

namespace calx::device {
namespace {

std::string reason() { return std::error_code(errno, std::generic_category()).message(); }

class SerialWire final : public DescriptorWire {
 public:
  SerialWire(int descriptor, std::string name)
      : DescriptorWire(descriptor, std::move(name), descriptor_origin(descriptor),
                       ZeroRead::kNothingYet) {}

  Result<void> set_baud(std::uint32_t baud) override {
    termios2 settings{};
    if (baud == 0 || ioctl(descriptor(), TCGETS2, &settings) != 0) {
      const bool unknown_call = baud != 0 && errno == ENOSYS;  // as in qemu-user
      return fail(unknown_call ? ErrorCode::kUnimplemented : ErrorCode::kInvalidArgument,
                  fmt::format("{} at {} baud: {}", name(), baud, baud ? reason() : "no speed"));
    }
    settings.c_iflag = 0;
    settings.c_oflag = 0;
    settings.c_lflag = 0;
    settings.c_cflag = CS8 | CREAD | CLOCAL | BOTHER;
    settings.c_ispeed = settings.c_ospeed = baud;
    settings.c_cc[VMIN] = 0, settings.c_cc[VTIME] = 0;
    // After the last byte has left at the old speed.
    if (ioctl(descriptor(), TCSETSW2, &settings) != 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} at {} baud: {}", name(), baud, reason()));
    }
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<Wire>> open_serial_line(const std::filesystem::path& path,
                                               std::uint32_t baud) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                fmt::format("{}: {}", path.string(), reason()));
  }
  auto wire = std::make_unique<SerialWire>(descriptor, path.string());
  if (ioctl(descriptor, TIOCEXCL) != 0 && errno == ENOTTY) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", path.string(), reason()));
  }
  CALX_TRY(wire->set_baud(baud));
  return wire;
}

}  // namespace calx::device
