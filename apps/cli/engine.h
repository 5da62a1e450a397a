// Who searches the stamps of a verb: `--engine` on the command line.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "calx/base/result.h"
#include "calx/work/job_runner.h"

namespace calx::cli {

struct Engine {
  std::string name;                                  // as given
  std::unique_ptr<work::JobRunner> owned = nullptr;  // null for software
  work::JobRunner* runner = nullptr;
};

inline constexpr std::string_view kEngineHelp =
    "who searches: software; bridge=HOST:PORT[,token-file=F][,roots=F][,name=N], a server of "
    "calx.v1; or listen=HOST:PORT[,worker=NAME:TOKEN[:ORIGIN]]..., miners that connect there";

/// "software": this processor. "bridge=HOST:PORT": whoever answers calx.v1 there, a `calx device
/// bridge --api` or a `calx device agent`; with `token-file=F` the token in that file is sent, with
/// `roots=F` TLS is used and only certificates under those roots are trusted, with `name=N` the
/// certificate must be for that name. "listen=HOST:PORT": a bridge inside this process, see
/// open_bridge_engine().
/// Errors: kInvalidArgument (the text), kUnavailable (nobody there), those of the files.
Result<Engine> open_engine(std::string_view text);

}  // namespace calx::cli
