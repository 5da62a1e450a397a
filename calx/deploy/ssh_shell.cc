#include "calx/deploy/ssh_shell.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <libssh/libssh.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "calx/deploy/socket.h"

namespace calx::deploy {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kChunkBytes = 32 * 1024;
constexpr std::chrono::seconds kGoodbyeTime(2);
constexpr int kPromptRoundsMax = 3;  // of keyboard-interactive

template <auto kFree>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
using Session = std::unique_ptr<ssh_session_struct, Freed<ssh_free>>;
using Key = std::unique_ptr<ssh_key_struct, Freed<ssh_key_free>>;
using Channel = std::unique_ptr<ssh_channel_struct, Freed<ssh_channel_free>>;
using Text = std::unique_ptr<char, Freed<ssh_string_free_char>>;

// Does not stay in memory longer than it is needed.
class Secret {
 public:
  explicit Secret(std::string text) noexcept : text_(std::move(text)) {}
  ~Secret() { ::explicit_bzero(text_.data(), text_.size()); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

class SshShell final : public Shell {
 public:
  explicit SshShell(SshOptions options) : options_(std::move(options)) {
    name_ = fmt::format("{}@{}:{}", options_.user, options_.host, options_.port);
  }
  ~SshShell() override { close(); }

  Result<void> open();
  Result<Outcome> run(std::string_view script, std::span<const std::uint8_t> input,
                      std::size_t out_max, Deadline deadline) override;

 private:
  Result<void> set_up();
  Result<void> check_host();
  Result<void> log_in();
  Result<bool> by_key_file();
  Result<bool> by_password(int methods);
  Result<bool> by_prompts(const std::string& password);
  Result<Outcome> run_here(std::string_view script, std::span<const std::uint8_t> input,
                           std::size_t out_max);
  Result<void> read(ssh_channel channel, bool of_errors, std::size_t max, std::string& text);
  void close();

  // What went wrong on the connection: the deadline or what the library says.
  [[nodiscard]] std::unexpected<Error> broken(std::string_view what) const {
    if (watchdog_ && watchdog_->bitten()) {
      return fail(ErrorCode::kDeadlineExceeded, fmt::format("{}: {} took too long", name_, what));
    }
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: {}: {}", name_, what, ::ssh_get_error(session_.get())));
  }

  SshOptions options_;
  std::string name_;
  Socket socket_;
  std::optional<Watchdog> watchdog_;  // on socket_
  Session session_;
};

Result<void> SshShell::open() {
  const Deadline deadline = Clock::now() + options_.connect_time;
  CALX_ASSIGN(connected, connect_to(options_.host, options_.port, deadline));
  socket_ = std::move(connected);
  watchdog_.emplace(socket_.get());
  watchdog_->watch(deadline);
  session_.reset(::ssh_new());
  if (session_ == nullptr) return fail(ErrorCode::kResourceExhausted, "no memory for SSH");
  CALX_TRY(set_up());
  if (::ssh_connect(session_.get()) != SSH_OK) return broken("no SSH connection");
  CALX_TRY(check_host());
  CALX_TRY(log_in());
  watchdog_->watch({});
  return {};
}

Result<void> SshShell::set_up() {
  const int verbosity = SSH_LOG_NOLOG;
  const bool no = false;
  const unsigned int port = options_.port;
  socket_t descriptor = ::fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0);  // the library closes its own
  ssh_session session = session_.get();
  const auto set = [session](ssh_options_e option, const void* value) {
    return ::ssh_options_set(session, option, value) == 0;
  };
  const std::string missing = "/dev/null";
  const auto file = [&missing](const std::filesystem::path& path) {
    return path.empty() ? missing : path.string();
  };
  const bool done = descriptor >= 0 && set(SSH_OPTIONS_LOG_VERBOSITY, &verbosity) &&
                    set(SSH_OPTIONS_PROCESS_CONFIG, &no) &&
                    set(SSH_OPTIONS_HOST, options_.host.c_str()) && set(SSH_OPTIONS_PORT, &port) &&
                    set(SSH_OPTIONS_USER, options_.user.c_str()) &&
                    set(SSH_OPTIONS_FD, &descriptor) &&
                    set(SSH_OPTIONS_KNOWNHOSTS, file(options_.known_hosts).c_str()) &&
                    set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, file(options_.global_known_hosts).c_str()) &&
                    (options_.agent_socket.empty() ||
                     set(SSH_OPTIONS_IDENTITY_AGENT, options_.agent_socket.c_str()));
  if (done) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: not taken by libssh: {}", name_, ::ssh_get_error(session)));
}

Result<void> SshShell::check_host() {
  ssh_key raw = nullptr;
  if (::ssh_get_server_publickey(session_.get(), &raw) != SSH_OK) return broken("no host key");
  const Key key(raw);
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (::ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK) {
    return broken("no fingerprint");
  }
  const Text print(::ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size));
  ::ssh_clean_pubkey_hash(&hash);
  char* exported = nullptr;
  if (print == nullptr || ::ssh_pki_export_pubkey_base64(key.get(), &exported) != SSH_OK) {
    return broken("no fingerprint");
  }
  const Text base64(exported);
  const std::string where = options_.port == kSshPort
                                ? options_.host
                                : fmt::format("[{}]:{}", options_.host, options_.port);
  const std::string kind = ::ssh_key_type_to_char(::ssh_key_type(key.get()));
  const std::string known = options_.known_hosts.string();
  switch (::ssh_session_is_known_server(session_.get())) {
    case SSH_KNOWN_HOSTS_OK:
      return {};
    case SSH_KNOWN_HOSTS_CHANGED:
    case SSH_KNOWN_HOSTS_OTHER:
      return fail(
          ErrorCode::kDataLoss,
          fmt::format("{} shows another host key ({}) than the one known: the device was set "
                      "up anew, or somebody is in between; if it was you, remove the old one "
                      "with: ssh-keygen -R {} -f {}",
                      where, print.get(), shell_word(where), shell_word(known)));
    case SSH_KNOWN_HOSTS_UNKNOWN:
    case SSH_KNOWN_HOSTS_NOT_FOUND:
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("the host {} is unknown; its {} key has the fingerprint {}; if that is "
                      "the device's own, type: echo {} >> {}",
                      where, kind, print.get(),
                      shell_word(fmt::format("{} {} {}", where, kind, base64.get())),
                      shell_word(known)));
    case SSH_KNOWN_HOSTS_ERROR:
      break;
  }
  return broken("the known hosts cannot be read");
}

