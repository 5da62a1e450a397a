// calx hash: the kernels, their benches and the header scan.
#include "apps/cli/verb.h"

namespace calx::cli {

void add_hash(CLI::App& app, Session& session) {
  auto* hash = app.add_subcommand("hash", "SHA-256 kernels: list, bench, scan");
  hash->callback([&session] { session.action = [] { return Result<int>(kDone); }; });
}

}  // namespace calx::cli
