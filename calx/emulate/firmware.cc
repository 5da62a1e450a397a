#include "calx/emulate/firmware.h"

#include <fmt/format.h>

#include <array>
#include <string>

namespace calx::emulate {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array kFirmwares = {
    Firmware{
        .name = "axeos-2.1",
        .configures = true,
        .rolls_version = true,
        .jobs_remembered = 16,
        .difficulty = DifficultyRule::kInteger,
        .job_interval = milliseconds(2000),
        .silence_max = seconds(180),
        .reconnect_first = seconds(5),
        .reconnect_max = seconds(5),
    },
    Firmware{
        .name = "axeos-master",
        .configures = true,
        .rolls_version = true,
        .follows_extranonce = true,
        .jobs_remembered = 16,
        .extranonce2_bytes_max = 32,
        .job_interval = milliseconds(500),
        .silence_max = seconds(180),
        .reconnect_first = seconds(5),
        .reconnect_max = seconds(5),
    },
    Firmware{
        .name = "cgminer-s9",
        .configures = true,
        .configure_first = true,
        .rolls_version = true,
        .difficulty = DifficultyRule::kOneOrMore,
        .silence_max = seconds(90),
        .reconnect_first = seconds(5),
        .reconnect_max = seconds(60),
    },
    Firmware{
        .name = "cgminer-s3",
        .difficulty = DifficultyRule::kOneOrMore,
        .silence_max = seconds(90),
        .reconnect_first = seconds(5),
        .reconnect_max = seconds(60),
    },
    Firmware{
        .name = "nerdminer",
        .padded_nonce = false,
        .suggests = 0.00015,
        .suggest_every = seconds(30),
        .silence_max = seconds(60),
        .reconnect_first = seconds(5),
        .reconnect_max = seconds(60),
        .line_bytes_max = 4096,
    },
    Firmware{
        .name = "cpuminer",
        .one_submit_id = true,
        .silence_max = seconds(300),
        .reconnect_first = seconds(30),
        .reconnect_max = seconds(30),
    },
};

}  // namespace

std::span<const Firmware> firmwares() noexcept { return kFirmwares; }

Result<Firmware> find_firmware(std::string_view name) {
  std::string names;
  for (const Firmware& firmware : kFirmwares) {
    if (firmware.name == name) return firmware;
    names += fmt::format("{}{}", names.empty() ? "" : " ", firmware.name);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("firmware: \"{}\", wanted one of: {}", name, names));
}

}  // namespace calx::emulate
