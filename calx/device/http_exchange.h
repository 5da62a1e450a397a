// One HTTP request to a device on the local network, and its answer.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "calx/device/lan_address.h"

namespace calx::device {

inline constexpr std::size_t kHttpBodyBytesMax = 256 * 1024;
inline constexpr std::size_t kHttpHeadBytesMax = 16 * 1024;

struct HttpReply {
  int status = 0;
  std::string body;
};

/// A request over a connection of its own, which ends with it. `body` is sent as JSON if not empty.
/// Any status is a reply. Errors: kUnavailable, kDeadlineExceeded, kDataLoss (no HTTP, too long).
Result<HttpReply> http_exchange(const LanAddress& device, std::string_view method,
                                std::string_view path, std::string_view body, Patience patience);

/// The reply in these bytes, which end where the connection did. Errors: kDataLoss.
Result<HttpReply> parse_http_reply(std::string_view bytes);

}  // namespace calx::device
