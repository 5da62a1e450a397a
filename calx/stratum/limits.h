// Every bound of the server, with a name. A connection that passes one is refused or closed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace calx::stratum {

inline constexpr std::size_t kLineBytesMax = 8192;  // of one request, without its newline

/// Of one connection.
struct Limits {
  double requests_per_second = 2000;        // sustained; a second's worth may come at once
  std::uint32_t bad_requests_max = 32;      // lines that are no request, in a row
  std::uint32_t bad_tokens_max = 3;         // refused authorizations
  std::uint32_t bad_shares_named = 16;      // false shares after which a worker is named a liar,
                                            // if they are more than 1 in 20
  std::uint32_t bad_shares_max = 256;       // false shares in a row, then it is disconnected
  std::size_t output_bytes_max = 32 << 10;  // waiting to be read by the miner
  std::chrono::milliseconds handshake_max = std::chrono::seconds(15);      // until authorized
  std::chrono::milliseconds tls_handshake_max = std::chrono::seconds(10);  // of those, for TLS
  std::chrono::milliseconds silence_max = std::chrono::minutes(10);        // no byte from the miner
  std::chrono::milliseconds write_max = std::chrono::seconds(10);  // a write without progress
  std::chrono::milliseconds keepalive = std::chrono::seconds(30);  // between two notifies
};

}  // namespace calx::stratum
