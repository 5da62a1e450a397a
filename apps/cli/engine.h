// Who searches the stamps of a verb: `--engine` and `--policy` on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/pool_watch.h"
#include "apps/cli/wire_engine.h"
#include "calx/base/result.h"
#include "calx/signal/device_pool.h"
#include "calx/work/job_runner.h"

namespace calx::cli {

/// Filled by the command line; the same for every verb that searches.
struct EngineOptions {
  std::vector<std::string> engines = {};  // none: software
  std::string policy = {};                // none: training, once there are several engines
};

/// --engine and --policy.
void add_engine_options(CLI::App& verb, EngineOptions& options);

/// The later stands on the earlier and goes first.
struct Engine {
  std::string name;                    // as given, without what follows a comma
  std::vector<WireEngine> wires = {};  // driven by this process
  std::vector<std::unique_ptr<work::JobRunner>> runners = {};  // reached through others
  std::unique_ptr<signal::DevicePool> pool = {};  // of several, or under a policy, or watched
  std::unique_ptr<PoolWatch> watch = {};          // of those whose web interface is told
  signal::Policy policy = {};                     // that of the pool, or of its absence
  work::JobRunner* runner = nullptr;              // thread-safe; never null
  hash::DigestEngine* digests = nullptr;          // of a machine that hashes messages
  hash::HeaderScanner* scanner = nullptr;
  bool software = false;  // this processor and nothing else
};

/// software                this processor
/// agents=FILE             one `bridge=` for each line of the file, see agent_list.h
/// bridge=HOST:PORT        whoever answers calx.v1 there, a `calx device bridge --api` or a
///                         `calx device agent`; with `token-file=F` the token in that file is sent,
///                         with `roots=F` TLS is used and only certificates under those roots are
///                         trusted, with `name=N` the certificate must be for that name
/// listen=HOST:PORT        a bridge inside this process, see open_bridge_engine()
/// chip=, bitmain=, direct-hash=   see wire_engine.h
///
/// Any of them with `web=HOST[:PORT]` is watched by that miner's web interface: while it reports
/// too much heat it gets no work.
///
/// Several, or one under a policy or watched, form a DevicePool: an engine that cannot be opened is
/// told of on stderr and left out. Engines whose jobs must have the template's extranonces, or
/// whose share must be the template's (origin software), get whole jobs; all others get lanes.
/// Errors: kInvalidArgument (a text, the policy), those of opening a single engine; kUnavailable
/// when the policy wants an origin that none of the engines can have.
Result<Engine> open_engine(const EngineOptions& options);

/// What became of each engine of a pool, in lines for people; empty without one.
std::string describe_engines(const Engine& engine);

}  // namespace calx::cli
