// calx-agent: `calx device agent` as one program that needs no other file, for the controllers of
// miners. The options are the same, because the code is.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "apps/cli/device.h"
#include "calx/hash/kernel.h"

namespace {

using calx::Result;

Result<void> use_kernel(const std::string& name) {
  const auto status = calx::hash::force_kernel(name);
  if (status == calx::hash::KernelStatus::kChosen) return {};
  return calx::fail(calx::ErrorCode::kInvalidArgument,
                    fmt::format("kernel {} is {}", name, calx::hash::to_string(status)));
}

Result<int> run(const calx::cli::Session& session) {
  const char* kernel = std::getenv("CALX_KERNEL");
  if (kernel != nullptr && *kernel != '\0') CALX_TRY(use_kernel(kernel));
  return session.action();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The Hasher Server: engines of this machine for others over gRPC.", "calx-agent"};
  app.set_version_flag("--version", CALX_VERSION);
  app.get_formatter()->column_width(34);
  app.footer("Exit status: 0 done, 2 bad usage or input, 3 unavailable, 130 interrupted twice.");
  calx::cli::Session session;
  app.add_flag("--json", session.json, "print where it listens as JSON");
  calx::cli::add_agent_options(app, session, "calx-agent");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "calx-agent: {} (see calx-agent --help)\n", error.what());
    return calx::cli::kBadInput;
  }
  const auto status = run(session);
  if (status) return *status;
  fmt::print(stderr, "calx-agent: {}\n", status.error().message);
  return calx::exit_status(status.error().code);
}
