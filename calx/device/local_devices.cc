#include "calx/device/local_devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace calx::device {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kEntriesMax = 4096, kWordBytesMax = 128;
constexpr int kParentsMax = 4;  // from a line to the USB device that it is a part of

struct KnownUsb {
  std::string_view vendor, product, what;
};
constexpr KnownUsb kSerials[] = {
    {"c0de", "cafe",
     "bitaxe-raw (control port or chip UART), or any board with these example numbers"},
    {"303a", "1001", "ESP32-S3 console: a Bitaxe, LuckyMiner or any other such board"}};
constexpr KnownUsb kAntminer = {"4254", "4153", "Bitmain chip controller (Antminer S1 to S3)"};

// One line of a small file, without what a terminal would obey.
std::string word(const fs::path& file) {
  std::ifstream in(file);
  std::string text;
  std::getline(in, text);
  text.resize(std::min(text.size(), kWordBytesMax));
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
  return text;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (entries.size() == kEntriesMax) break;
    entries.push_back(it->path());
  }
  std::ranges::sort(entries);
  return entries;
}

bool is(const fs::path& usb, const KnownUsb& known) {
  return word(usb / "idVendor") == known.vendor && word(usb / "idProduct") == known.product;
}

LocalDevice describe(std::string path, std::string kind, const fs::path& usb,
                     const KnownUsb& known) {
  std::string what = fmt::format("{} [{}:{}", known.what, known.vendor, known.product);
  for (const char* name : {"manufacturer", "product", "serial"}) {
    if (const std::string text = word(usb / name); !text.empty()) what += " " + text;
  }
  return {.path = std::move(path), .kind = std::move(kind), .what = what + "]"};
}

void add_serials(const fs::path& root, std::vector<LocalDevice>& found) {
  for (const fs::path& line : entries_of(root / "sys/class/tty")) {
    std::error_code error;
    fs::path place = fs::canonical(line / "device", error);
    for (int up = 0; !error && up < kParentsMax; ++up, place = place.parent_path()) {
      if (!fs::exists(place / "idVendor", error)) continue;
      for (const KnownUsb& known : kSerials) {
        if (!is(place, known)) continue;
        found.push_back(describe("/dev/" + line.filename().string(), "serial", place, known));
      }
      break;
    }
  }
}

}  // namespace

std::vector<LocalDevice> find_local_devices(const fs::path& root) {
  std::vector<LocalDevice> found;
  std::error_code error;
  if (fs::exists(root / "dev/bitmain-asic", error)) {
    found.push_back({.path = "/dev/bitmain-asic",
                     .kind = "character",
                     .what = "Antminer's own driver; calx device doctor says who has it"});
  }
  add_serials(root, found);
  for (const fs::path& usb : entries_of(root / "sys/bus/usb/devices")) {
    if (!is(usb, kAntminer)) continue;
    found.push_back(describe("usb " + usb.filename().string(), "usb", usb, kAntminer));
  }
  return found;
}

}  // namespace calx::device
