// How each family of firmware speaks Stratum V1: the differences that a server must survive.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "calx/base/result.h"

namespace calx::emulate {

enum class DifficultyRule : std::uint8_t {
  kReal,      // a double
  kInteger,   // cut to an integer; 0 then means: every nonce that the chip returns
  kOneOrMore  // a double; below 1 its counter underflows and it submits nothing
};

struct Firmware {
  std::string_view name;
  bool configures = false;          // mining.configure opens the talk
  bool configure_first = false;     // and its reply must be the first line back
  bool rolls_version = false;       // sends a sixth parameter with its submits
  bool padded_nonce = true;         // eight digits; else as few as the number needs
  bool one_submit_id = false;       // every submit has id 4: replies are matched by order
  bool follows_extranonce = false;  // honours mining.set_extranonce from the next notify on
  std::size_t jobs_remembered = 0;  // ids among the last so many are ignored unless clean
  std::size_t extranonce2_bytes_max = 8;
  DifficultyRule difficulty = DifficultyRule::kReal;
  double suggests = 0;                        // mining.suggest_difficulty; 0: it does not
  std::chrono::milliseconds suggest_every{};  // 0: once
  std::chrono::milliseconds job_interval{};   // a notify that is not clean waits for its end
  std::chrono::milliseconds silence_max{};    // without a byte from the pool: it hangs up
  std::chrono::milliseconds reconnect_first{}, reconnect_max{};  // doubles in between
  std::size_t line_bytes_max = 65536;
};

/// axeos-2.1 (LuckyMiner and ESP-Miner up to 2.6), axeos-master, cgminer-s9, cgminer-s3,
/// nerdminer, cpuminer. Source: the sources of those programs, and a capture of cpuminer.
std::span<const Firmware> firmwares() noexcept;

/// Errors: kInvalidArgument names the ones there are.
Result<Firmware> find_firmware(std::string_view name);

}  // namespace calx::emulate
