// The chips that the UART driver knows: one row of figures and rules for each.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "calx/base/result.h"

namespace calx::device {

enum class Bm13xx : std::uint8_t { kBm1366, kBm1368, kBm1370, kBm1397 };

/// How a job travels: the whole header, or midstates of versions that the host rolled.
enum class JobForm : std::uint8_t { kFullHeader, kMidstates };

struct Bm13xxKind {
  Bm13xx chip = Bm13xx::kBm1366;
  std::string_view name;
  std::uint16_t chip_id = 0;  // in the answer to a read of register 00
  JobForm form = JobForm::kFullHeader;
  std::size_t reply_bytes = 11;
  std::size_t chip_id_reply_bytes = 11;
  unsigned cores = 0;
  unsigned small_cores = 0;          // of a core; each one tries the same nonces in its own version
  unsigned small_cores_used = 0;     // of the whole chip
  std::uint8_t job_step = 0;         // job ids count by this, modulo kJobIds
  std::uint8_t job_mask = 0;         // the bits of a reply's id byte that hold the job id
  unsigned job_shift = 0;            // and how far they stand to the left of it
  std::uint8_t small_core_mask = 0;  // the bits that hold the small core, or the midstate index
  double default_mhz = 0, mhz_min = 0, mhz_max = 0;
  double mv_min = 0, mv_max = 0;
  unsigned pll_fb_min = 0, pll_fb_max = 0;  // feedback divider
  std::uint32_t fast_baud = 0;              // after the sequence of bm13xx_init.h
};

inline constexpr unsigned kJobIds = 128;
inline constexpr std::uint32_t kResetBaud = 115740;  // 25 MHz / (27 * 8)

/// Every row. Sources: ESP-Miner components/asic and main/device_config.h (jobs, limits, PLL);
/// mujina asic/bm13xx/REFERENCE.md (cores).
std::span<const Bm13xxKind> bm13xx_kinds() noexcept;
const Bm13xxKind& kind_of(Bm13xx chip) noexcept;
/// Errors: kInvalidArgument lists the names.
Result<Bm13xx> parse_bm13xx(std::string_view name);

/// The nearest value inside the row's limits. Nothing here writes a frequency or a voltage that did
/// not pass through one of these.
double clamp_mhz(const Bm13xxKind& kind, double mhz) noexcept;
double clamp_mv(const Bm13xxKind& kind, double millivolts) noexcept;

}  // namespace calx::device
