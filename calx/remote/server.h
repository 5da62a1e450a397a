// The Hasher Server: engines of this machine, offered to others over gRPC as calx.v1 and hasher.v1.
//
// docs/protocol/remote.md says what each call does and what a token and TLS protect.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "calx/base/address.h"
#include "calx/base/result.h"
#include "calx/hash/engine.h"
#include "calx/work/job_runner.h"

namespace calx::signal {
class Batcher;
class DevicePool;
}  // namespace calx::signal

namespace calx::remote {

inline constexpr std::uint16_t kDefaultPort = 8888;
inline constexpr std::size_t kTokenBytesMin = 16;
inline constexpr std::size_t kTokenBytesMax = 4096;
/// A file that holds a key or a certificate.
inline constexpr std::uint64_t kPemBytesMax = 1 << 20;
/// Of a Digest call of calx.v1, and of a ComputeBatch of hasher.v1.
inline constexpr std::size_t kDigestMessagesMax = 65'536;
inline constexpr std::size_t kHasherBatchMax = 256;
/// The time that hasher.v1 gives to MineWork.
inline constexpr std::chrono::milliseconds kMineWorkTime = std::chrono::seconds(5);

struct ServerOptions {
  Address listen = {.host = "127.0.0.1", .port = kDefaultPort};  // port 0: a free one
  std::string token = {};  // "authorization: Bearer <token>"; may be empty on loopback alone
  std::filesystem::path certificate = {}, key = {};  // PEM files; both or none
  std::size_t call_bytes_max = std::size_t{16} << 20;
  std::chrono::milliseconds call_time_max = std::chrono::hours(24);
  int threads_max = 256;  // calls at the same time; further ones get RESOURCE_EXHAUSTED
};

/// What stands behind the calls; each may be null, then its calls are UNIMPLEMENTED. All must
/// outlive the server and be thread-safe.
struct ServerParts {
  hash::DigestEngine* digests = nullptr;
  hash::HeaderScanner* scanner = nullptr;
  work::JobRunner* runner = nullptr;
  signal::Batcher* batcher = nullptr;
  const signal::DevicePool* pool = nullptr;  // its health
  std::string name = "software", device_path = "software", firmware = {};
  std::uint32_t chips = 0;
};

class Server {
 public:
  Server() = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Stops at once.
  virtual ~Server() = default;

  /// The address with the port in use.
  [[nodiscard]] virtual const Address& address() const noexcept = 0;
  /// Takes no new calls; those that run have `grace` to end, then they are cancelled.
  virtual void stop(std::chrono::milliseconds grace) = 0;
  /// Counters in Prometheus' text form.
  [[nodiscard]] virtual std::string metrics() const = 0;
};

/// Errors: kInvalidArgument (not on loopback without a token; a token that is too short; a
/// certificate without a key), kNotFound (their files), kUnavailable (the port is taken, or the
/// certificate and the key do not fit).
Result<std::unique_ptr<Server>> start_server(const ServerOptions& options,
                                             const ServerParts& parts);

}  // namespace calx::remote
