// What a server of calx.v1 or hasher.v1 says of itself, for `calx device probe grpc://HOST:PORT`.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "calx/base/result.h"

namespace calx::cli {

inline constexpr std::string_view kAgentScheme = "grpc://", kSecureAgentScheme = "grpcs://";

struct AgentProbeOptions {
  std::string token_file, roots, server_name;
};

/// --token-file, --roots and --name.
void add_agent_probe_options(CLI::App& verb, AgentProbeOptions& options);

/// Whether the text names a server of gRPC and not a miner.
bool names_agent(std::string_view address) noexcept;

/// Prints it; grpcs:// is TLS. Errors: those of remote::probe() and of the files.
Result<int> probe_agent(std::string_view address, const AgentProbeOptions& options, bool json);

}  // namespace calx::cli