Result<bool> SshShell::by_key_file() {
  const std::string file = options_.identity.string();
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) {
    return fail(ErrorCode::kNotFound, fmt::format("no key file {}", file));
  }
  if ((status.st_mode & 0077) != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has mode {:04o}: a private key is for its owner alone, chmod 600",
                            file, status.st_mode & 07777));
  }
  struct Ask {
    const SshOptions& options;
    std::optional<Error> failed = {};
  } ask{.options = options_};
  const auto passphrase = [](const char*, char* out, std::size_t size, int, int, void* data) {
    Ask& asked = *static_cast<Ask*>(data);
    if (!asked.options.secret) return -1;
    auto given =
        asked.options.secret(fmt::format("passphrase of {}: ", asked.options.identity.string()));
    if (!given) {
      asked.failed = given.error();
      return -1;
    }
    const Secret secret(std::move(*given));
    if (secret.text().size() >= size) return -1;
    std::ranges::copy(secret.text(), out);
    out[secret.text().size()] = '\0';
    return 0;
  };
  ssh_key raw = nullptr;
  const int read = ::ssh_pki_import_privkey_file(file.c_str(), nullptr, passphrase, &ask, &raw);
  if (read != SSH_OK) {
    if (ask.failed) return std::unexpected(*ask.failed);
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} is no private key that opens: its passphrase is wrong or missing, or "
                    "its form is not known",
                    file));
  }
  const Key key(raw);
  const int done = ::ssh_userauth_publickey(session_.get(), nullptr, key.get());
  if (done == SSH_AUTH_ERROR) return broken("login by key");
  return done == SSH_AUTH_SUCCESS;
}

Result<bool> SshShell::by_prompts(const std::string& password) {
  for (int round = 0; round < kPromptRoundsMax; ++round) {
    const int state = ::ssh_userauth_kbdint(session_.get(), nullptr, nullptr);
    if (state == SSH_AUTH_ERROR) return broken("login by password");
    if (state != SSH_AUTH_INFO) return state == SSH_AUTH_SUCCESS;
    const int prompts = ::ssh_userauth_kbdint_getnprompts(session_.get());
    if (prompts > 1) return false;  // it wants more than a password
    if (prompts == 1 && ::ssh_userauth_kbdint_setanswer(session_.get(), 0, password.c_str()) != 0) {
      return broken("login by password");
    }
  }
  return false;
}

Result<bool> SshShell::by_password(int methods) {
  if (!options_.password || !options_.secret) return false;
  CALX_ASSIGN(given, options_.secret(fmt::format("password of {}: ", name_)));
  const Secret password(std::move(given));
  watchdog_->watch(Clock::now() + options_.connect_time);  // a person may have taken long
  if ((methods & SSH_AUTH_METHOD_PASSWORD) != 0) {
    const int done = ::ssh_userauth_password(session_.get(), nullptr, password.text().c_str());
    if (done == SSH_AUTH_ERROR) return broken("login by password");
    if (done == SSH_AUTH_SUCCESS) return true;
  }
  if ((methods & SSH_AUTH_METHOD_INTERACTIVE) != 0) return by_prompts(password.text());
  return false;
}

