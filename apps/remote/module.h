// What the shared module libcalx_remote.so offers to the command line. Free of gRPC, so that `calx`
// starts in milliseconds and loads the module on the first verb that needs it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "calx/base/result.h"
#include "calx/remote/connection.h"
#include "calx/remote/probe.h"
#include "calx/remote/server.h"

namespace calx::remote {

/// Raised with every change of this header or of those it includes from calx/remote.
inline constexpr std::uint32_t kAbi = 3;

/// The one symbol that the module exports: `extern "C" Module* calx_remote_module(uint32_t abi)`.
/// Null when the module was built for another kAbi. The object lives as long as the module.
inline constexpr const char* kEntry = "calx_remote_module";

class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  /// The module holds its own table of SHA-256 kernels; this forces one there too.
  /// Errors: kInvalidArgument when it is unknown or refused.
  virtual Result<void> use_kernel(std::string_view name) = 0;

  /// remote::start_server(), remote::connect() and remote::probe().
  virtual Result<std::unique_ptr<Server>> start_server(const ServerOptions& options,
                                                       const ServerParts& parts) = 0;
  virtual Result<std::shared_ptr<Connection>> connect(const ConnectionOptions& options) = 0;
  virtual Result<ProbeReport> probe(const ConnectionOptions& options) = 0;
};

}  // namespace calx::remote
