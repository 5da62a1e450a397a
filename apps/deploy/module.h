// What the shared module libcalx_deploy.so offers to the command line. Free of libssh, whose
// libraries would cost every start of `calx` some milliseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "calx/base/result.h"
#include "calx/deploy/deployment.h"
#include "calx/deploy/ssh_shell.h"

namespace calx::deploy {

/// Raised with every change of this header or of those it includes from calx/deploy.
inline constexpr std::uint32_t kAbi = 1;

/// The one symbol that the module exports: `extern "C" Module* calx_deploy_module(uint32_t abi)`.
/// Null when the module was built for another kAbi. The object lives as long as the module.
inline constexpr const char* kEntry = "calx_deploy_module";

class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  /// The functions of calx/deploy by the same names.
  virtual Result<std::unique_ptr<Shell>> open_ssh(const SshOptions& options) = 0;
  virtual Result<Report> deploy(Shell& shell, const Payload& payload, const Options& options,
                                const HealthCheck& check, const Progress& progress,
                                std::stop_token stop) = 0;
  virtual Result<bool> clean_up(Shell& shell, const Options& options, const Progress& progress) = 0;
  virtual std::vector<PlannedStep> plan(const Payload& payload, const Options& options) = 0;
  virtual std::vector<PlannedStep> clean_up_plan(const Options& options) = 0;
  /// TCP to that address within the time. Errors: kUnavailable, kDeadlineExceeded.
  virtual Result<void> reach(const std::string& host, std::uint16_t port, Deadline deadline) = 0;
};

}  // namespace calx::deploy