Result<void> SshShell::log_in() {
  const int open_door = ::ssh_userauth_none(session_.get(), nullptr);
  if (open_door == SSH_AUTH_ERROR) return broken("login");
  if (open_door == SSH_AUTH_SUCCESS) return {};
  const int methods = ::ssh_userauth_list(session_.get(), nullptr);
  std::string tried;
  if (!options_.identity.empty()) {
    CALX_ASSIGN(in, by_key_file());
    if (in) return {};
    tried = "the key " + options_.identity.string();
  } else if (!options_.agent_socket.empty()) {
    const int done = ::ssh_userauth_agent(session_.get(), nullptr);
    if (done == SSH_AUTH_SUCCESS) return {};
    tried = "the keys of the SSH agent";
  }
  CALX_ASSIGN(in, by_password(methods));
  if (in) return {};
  if (options_.password) tried += tried.empty() ? "the password" : " and the password";
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} does not let us in: {}", name_,
                          tried.empty() ? "there is no SSH agent here, so name a key with "
                                          "--identity, or ask for the password with --password"
                                        : tried + " did not do"));
}

Result<void> SshShell::read(ssh_channel channel, bool of_errors, std::size_t max,
                            std::string& text) {
  std::array<char, 16 * 1024> part{};
  for (;;) {
    const int got = ::ssh_channel_read(channel, part.data(), part.size(), of_errors ? 1 : 0);
    if (got < 0) return broken("reading from the shell there");
    if (got == 0) return {};
    if (text.size() + static_cast<std::size_t>(got) > max) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("{}: the shell there printed more than {} bytes", name_, max));
    }
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

Result<Outcome> SshShell::run_here(std::string_view script, std::span<const std::uint8_t> input,
                                   std::size_t out_max) {
  const Channel channel(::ssh_channel_new(session_.get()));
  if (channel == nullptr || ::ssh_channel_open_session(channel.get()) != SSH_OK) {
    return broken("no shell there");
  }
  // Whatever the login shell is, these words are the same to it.
  const std::string command = "/bin/sh -c " + shell_word(script);
  if (::ssh_channel_request_exec(channel.get(), command.c_str()) != SSH_OK) {
    return broken("no shell there");
  }
  while (!input.empty()) {
    const auto count = static_cast<std::uint32_t>(std::min(input.size(), kChunkBytes));
    const int sent = ::ssh_channel_write(channel.get(), input.data(), count);
    if (sent < 0) {
      // A script that ended early says why; a connection that broke does not.
      if (::ssh_channel_is_closed(channel.get()) != 0 && ::ssh_is_connected(session_.get()) != 0) {
        break;
      }
      return broken("writing to the shell there");
    }
    input = input.subspan(static_cast<std::size_t>(sent));
  }
  (void)::ssh_channel_send_eof(channel.get());  // refused when the script has ended: no harm
  Outcome outcome;
  CALX_TRY(read(channel.get(), false, out_max, outcome.out));
  CALX_TRY(read(channel.get(), true, kOutputBytesMax, outcome.err));
  outcome.status = ::ssh_channel_get_exit_status(channel.get());
  if (::ssh_is_connected(session_.get()) == 0 || watchdog_->bitten()) {
    return broken("running a command");
  }
  return outcome;
}

Result<Outcome> SshShell::run(std::string_view script, std::span<const std::uint8_t> input,
                              std::size_t out_max, Deadline deadline) {
  if (session_ == nullptr) {
    if (const auto again = open(); !again) {
      close();
      return std::unexpected(again.error());
    }
  }
  watchdog_->watch(deadline);
  auto outcome = run_here(script, input, out_max);
  if (outcome) {
    watchdog_->watch({});
  } else {
    close();
  }
  return outcome;
}

void SshShell::close() {
  if (session_ == nullptr) return;
  if (!watchdog_->bitten()) {
    watchdog_->watch(Clock::now() + kGoodbyeTime);
    ::ssh_disconnect(session_.get());
  }
  session_.reset();
  watchdog_.reset();
  socket_ = Socket();
}

}  // namespace

Result<std::unique_ptr<Shell>> open_ssh(const SshOptions& options) {
  auto shell = std::make_unique<SshShell>(options);
  CALX_TRY(shell->open());
  return shell;
}

}  // namespace calx::deploy
