#include "apps/cli/engine.h"

#include <fmt/format.h>

#include "apps/cli/bridge_engine.h"
#include "apps/cli/remote.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::cli {
namespace {

constexpr std::string_view kBridge = "bridge=", kListen = "listen=";

// The part up to the next comma, taken off the text.
std::string_view take_part(std::string_view& text) {
  const std::size_t comma = text.find(',');
  const std::string_view part = text.substr(0, comma);
  text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  return part;
}

Result<remote::ConnectionOptions> connection_options(std::string_view text) {
  remote::ConnectionOptions options;
  CALX_ASSIGN(address, parse_address(take_part(text)));
  options.address = std::move(address);
  while (!text.empty()) {
    const std::string_view part = take_part(text);
    const std::size_t equals = part.find('=');
    const std::string_view key = part.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? "" : part.substr(equals + 1));
    if (key == "token-file") {
      CALX_ASSIGN(token, read_token(value));
      options.token = std::move(token);
    } else if (key == "roots") {
      options.tls = true;
      options.roots = value;
    } else if (key == "name") {
      options.server_name = value;
    } else {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("\"{}\" is not known behind an engine's address: token-file=, "
                              "roots=, name=",
                              part));
    }
  }
  return options;
}

}  // namespace

Result<Engine> open_engine(std::string_view text) {
  Engine engine{.name = std::string(text)};
  if (text == "software") {
    engine.runner = &work::software_runner();
    return engine;
  }
  if (text.starts_with(kListen)) {
    CALX_ASSIGN(miners, open_bridge_engine(text.substr(kListen.size())));
    engine.owned = std::move(miners);
    engine.runner = engine.owned.get();
    return engine;
  }
  if (!text.starts_with(kBridge)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("no engine is called \"{}\": software, bridge=HOST:PORT, listen=HOST:PORT",
                    text));
  }
  CALX_ASSIGN(options, connection_options(text.substr(kBridge.size())));
  CALX_ASSIGN(module, remote_module());
  CALX_ASSIGN(connection, module->connect(options));
  CALX_ASSIGN(runner, connection->runner());
  engine.owned = std::move(runner);
  engine.runner = engine.owned.get();
  return engine;
}

}  // namespace calx::cli
