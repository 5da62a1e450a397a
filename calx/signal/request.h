// A request on its way to a stamp, and what it gets.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "calx/hash/digest.h"
#include "calx/work/stamper.h"

namespace calx::signal {

/// Chosen by the caller, once for each request: a second submission under the same id is the same
/// request, not a new one.
using RequestId = hash::Digest;

struct AcceptedRequest {
  RequestId id{};
  hash::Digest commitment{};

  friend bool operator==(const AcceptedRequest&, const AcceptedRequest&) = default;
};

using work::StampedRequest;

/// Called with the name of each durable step, before and after it; tests end the process there.
using StepHook = std::function<void(std::string_view step)>;

}  // namespace calx::signal
