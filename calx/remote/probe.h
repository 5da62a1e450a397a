// Who answers at an address, and what they say of themselves, over calx.v1 or hasher.v1.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/remote/connection.h"

namespace calx::remote {

struct ProbedDevice {
  std::string name = {}, state = {}, reason = {};
  std::uint64_t shares = 0, failures = 0, lies = 0;
  Origin origin = Origin::kModelled;
};

/// All of it is the server's own word, but for the round trip.
struct ProbeReport {
  std::string protocol = {};  // "calx.v1", or "hasher.v1" of a server that has no calx.v1
  RemoteInfo info = {};  // of hasher.v1: path, firmware, chips and the digests it always offers
  std::optional<Origin> origin = {};  // empty: the server tells none, as peers of hasher.v1 do
  bool serving = false;
  std::chrono::seconds uptime = {};
  std::vector<ProbedDevice> devices = {};  // of a pool
  std::vector<std::pair<std::string, std::uint64_t>> counters = {};
  std::string prometheus = {};                // calx.v1
  std::chrono::microseconds round_trip = {};  // of the last small call
};

/// Three or four small calls, each within options.connect_time. Errors: those of connect();
/// kUnimplemented (a server of gRPC that has neither).
Result<ProbeReport> probe(const ConnectionOptions& options);

}  // namespace calx::remote
