// Goal: what is plugged in is named from the system's files alone.
// Method: made-up trees of sys and dev as Linux lays them out, with links, for both kinds of serial
// line; a hostile product name.
#include "calx/device/local_devices.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

namespace calx::device {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class LocalDevicesTest : public testing::Test {
 protected:
  LocalDevicesTest()
      : root_(fs::temp_directory_path() / ("calx_local_devices_" + std::to_string(::getpid()))) {
    fs::remove_all(root_);
    fs::create_directories(root_ / "sys/class/tty/console");
  }
  ~LocalDevicesTest() override { fs::remove_all(root_); }

  // A USB device in its place, and the link of /sys/bus/usb/devices to it.
  fs::path usb(const std::string& name, const char* vendor, const char* product,
               const char* calls_itself) const {
    const fs::path place = root_ / "sys/devices/pci0/usb1" / name;
    fs::create_directories(place);
    std::ofstream(place / "idVendor") << vendor << "\n";
    std::ofstream(place / "idProduct") << product << "\n";
    std::ofstream(place / "product") << calls_itself << "\n";
    fs::create_directories(root_ / "sys/bus/usb/devices");
    fs::create_directory_symlink(place, root_ / "sys/bus/usb/devices" / name);
    return place;
  }
  void line(const std::string& name, const fs::path& device) const {
    fs::create_directories(device);
    fs::create_directories(root_ / "sys/class/tty" / name);
    fs::create_directory_symlink(device, root_ / "sys/class/tty" / name / "device");
  }
  fs::path root_;
};

TEST_F(LocalDevicesTest, NothingIsFoundWhereNothingIs) {
  EXPECT_TRUE(find_local_devices(root_).empty());
  EXPECT_TRUE(find_local_devices(root_ / "missing").empty());
}

TEST_F(LocalDevicesTest, BitaxesAndAntminersAreToldFromOthers) {
  const fs::path raw = usb("1-1", "c0de", "cafe", "Bitaxe\x1b[2J");
  line("ttyACM0", raw / "1-1:1.0");
  line("ttyACM1", raw / "1-1:1.2");
  line("ttyUSB0", usb("1-2", "303a", "1001", "USB JTAG") / "1-2:1.0/ttyUSB0");
  line("ttyACM2", usb("1-3", "2341", "0043", "Arduino") / "1-3:1.0");
  usb("1-4", "4254", "4153", "Bitmain");
  fs::create_directories(root_ / "dev");
  std::ofstream(root_ / "dev/bitmain-asic") << "";

  const auto found = find_local_devices(root_);
  ASSERT_EQ(found.size(), 5u);
  EXPECT_EQ(found[0].path, "/dev/bitmain-asic");
  EXPECT_EQ(found[1].path, "/dev/ttyACM0");
  EXPECT_THAT(found[1].what, HasSubstr("[c0de:cafe Bitaxe [2J]"));
  EXPECT_EQ(found[2].path, "/dev/ttyACM1");
  EXPECT_EQ(found[3].path, "/dev/ttyUSB0");
  EXPECT_THAT(found[3].what, HasSubstr("other such board"));
  EXPECT_EQ(found[4].path, "usb 1-4");
  EXPECT_EQ(found[4].kind, "usb");
}

}  // namespace
}  // namespace calx::device
