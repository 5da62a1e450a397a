// What FaultPlan::parse takes, to_string writes and parse reads back to the same plan.
#include "calx/base/assert.h"
#include "calx/emulate/fault_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using calx::emulate::FaultPlan;
  const auto plan = FaultPlan::parse({reinterpret_cast<const char*>(data), size});
  if (!plan) return 0;
  for (const double chance : plan->chance) CALX_ASSERT(chance >= 0 && chance <= 1);
  CALX_ASSERT(plan->latency <= calx::emulate::kFaultTimeMax);
  CALX_ASSERT(FaultPlan::parse(plan->to_string()).value() == *plan);
  return 0;
}
