// calx-hash-1 over TCP: the software machine of direct_hash_engine.h for several hosts.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "calx/base/result.h"
#include "calx/device/lan_address.h"

namespace calx::device {

/// In the range that nobody assigns; chosen here.
inline constexpr std::uint16_t kDirectHashPort = 49170;
inline constexpr std::size_t kDirectHashHostsMax = 16;

class DirectHashServer {
 public:
  /// Port 0 takes a free one. The protocol has no password, so only addresses of the local network
  /// are taken. Errors: kUnavailable (the system refuses the address or port).
  static Result<std::unique_ptr<DirectHashServer>> listen(const LanAddress& where);
  ~DirectHashServer();
  DirectHashServer(const DirectHashServer&) = delete;
  DirectHashServer& operator=(const DirectHashServer&) = delete;

  /// With the port in use.
  [[nodiscard]] const LanAddress& address() const noexcept { return address_; }

  /// Answers until `stop`. A host more than kDirectHashHostsMax is hung up on, as is one that does
  /// not read. Errors: kUnavailable (the listening socket fails).
  Result<void> serve(std::stop_token stop);

 private:
  DirectHashServer(int listener, LanAddress address)
      : listener_(listener), address_(std::move(address)) {}

  int listener_;
  LanAddress address_;
};

}  // namespace calx::device
