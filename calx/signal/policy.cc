#include "calx/signal/policy.h"

#include <fmt/format.h>

#include <array>
#include <string>

namespace calx::signal {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<Policy, 5> kPolicies = {{
    // name, cache, search, software_fallback, origin_min, attempts_max, lanes, timeout
    {"training", CacheUse::kFirst, true, true, Origin::kModelled, 3, 1, seconds(60)},
    {"validation", CacheUse::kNever, true, true, Origin::kEmulated, 3, 1, seconds(60)},
    {"clinical", CacheUse::kNever, true, false, Origin::kDevice, 4, 2, minutes(5)},
    {"cached", CacheUse::kOnly, false, false, Origin::kModelled, 0, 0, seconds(0)},
    {"software", CacheUse::kFirst, true, true, Origin::kSoftware, 0, 0, minutes(60)},
}};

}  // namespace

std::span<const Policy> policies() noexcept { return kPolicies; }

Result<Policy> find_policy(std::string_view name) {
  std::string names;
  for (const Policy& policy : kPolicies) {
    if (policy.name == name) return policy;
    names += names.empty() ? "" : ", ";
    names += policy.name;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("no policy is called \"{}\": there are {}", name, names));
}

}  // namespace calx::signal
