// Mining devices that are plugged into this machine, from what the system's own files say. No
// device is opened: to open an Antminer's can wedge it, to open a serial line can reset a board.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace calx::device {

struct LocalDevice {
  std::string path = {};  // "/dev/ttyACM0", or the USB device's place
  std::string kind = {};  // "serial", "usb" or "character"
  std::string what = {};  // what its numbers suggest, and what it calls itself

  friend bool operator==(const LocalDevice&, const LocalDevice&) = default;
};

/// Serial lines whose USB numbers a Bitaxe has, USB devices with those of an Antminer S1 to S3, and
/// /dev/bitmain-asic, in the order of their paths. Looks below `root` in sys and dev.
/// USB numbers: 303a:1001 Espressif (console of every ESP32-S3), c0de:cafe (the example numbers of
/// the embassy framework; that bitaxe-raw uses them is unverified), 4254:4153 Bitmain (captures of
/// the S3).
std::vector<LocalDevice> find_local_devices(const std::filesystem::path& root = "/");

}  // namespace calx::device
