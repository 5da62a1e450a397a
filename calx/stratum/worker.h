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
  Origin origin = Origin::kSoftware;  // declared by the operator; a miner cannot raise it
};

/// "name:token" or "name:token:origin"; without a word the origin is `software`.
/// Errors: kInvalidArgument: an empty or overlong part, a control character, an unknown origin,
/// `modelled` (a formula does not connect).
Result<Worker> parse_worker(std::string_view text);

/// The worker whose name and token these are, or nullptr. The time does not depend on how much of a
/// token is right.
const Worker* find_worker(std::span<const Worker> workers, std::string_view name,
                          std::string_view token);

/// What a share of this connection may be called: "calx-emulator..." lowers to `emulated`,
/// "cpuminer..." to `software`. No user agent raises anything.
Origin lowered(Origin declared, std::string_view user_agent) noexcept;

}  // namespace calx::stratum
