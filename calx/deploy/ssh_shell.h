// A shell on another machine over SSH (libssh), with its host key checked strictly.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "calx/deploy/shell.h"

namespace calx::deploy {

inline constexpr std::uint16_t kSshPort = 22;

struct SshOptions {
  std::string host = {}, user = {};
  std::uint16_t port = kSshPort;
  std::filesystem::path known_hosts = {};         // must hold the key of the host, or
  std::filesystem::path global_known_hosts = {};  // this one does; each may not exist
  std::filesystem::path identity = {};            // a private key; then no agent is asked
  std::string agent_socket = {};                  // of an SSH agent; empty: none
  bool password = false;                          // ask `secret` for it when keys did not do
  /// Returns what a person, a file or a descriptor has for this prompt: a password, or the
  /// passphrase of `identity`. May be null: there is none.
  std::function<Result<std::string>(std::string_view prompt)> secret = {};
  std::chrono::milliseconds connect_time = std::chrono::seconds(15);  // with the key exchange
};

/// Connects, checks the host key, and proves who we are: by `identity` or else by the keys of the
/// agent, then by password if that is allowed. No configuration file of ssh is read, and neither is
/// the environment. The caller ignores SIGPIPE. One thread at a time. A connection that broke is
/// made anew by the next run(), with everything checked again.
///
/// Errors: kUnavailable (nobody there), kDeadlineExceeded, kInvalidArgument (the host is unknown:
/// the message has its fingerprint and the line that makes it known; nobody let us in; the key file
/// is readable for others), kDataLoss (the host key is another than the known one), kNotFound (the
/// key file).
Result<std::unique_ptr<Shell>> open_ssh(const SshOptions& options);

}  // namespace calx::deploy
