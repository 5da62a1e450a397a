#include "calx/device/usb_wire.h"

#include <fmt/format.h>

#include <algorithm>

#ifdef CALX_HAS_LIBUSB
#include <dlfcn.h>
#include <libusb-1.0/libusb.h>
#endif

namespace calx::device {
namespace {

constexpr auto kWriteMax = std::chrono::milliseconds(5000);
constexpr std::size_t kReceiveBytes = 16 * kBitmainUsbPacket;

}  // namespace

Result<std::size_t> UsbWire::read(std::span<std::uint8_t> out, Deadline deadline) {
  if (pending_.empty()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pending_.resize(kReceiveBytes);
    // A time of 0 would be none at all.
    const auto count =
        port_->receive(pending_, std::clamp<std::chrono::milliseconds>(
                                     left, std::chrono::milliseconds(1), std::chrono::minutes(1)));
    pending_.resize(count ? *count : 0);
    if (!count) return std::unexpected(count.error());
  }
  const std::size_t count = std::min(out.size(), pending_.size());
  std::copy_n(pending_.begin(), count, out.begin());
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

Result<void> UsbWire::write(std::span<const std::uint8_t> bytes) {
  return port_->send(bytes, kWriteMax);
}

#ifdef CALX_HAS_LIBUSB
namespace {

constexpr const char* kLibrary = "libusb-1.0.so.0";
constexpr int kInterface = 0;
constexpr unsigned char kOut = 0x01, kIn = 0x81;

// What is used of the library, found by name.
struct UsbCalls {
  decltype(&libusb_init) init = nullptr;
  decltype(&libusb_exit) exit = nullptr;
  decltype(&libusb_open_device_with_vid_pid) open = nullptr;
  decltype(&libusb_close) close = nullptr;
  decltype(&libusb_set_auto_detach_kernel_driver) auto_detach = nullptr;
  decltype(&libusb_claim_interface) claim = nullptr;
  decltype(&libusb_release_interface) release = nullptr;
  decltype(&libusb_bulk_transfer) transfer = nullptr;
  decltype(&libusb_error_name) error_name = nullptr;
};

template <typename Call>
bool find(void* library, const char* name, Call& call) {
  call = reinterpret_cast<Call>(::dlsym(library, name));
  return call != nullptr;
}

// Stays open for as long as the program runs.
Result<const UsbCalls*> usb_calls() {
  static UsbCalls calls;
  static const bool found = [] {
    void* library = ::dlopen(kLibrary, RTLD_NOW);
    return library != nullptr && find(library, "libusb_init", calls.init) &&
           find(library, "libusb_exit", calls.exit) &&
           find(library, "libusb_open_device_with_vid_pid", calls.open) &&
           find(library, "libusb_close", calls.close) &&
           find(library, "libusb_set_auto_detach_kernel_driver", calls.auto_detach) &&
           find(library, "libusb_claim_interface", calls.claim) &&
           find(library, "libusb_release_interface", calls.release) &&
           find(library, "libusb_bulk_transfer", calls.transfer) &&
           find(library, "libusb_error_name", calls.error_name);
  }();
  if (found) return &calls;
  return fail(ErrorCode::kUnavailable,
              fmt::format("{} is not installed, and an Antminer on USB needs it", kLibrary));
}

class LibusbPort final : public BulkPort {
 public:
  explicit LibusbPort(const UsbCalls& usb) : usb_(usb) {}
  ~LibusbPort() override {
    if (claimed_) usb_.release(device_, kInterface);
    if (device_ != nullptr) usb_.close(device_);
    if (context_ != nullptr) usb_.exit(context_);
  }

  Result<void> open() {
    if (const int status = usb_.init(&context_); status != 0) return trouble("init", status);
    device_ = usb_.open(context_, kBitmainVendor, kBitmainProduct);
    if (device_ == nullptr) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("no Antminer {:04x}:{:04x} on USB, or no right to open it",
                              kBitmainVendor, kBitmainProduct));
    }
    usb_.auto_detach(device_, 1);  // where the system has none to detach, claim() says so
    if (const int status = usb_.claim(device_, kInterface); status != 0) {
      return trouble("interface 0", status);
    }
    claimed_ = true;
    return {};
  }

  Result<std::size_t> receive(std::span<std::uint8_t> out,
                              std::chrono::milliseconds time) override {
    int count = 0;
    const int status = usb_.transfer(device_, kIn, out.data(), static_cast<int>(out.size()), &count,
                                     static_cast<unsigned>(time.count()));
    if (status != 0 && status != LIBUSB_ERROR_TIMEOUT) return trouble("endpoint 81", status);
    return static_cast<std::size_t>(count);
  }

  Result<void> send(std::span<const std::uint8_t> bytes, std::chrono::milliseconds time) override {
    std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());  // libusb takes no const
    int count = 0;
    const int status = usb_.transfer(device_, kOut, copy.data(), static_cast<int>(copy.size()),
                                     &count, static_cast<unsigned>(time.count()));
    if (status != 0 && status != LIBUSB_ERROR_TIMEOUT) return trouble("endpoint 01", status);
    if (static_cast<std::size_t>(count) == bytes.size()) return {};
    return fail(ErrorCode::kDeadlineExceeded,
                fmt::format("the Antminer took {} of {} bytes", count, bytes.size()));
  }

 private:
  [[nodiscard]] std::unexpected<Error> trouble(std::string_view what, int status) const {
    return fail(ErrorCode::kUnavailable,
                fmt::format("Antminer on USB, {}: {}", what, usb_.error_name(status)));
  }

  const UsbCalls& usb_;
  libusb_context* context_ = nullptr;
  libusb_device_handle* device_ = nullptr;
  bool claimed_ = false;
};

}  // namespace

Result<std::unique_ptr<Wire>> open_bitmain_usb() {
  CALX_ASSIGN(usb, usb_calls());
  auto port = std::make_unique<LibusbPort>(*usb);
  CALX_TRY(port->open());
  return std::make_unique<UsbWire>(std::move(port), Origin::kDevice);
}
#else
Result<std::unique_ptr<Wire>> open_bitmain_usb() {
  return fail(ErrorCode::kUnimplemented,
              "this build of calx knows no libusb (libusb-1.0-0-dev was not there): use the device "
              "file, bitmain=/dev/bitmain-asic");
}
#endif

}  // namespace calx::device
