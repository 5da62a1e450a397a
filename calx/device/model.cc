#include "calx/device/model.h"

#include <fmt/format.h>

#include <array>
#include <string>

namespace calx::device {
namespace {

// One hash a clock in each small core: small cores x frequency x chips.
constexpr double kBm1366 = 894 * 485e6;
constexpr double kBm1368 = 1276 * 490e6;
constexpr double kBm1370 = 2040 * 525e6;
constexpr double kBm1366JoulesPerHash = 21e-12;

constexpr Figure kAxeosMask = {256, Source::kVendor,
                               "ESP-Miner sets this ticket mask on every board"};
constexpr Figure kBareChipMask = {1, Source::kDatasheet,
                                  "ticket mask 0, by whoever drives the chip itself (bitaxe-raw); "
                                  "not with AxeOS"};
constexpr Figure kBareChipMaskUntried = {1, Source::kDatasheet,
                                         "ticket mask 0, by whoever drives the chip itself; not "
                                         "with AxeOS, and nobody reports it on this board"};
constexpr Figure kTokenMask = {1, Source::kVendor, "its driver takes log2 D = 0"};

constexpr std::array kModels = {
    DeviceModel{
        .kind = "lv06",
        .name = "LuckyMiner LV06",
        .chips = "1 x BM1366",
        .hashes_per_second = {kBm1366, Source::kModelled,
                              "894 small cores x 485 MHz; its leaflet says 500 GH/s +- 10 %"},
        .watts = {12, Source::kVendor,
                  "ESP-Miner expects it of board 0.11; one owner measured 7 to 10 W"},
        .stock_difficulty = kAxeosMask,
        .least_difficulty = kBareChipMaskUntried,
        .remark = "a closed fork of ESP-Miner 2.1 on a clone of the Bitaxe Ultra",
    },
    DeviceModel{
        .kind = "lv07",
        .name = "LuckyMiner LV07",
        .chips = "2 x BM1366",
        .hashes_per_second = {2 * kBm1366, Source::kModelled, "2 x 894 small cores x 485 MHz"},
        .watts = {2 * kBm1366 * kBm1366JoulesPerHash, Source::kModelled,
                  "21 J/TH of the chips alone, without fan and supply"},
        .stock_difficulty = kAxeosMask,
        .least_difficulty = kBareChipMaskUntried,
        .remark = "",
    },
    DeviceModel{
        .kind = "lv08",
        .name = "LuckyMiner LV08",
        .chips = "9 x BM1366",
        .hashes_per_second = {9 * kBm1366, Source::kModelled, "9 x 894 small cores x 485 MHz"},
        .watts = {9 * kBm1366 * kBm1366JoulesPerHash, Source::kModelled,
                  "21 J/TH of the chips alone, without fans and supply"},
        .stock_difficulty = kAxeosMask,
        .least_difficulty = kBareChipMaskUntried,
        .remark = "",
    },
    DeviceModel{
        .kind = "bitaxe-ultra",
        .name = "Bitaxe Ultra",
        .chips = "1 x BM1366",
        .hashes_per_second = {kBm1366, Source::kModelled, "894 small cores x 485 MHz"},
        .watts = {12, Source::kVendor, "ESP-Miner's self-test expects it of boards 201 to 207"},
        .stock_difficulty = kAxeosMask,
        .least_difficulty = kBareChipMask,
        .remark = "",
    },
    DeviceModel{
        .kind = "bitaxe-supra",
        .name = "Bitaxe Supra",
        .chips = "1 x BM1368",
        .hashes_per_second = {kBm1368, Source::kModelled, "1276 small cores x 490 MHz"},
        .watts = {12, Source::kVendor, "ESP-Miner's self-test expects it of boards 400 and 401"},
        .stock_difficulty = kAxeosMask,
        .least_difficulty = kBareChipMask,
        .remark = "",
    },
    DeviceModel{
        .kind = "bitaxe-gamma",
        .name = "Bitaxe Gamma",
        .chips = "1 x BM1370",
        .hashes_per_second = {kBm1370, Source::kModelled, "2040 small cores x 525 MHz"},
        .watts = {19, Source::kVendor, "ESP-Miner's self-test expects it of boards 600 and 601"},
        .stock_difficulty = kAxeosMask,
        .least_difficulty = kBareChipMask,
        .remark = "",
    },
    DeviceModel{
        .kind = "s1",
        .name = "Antminer S1",
        .chips = "64 x BM1380",
        .hashes_per_second = {180e9, Source::kUnverified, "what is said of this model"},
        .watts = {360, Source::kUnverified, "what is said of this model, at the wall"},
        .stock_difficulty = kTokenMask,
        .least_difficulty = kTokenMask,
        .remark = "",
    },
    DeviceModel{
        .kind = "s3",
        .name = "Antminer S3",
        .chips = "32 x BM1382",
        .hashes_per_second = {441e9, Source::kVendor, "Bitmain's data sheet"},
        .watts = {340, Source::kVendor, "Bitmain's data sheet, at the wall"},
        .stock_difficulty = {1, Source::kVendor, "when the pool asks for 1: log2 D is in TXTASK"},
        .least_difficulty = kTokenMask,
        .remark = "",
    },
    DeviceModel{
        .kind = "s9",
        .name = "Antminer S9",
        .chips = "189 x BM1387",
        .hashes_per_second = {13.5e12, Source::kVendor, "Bitmain's data sheet, 13.5 TH/s batch"},
        .watts = {1323, Source::kModelled, "98 J/TH x 13.5 TH/s"},
        .stock_difficulty = {64, Source::kVendor,
                             "chip mask 63; its FPGA filters by the pool's difficulty"},
        .least_difficulty = {64, Source::kVendor,
                             "bmminer underflows below 1, and the chips' mask stays at 64"},
        .remark = "",
    },
    DeviceModel{
        .kind = "nerdminer",
        .name = "NerdMiner v2",
        .chips = "ESP32 in software, no mining chip",
        .hashes_per_second = {78e3, Source::kUnverified,
                              "what its users say; builds differ widely"},
        .watts = {1, Source::kUnverified, "about 1 W from USB; nobody publishes a measurement"},
        .stock_difficulty = {0.00015, Source::kVendor, "what it suggests to the pool"},
        .least_difficulty = {0x1p-32, Source::kModelled, "software: every hash, if the pool asks"},
        .remark = "any processor is faster; good to try a wire with",
    },
};

}  // namespace

std::string_view to_string(Source source) noexcept {
  switch (source) {
    case Source::kUnverified:
      return "unverified";
    case Source::kModelled:
      return "modelled";
    case Source::kVendor:
      return "vendor";
    case Source::kDatasheet:
      return "datasheet";
    case Source::kReported:
      return "reported";
    case Source::kMeasured:
      return "measured";
  }
  return "modelled";
}

std::span<const DeviceModel> device_models() noexcept { return kModels; }

Result<DeviceModel> find_device_model(std::string_view kind) {
  std::string kinds;
  for (const DeviceModel& model : kModels) {
    if (model.kind == kind) return model;
    kinds += fmt::format("{}{}", kinds.empty() ? "" : " ", model.kind);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("device: kind \"{}\", wanted one of: {}", kind, kinds));
}

}  // namespace calx::device
