#include "apps/remote/module.h"

#include <fmt/format.h>

#include "calx/hash/kernel.h"

namespace calx::remote {
namespace {

class LoadedModule final : public Module {
 public:
  Result<void> use_kernel(std::string_view name) override {
    const auto status = hash::force_kernel(name);
    if (status == hash::KernelStatus::kChosen) return {};
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("kernel {} is {} in the remote module", name, hash::to_string(status)));
  }

  Result<std::unique_ptr<Server>> start_server(const ServerOptions& options,
                                               const ServerParts& parts) override {
    return remote::start_server(options, parts);
  }

  Result<std::shared_ptr<Connection>> connect(const ConnectionOptions& options) override {
    return remote::connect(options);
  }

  Result<ProbeReport> probe(const ConnectionOptions& options) override {
    return remote::probe(options);
  }
};

}  // namespace
}  // namespace calx::remote

extern "C" __attribute__((visibility("default"))) calx::remote::Module* calx_remote_module(
    std::uint32_t abi) {
  static calx::remote::LoadedModule module;
  return abi == calx::remote::kAbi ? &module : nullptr;
}
