// The IP report of an Antminer: a button on its front sends "ip,mac" to everybody on UDP 14235.
// Listened for only when asked; nothing is sent. Source: pyasic @e2b9d357.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/device/lan_address.h"

namespace calx::device {

inline constexpr std::uint16_t kAntminerReportPort = 14235;
inline constexpr std::size_t kAntminerReportBytesMax = 512;
inline constexpr std::size_t kAntminerReportsMax = 256;

struct AntminerReport {
  std::string ip = {}, mac = {};  // mac: "aa:bb:cc:dd:ee:ff", small letters

  friend bool operator==(const AntminerReport&, const AntminerReport&) = default;
};

/// Errors: kDataLoss for anything else than an address of the LAN, a comma and a MAC address;
/// NULs, blanks and line ends behind them are passed over.
Result<AntminerReport> parse_antminer_report(std::string_view text);

/// Every report that comes in `wait`, each sender once. One whose address is not its sender's is
/// dropped. `local` is where to listen. Errors: kUnavailable (the port is taken).
Result<std::vector<AntminerReport>> listen_antminer_reports(const LanAddress& local,
                                                            std::chrono::milliseconds wait,
                                                            std::stop_token stop);

}  // namespace calx::device
