// Asking the local network who offers a service. One question, repeated once; answers are read for
// a stated time. Only when somebody asks for it.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/device/mdns.h"

namespace calx::device {

inline constexpr std::size_t kMdnsPacketsMax = 1024;   // read in one search
inline constexpr std::size_t kMdnsQuestionsMax = 256;  // asked in one search

struct MdnsOptions {
  std::string service = std::string(kAxeosService);
  LanAddress group{"224.0.0.251", 5353};
  /// Asks this one responder alone instead of the group, where multicast does not reach.
  std::optional<LanAddress> responder = {};
  std::chrono::milliseconds wait{3000};
};

/// Sends from a port of its own (a one-shot query, RFC 6762 section 5.1) over every IPv4 interface
/// that carries multicast, and asks further for what an answer lacks. Packets from outside the LAN
/// are dropped, and so are those that do not parse.
/// Errors: kUnavailable (no such interface, or the system refuses); a stop only ends it early.
Result<std::vector<MdnsService>> browse_mdns(const MdnsOptions& options, std::stop_token stop);

}  // namespace calx::device
