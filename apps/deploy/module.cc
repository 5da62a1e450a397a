#include "apps/deploy/module.h"

#include "calx/deploy/socket.h"

namespace calx::deploy {
namespace {

class LoadedModule final : public Module {
 public:
  Result<std::unique_ptr<Shell>> open_ssh(const SshOptions& options) override {
    return deploy::open_ssh(options);
  }
  Result<Report> deploy(Shell& shell, const Payload& payload, const Options& options,
                        const HealthCheck& check, const Progress& progress,
                        std::stop_token stop) override {
    return deploy::deploy(shell, payload, options, check, progress, std::move(stop));
  }
  Result<bool> clean_up(Shell& shell, const Options& options, const Progress& progress) override {
    return deploy::clean_up(shell, options, progress);
  }
  std::vector<PlannedStep> plan(const Payload& payload, const Options& options) override {
    return deploy::plan(payload, options);
  }
  std::vector<PlannedStep> clean_up_plan(const Options& options) override {
    return deploy::clean_up_plan(options);
  }
  Result<void> reach(const std::string& host, std::uint16_t port, Deadline deadline) override {
    CALX_TRY(connect_to(host, port, deadline));
    return {};
  }
};

}  // namespace
}  // namespace calx::deploy

extern "C" __attribute__((visibility("default"))) calx::deploy::Module* calx_deploy_module(
    std::uint32_t abi) {
  static calx::deploy::LoadedModule module;
  return abi == calx::deploy::kAbi ? &module : nullptr;
}
