#include "calx/device/bm13xx_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "calx/base/assert.h"

namespace calx::device {
namespace {

constexpr std::array<Bm13xxKind, 4> kKinds = {{
    {.chip = Bm13xx::kBm1366,
     .name = "bm1366",
     .chip_id = 0x1366,
     .cores = 112,
     .small_cores = 8,
     .small_cores_used = 894,
     .job_step = 8,
     .job_mask = 0xf8,
     .job_shift = 0,
     .small_core_mask = 0x07,
     .default_mhz = 485,
     .mhz_min = 400,
     .mhz_max = 575,
     .mv_min = 1100,
     .mv_max = 1300,
     .pll_fb_min = 144,
     .pll_fb_max = 235,
     .fast_baud = 1'000'000},
    {.chip = Bm13xx::kBm1368,
     .name = "bm1368",
     .chip_id = 0x1368,
     .cores = 80,
     .small_cores = 16,
     .small_cores_used = 1276,
     .job_step = 24,
     .job_mask = 0xf0,
     .job_shift = 1,
     .small_core_mask = 0x0f,
     .default_mhz = 490,
     .mhz_min = 400,
     .mhz_max = 575,
     .mv_min = 1100,
     .mv_max = 1300,
     .pll_fb_min = 144,
     .pll_fb_max = 235,
     .fast_baud = 1'000'000},
    {.chip = Bm13xx::kBm1370,
     .name = "bm1370",
     .chip_id = 0x1370,
     .cores = 128,
     .small_cores = 16,
     .small_cores_used = 2040,
     .job_step = 24,
     .job_mask = 0xf0,
     .job_shift = 1,
     .small_core_mask = 0x0f,
     .default_mhz = 525,
     .mhz_min = 400,
     .mhz_max = 625,
     .mv_min = 1000,
     .mv_max = 1250,
     .pll_fb_min = 160,
     .pll_fb_max = 239,
     .fast_baud = 1'000'000},
    {.chip = Bm13xx::kBm1397,
     .name = "bm1397",
     .chip_id = 0x1397,
     .form = JobForm::kMidstates,
     .reply_bytes = 9,
     .chip_id_reply_bytes = 9,
     .cores = 168,
     .small_cores = 4,
     .small_cores_used = 672,
     .job_step = 4,
     .job_mask = 0xfc,
     .job_shift = 0,
     .small_core_mask = 0x03,
     .default_mhz = 425,
     .mhz_min = 400,
     .mhz_max = 600,
     .mv_min = 1100,
     .mv_max = 1500,
     .pll_fb_min = 60,
     .pll_fb_max = 200,
     .fast_baud = 3'125'000},
}};

}  // namespace

std::span<const Bm13xxKind> bm13xx_kinds() noexcept { return kKinds; }

const Bm13xxKind& kind_of(Bm13xx chip) noexcept {
  const auto* row = std::ranges::find(kKinds, chip, &Bm13xxKind::chip);
  CALX_ASSERT(row != kKinds.end());
  return *row;
}

Result<Bm13xx> parse_bm13xx(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Bm13xxKind& kind : kKinds) {
    if (kind.name == name) return kind.chip;
    names.push_back(kind.name);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("chip \"{}\", wanted one of {}", name, fmt::join(names, ", ")));
}

double clamp_mhz(const Bm13xxKind& kind, double mhz) noexcept {
  return std::clamp(mhz, kind.mhz_min, kind.mhz_max);
}

double clamp_mv(const Bm13xxKind& kind, double millivolts) noexcept {
  return std::clamp(millivolts, kind.mv_min, kind.mv_max);
}

}  // namespace calx::device
