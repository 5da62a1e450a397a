// What is known of each kind of miner, every number with where it comes from.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "calx/base/result.h"

namespace calx::device {

/// Where a number comes from, the strongest last.
enum class Source : std::uint8_t {
  kUnverified,  // repeated in many places; no document of its maker was at hand
  kModelled,    // a formula over other numbers
  kVendor,      // the maker of the device or of its firmware says so
  kDatasheet,   // the chip's own tables
  kReported,    // the device said so, over its own wire
  kMeasured,    // an instrument or a clock of somebody who publishes the measurement
};

/// "unverified", "modelled", "vendor", "datasheet", "reported" or "measured".
std::string_view to_string(Source source) noexcept;

struct Figure {
  double value = 0;
  Source source = Source::kModelled;
  std::string_view note = {};  // one line: formula, document, or who measured
};

/// One row of the table. A difficulty is a share difficulty: a hash meets D with probability
/// 1 / (D * 2^32), as miners count it.
struct DeviceModel {
  std::string_view kind;  // as on the command line
  std::string_view name;
  std::string_view chips;
  Figure hashes_per_second;
  Figure watts;
  Figure stock_difficulty;  // the ticket mask: below it the stock device returns nothing
  Figure least_difficulty;  // the lowest that can be had at all, and how
  std::string_view remark;  // what a buyer should know, one sentence; may be empty
};

/// lv06 lv07 lv08 bitaxe-ultra bitaxe-supra bitaxe-gamma s1 s3 s9 nerdminer.
/// Source: makers' pages and ESP-Miner's main/device_config.h, as each note says.
std::span<const DeviceModel> device_models() noexcept;

/// Errors: kInvalidArgument names the kinds there are.
Result<DeviceModel> find_device_model(std::string_view kind);

}  // namespace calx::device
