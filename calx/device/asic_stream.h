// The wire to a miner whose controller runs calx-asic-agent: what BitmainDriver writes and reads
// goes through calx-asic-1 over TCP to the one owner of /dev/bitmain-asic and back.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "calx/base/address.h"
#include "calx/device/wire.h"

namespace calx::device {

inline constexpr std::uint16_t kAsicPort = 8890;
/// What the device sent and nobody has read; the oldest goes first. Answers of a job that is over
/// are of no use.
inline constexpr std::size_t kAsicUnreadBytesMax = 65'536;

struct AsicStreamOptions {
  Address address = {};  // a numeric IPv4 address
  std::string token = {};
  Origin origin = Origin::kDevice;  // kEmulated when an emulator stands behind the agent
  std::chrono::milliseconds connect_time = std::chrono::seconds(5);
};

/// Connects and shows in both directions that the token is known, without sending it. A thread of
/// the wire's own answers heartbeats, so it may lie idle for days. Frames after the greeting are
/// checked against accidents, not against an attacker on the way: carry them over SSH or a network
/// of their own. Lost connections do not come back: open another.
///
/// write() sends one packet of at most kAsicPacketMax bytes. Errors of the wire: kUnavailable when
/// the agent stops, loses the device or falls silent; kDataLoss for a frame that is none.
/// Errors: kInvalidArgument (address, or a token that the agent does not have), kUnavailable
/// (nobody there, another client has the device), kDeadlineExceeded, kDataLoss (no agent of calx).
Result<std::unique_ptr<Wire>> connect_asic_stream(const AsicStreamOptions& options);

}  // namespace calx::device
