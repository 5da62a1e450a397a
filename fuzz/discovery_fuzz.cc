// Any text as what a user or a stranger writes: address ranges, IP reports, saved ways back.
#include <algorithm>
#include <string_view>

#include "calx/base/assert.h"
#include "calx/device/address_range.h"
#include "calx/device/antminer_report.h"
#include "calx/device/doctor_remedy.h"
#include "calx/device/tuning.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace calx::device;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto targets = expand_range(text)) {
    CALX_ASSERT(targets->size() <= kSearchAddressesMax);
    CALX_ASSERT(std::ranges::all_of(
        *targets, [](const SearchTarget& target) { return is_lan(*parse_ipv4(target.ip)); }));
  }
  if (const auto targets = expand_range(text, Reach::kAnyone)) {
    CALX_ASSERT(targets->size() == 1 || is_lan(*parse_ipv4(targets->back().ip)));
  }
  if (const auto report = parse_antminer_report(text)) CALX_ASSERT(is_lan(*parse_ipv4(report->ip)));
  if (const auto plan = parse_tuning(text)) {
    CALX_ASSERT(plan->before.mhz || plan->before.core_mv);
    static_cast<void>(describe(*plan));
  }
  if (const auto record = parse_remedy_record(text)) static_cast<void>(describe(*record));
  return 0;
}
