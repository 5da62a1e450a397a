// What parse_substrate takes is a substrate, survives a round trip, and can be assessed or refused.
#include "calx/base/assert.h"
#include "calx/thermo/substrate_file.h"
#include "calx/thermo/validate.h"

namespace {

constexpr std::size_t kAssessedUnitsMax = 64;  // spectra of more take too long for a fuzz target

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace thermo = calx::thermo;
  const auto substrate = thermo::parse_substrate({data, size});
  if (!substrate) {
    CALX_ASSERT(!substrate.error().message.empty());
    return 0;
  }
  CALX_ASSERT(thermo::check(*substrate).has_value());
  const auto bytes = thermo::encode_substrate(*substrate);
  CALX_ASSERT(bytes.has_value());
  const auto again = thermo::parse_substrate(*bytes);
  CALX_ASSERT(again && thermo::encode_substrate(*again).value() == *bytes);
  CALX_ASSERT(again->modules.size() == substrate->modules.size() &&
              again->couplings.size() == substrate->couplings.size());
  const auto places = thermo::places(*substrate);
  if (places.free_units <= kAssessedUnitsMax && places.clamped_units <= kAssessedUnitsMax) {
    const auto assessment = thermo::validate(*substrate, {});
    CALX_ASSERT(assessment || !assessment.error().message.empty());
  }
  return 0;
}
