// Who may work here: a name, a token, and what the operator says the machine is.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/origin.h"
#include "calx/base/result.h"

namespace calx::stratum {

inline constexpr std::size_t kWorkerNameBytesMax = 64;
inline constexpr std::size_t kTokenBytesMax = 128;

struct Worker {
  std::string name = {};
  std::string token = {};             // the password of mining.authorize
  Origin origin = Origin::kEmulated;  // declared by the operator; a miner cannot raise it
};

/// "name:token" or "name:token:origin"; the origin is `device`, or `emulated`, as it is without a
/// word. A processor that speaks Stratum stands in for a miner: that is `emulated`. `software` is
/// kept for work that promises the lowest nonce of the template (docs/protocol/stamp.md, section
/// 6), which nobody can promise over Stratum.
/// Errors: kInvalidArgument: an empty or overlong part, a control character, another origin.
Result<Worker> parse_worker(std::string_view text);

/// The worker whose name and token these are, or nullptr. The time does not depend on how much of a
/// token is right.
const Worker* find_worker(std::span<const Worker> workers, std::string_view name,
                          std::string_view token);

/// What a share of this connection may be called: "calx-emulator..." and "cpuminer..." lower to
/// `emulated`. No user agent raises anything.
Origin lowered(Origin declared, std::string_view user_agent) noexcept;

}  // namespace calx::stratum
