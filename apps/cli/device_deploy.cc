// calx device deploy: an agent onto a machine over SSH, or away from it.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "apps/cli/deployer.h"
#include "apps/cli/device.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/remote.h"
#include "apps/cli/secret.h"
#include "apps/cli/token_file.h"
#include "calx/base/atomic_file.h"
#include "calx/format/canonical_json.h"

namespace calx::cli {
namespace {

using std::chrono::milliseconds;

struct DeployArguments {
  std::string host, binary, folder = "calx-agent", listen;
  std::string token_file, certificate, key, roots, server_name;
  std::vector<std::string> arguments;
  std::string identity, known_hosts, password_file, check = "calx.v1", check_at;
  double check_seconds = 30, connect_seconds = 15;
  int password_descriptor = -1;
  bool password = false, dry_run = false, cleanup = false;
};

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string home_folder() {
  std::string home = from_environment("HOME");
  if (!home.empty()) return home;
  const passwd* me = ::getpwuid(::getuid());
  return me == nullptr ? "." : me->pw_dir;
}

// "[USER@]HOST[:PORT]", an IPv6 number in brackets.
Result<void> parse_host(std::string_view text, deploy::SshOptions& options) {
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    options.user = text.substr(0, at);
    text.remove_prefix(at + 1);
  } else if (const passwd* me = ::getpwuid(::getuid()); me != nullptr) {
    options.user = me->pw_name;
  }
  std::string address(text);
  const bool numbered = text.ends_with(']') || text.find(':') == std::string_view::npos;
  if (numbered) address += fmt::format(":{}", deploy::kSshPort);
  CALX_ASSIGN(parsed, parse_address(address));
  if (options.user.empty() || parsed.port == 0 || parsed.host.starts_with('-')) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is no [USER@]HOST[:PORT]", text));
  }
  options.host = parsed.host, options.port = parsed.port;
  return {};
}

Result<deploy::SshOptions> ssh_options(const DeployArguments& arguments) {
  deploy::SshOptions options;
  CALX_TRY(parse_host(arguments.host, options));
  options.known_hosts =
      arguments.known_hosts.empty() ? home_folder() + "/.ssh/known_hosts" : arguments.known_hosts;
  if (arguments.known_hosts.empty()) options.global_known_hosts = "/etc/ssh/ssh_known_hosts";
  options.identity = arguments.identity;
  options.connect_time = milliseconds(static_cast<std::int64_t>(arguments.connect_seconds * 1000));
  options.agent_socket = from_environment("SSH_AUTH_SOCK");
  const bool file = !arguments.password_file.empty(), open = arguments.password_descriptor >= 0;
  options.password = arguments.password || file || open;
  std::string once;  // a descriptor can be read once, a session may begin twice
  if (open) {
    CALX_ASSIGN(read, read_secret_descriptor(arguments.password_descriptor));
    once = std::move(read);
  } else if (file) {
    CALX_ASSIGN(read, read_secret_file(arguments.password_file));
    once = std::move(read);
  }
  options.secret = [once](std::string_view prompt) -> Result<std::string> {
    if (!once.empty()) return once;
    return ask_secret(prompt);
  };
  return options;
}

Result<deploy::Payload> read_payload(const DeployArguments& arguments) {
  deploy::Payload payload;
  CALX_ASSIGN(binary, read_file(arguments.binary, deploy::kBinaryBytesMax));
  payload.binary = std::move(binary);
  const auto read = [](const std::string& path, std::vector<std::uint8_t>& bytes) -> Result<void> {
    if (path.empty()) return {};
    CALX_ASSIGN(content, read_file(path, remote::kPemBytesMax));
    bytes = std::move(content);
    return {};
  };
  CALX_TRY(read(arguments.certificate, payload.certificate));
  CALX_TRY(read(arguments.key, payload.key));
  if (arguments.token_file.empty()) return payload;
  CALX_ASSIGN(token, read_token(arguments.token_file));
  token += '\n';
  payload.token.assign(token.begin(), token.end());
  return payload;
}

// Where the agent is asked whether it is well.
Result<Address> check_address(const DeployArguments& arguments, const deploy::SshOptions& ssh) {
  if (!arguments.check_at.empty()) return parse_address(arguments.check_at);
  CALX_ASSIGN(listen, parse_address(arguments.listen));
  const bool here = Address{.host = ssh.host}.loopback();
  if (listen.loopback() && !here) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("an agent that listens at {} is reached by {} alone: wanted --listen "
                            "0.0.0.0:{} with --token-file F, or --check-at the end of a tunnel, or "
                            "--check alive",
                            listen.to_string(), ssh.host, listen.port));
  }
  if (listen.host == "0.0.0.0" || listen.host == "::" || listen.loopback()) listen.host = ssh.host;
  return listen;
}

Result<deploy::HealthCheck> health_check(const DeployArguments& arguments,
                                         const deploy::SshOptions& ssh, deploy::Module& deployer) {
  if (arguments.check == "alive") {
    return [](deploy::Deadline, milliseconds since) -> Result<std::string> {
      return fmt::format("it runs after {} ms; nobody asked it anything", since.count());
    };
  }
  CALX_ASSIGN(address, check_address(arguments, ssh));
  if (arguments.check == "tcp") {
    return [&deployer, address](deploy::Deadline deadline, milliseconds) -> Result<std::string> {
      const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(2);
      CALX_TRY(deployer.reach(address.host, address.port, std::min(deadline, soon)));
      return fmt::format("it takes connections at {}", address.to_string());
    };
  }
  remote::ConnectionOptions options{.address = address,
                                    .tls = !arguments.certificate.empty(),
                                    .roots = arguments.roots,
                                    .server_name = arguments.server_name,
                                    .connect_time = std::chrono::seconds(2)};
  if (!arguments.token_file.empty()) {
    CALX_ASSIGN(token, read_token(arguments.token_file));
    options.token = std::move(token);
  }
  CALX_ASSIGN(remote, remote_module());
  return [remote, options](deploy::Deadline, milliseconds since) -> Result<std::string> {
    CALX_ASSIGN(report, remote->probe(options));
    const std::string where = options.address.to_string();
    // Not the one that stood there before: seconds are rounded down.
    if (report.uptime > since + std::chrono::seconds(1)) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("at {} answers one that runs for {} s: another program has the port",
                              where, report.uptime.count()));
    }
    if (!report.serving || !(report.info.digest || report.info.run)) {
      return fail(ErrorCode::kUnavailable, fmt::format("{} serves nothing", where));
    }
    return fmt::format("{} at {} over {}: {}, origin {}", report.info.name, where, report.protocol,
                       report.info.firmware,
                       report.origin ? to_string(*report.origin) : "not told");
  };
}

deploy::Options deploy_options(const DeployArguments& arguments) {
  deploy::Options options{.folder = arguments.folder};
  if (!arguments.listen.empty()) options.arguments = {"--listen", arguments.listen};
  options.arguments.insert(options.arguments.end(), arguments.arguments.begin(),
                           arguments.arguments.end());
  options.check_time = milliseconds(static_cast<std::int64_t>(arguments.check_seconds * 1000));
  if (arguments.check == "alive") options.alive_time = std::chrono::seconds(3);
  return options;
}

Result<int> print_plan(const Session& session, const DeployArguments& arguments,
                       const std::vector<deploy::PlannedStep>& steps) {
  if (session.json) {
    auto list = format::Json::array();
    for (const auto& step : steps) {
      list.push(format::Json{{"step", step.title}, {"script", step.script}});
    }
    CALX_ASSIGN(text, format::encode_pretty_json(format::Json{
                          {"host", arguments.host}, {"dry_run", true}, {"steps", list}}));
    fmt::print("{}", text);
    return kDone;
  }
  int number = 0;
  for (const auto& step : steps) {
    fmt::print("{}. on {}: {}\n", ++number, arguments.host, step.title);
    std::string_view rest = step.script;
    while (!rest.empty()) {
      fmt::print("      {}\n", rest.substr(0, rest.find('\n')));
      rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
    }
  }
  fmt::print("nothing was done: --dry-run\n");
  return kDone;
}

Result<int> print_end(const Session& session, const DeployArguments& arguments,
                      std::string_view end, const deploy::Report& report, int status) {
  if (session.json) {
    format::Json json{{"host", arguments.host}, {"end", end}, {"folder", report.folder}};
    if (!report.health.empty()) json.set("health", report.health);
    if (!report.reason.empty()) json.set("reason", report.reason);
    CALX_ASSIGN(text, format::encode_pretty_json(json));
    fmt::print("{}", text);
    return status;
  }
  if (!report.reason.empty()) fmt::print("the new agent was not well: {}\n", report.reason);
  fmt::print("{}: {}{}{}\n", arguments.host, end, report.folder.empty() ? "" : " in ",
             report.folder);
  if (!report.health.empty()) fmt::print("{}\n", report.health);
  return status;
}

Result<int> run_deploy(const Session& session, const DeployArguments& arguments) {
  if (arguments.binary.empty() && !arguments.cleanup) {
    return fail(ErrorCode::kInvalidArgument, "wanted --binary FILE, the agent to deploy");
  }
  CALX_ASSIGN(deployer, deploy_module());
  const deploy::Options options = deploy_options(arguments);
  if (arguments.cleanup && arguments.dry_run) {
    return print_plan(session, arguments, deployer->clean_up_plan(options));
  }
  deploy::Payload payload;
  if (!arguments.cleanup) {
    CALX_ASSIGN(read, read_payload(arguments));
    payload = std::move(read);
    if (arguments.dry_run) return print_plan(session, arguments, deployer->plan(payload, options));
  }
  const Interrupt interrupt;
  std::signal(SIGPIPE, SIG_IGN);  // a connection that breaks is an error, not an end
  CALX_ASSIGN(ssh, ssh_options(arguments));
  const deploy::Progress progress = [](std::string_view line) {
    fmt::print(stderr, "{}\n", line);
    std::fflush(stderr);
  };
  if (arguments.cleanup) {
    CALX_ASSIGN(shell, deployer->open_ssh(ssh));
    CALX_ASSIGN(clean, deployer->clean_up(*shell, options, progress));
    return print_end(session, arguments,
                     clean ? "cleaned up" : "cleaned up; files of others are left in the folder",
                     {.folder = options.folder}, kDone);
  }
  CALX_ASSIGN(check, health_check(arguments, ssh, *deployer));
  CALX_ASSIGN(shell, deployer->open_ssh(ssh));
  CALX_ASSIGN(report,
              deployer->deploy(*shell, payload, options, check, progress, interrupt.token()));
  return print_end(session, arguments, to_string(report.end), report,
                   report.end == deploy::End::kDeployed ? kDone : kCheckFailed);
}

void add_login_options(CLI::App& verb, DeployArguments& a) {
  verb.add_option("--identity", a.identity,
                  "private key to log in with; without it the keys of the SSH agent");
  verb.add_option("--known-hosts", a.known_hosts,
                  "file that must hold the host's key; without it ~/.ssh/known_hosts");
  verb.add_option("--connect-time", a.connect_seconds, "seconds to connect and log in")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  auto* ask = verb.add_flag("--password", a.password, "ask for a password on the terminal");
  auto* file = verb.add_option("--password-file", a.password_file,
                               "file with the password in its first line, mode 0600");
  auto* open = verb.add_option("--password-fd", a.password_descriptor,
                               "open descriptor to read the password from, as in 3<file");
  file->excludes(open)->excludes(ask);
  open->excludes(ask);
}

}  // namespace

void add_device_deploy(CLI::App& device, Session& session) {
  auto* verb =
      device.add_subcommand("deploy", "put an agent onto a machine over SSH, and start it");
  auto a = std::make_shared<DeployArguments>();
  a->listen = fmt::format("127.0.0.1:{}", remote::kDefaultPort);
  verb->add_option("host", a->host, "[USER@]HOST[:PORT] of its SSH server")->required();
  verb->add_option("--binary", a->binary, "the agent, built for that machine: calx-agent");
  verb->add_option("--listen", a->listen, "HOST:PORT where the agent listens there")
      ->capture_default_str();
  verb->add_option("--token-file", a->token_file,
                   "its token; the first line goes there, mode 0600");
  verb->add_option("--tls-cert", a->certificate, "PEM file of its certificate; goes there, 0600");
  verb->add_option("--tls-key", a->key, "PEM file of its key; goes there, mode 0600");
  verb->add_option("--argument", a->arguments, "one further word of its command line; repeatable")
      ->allow_extra_args(false);
  verb->add_option("--folder", a->folder, "folder there, made if it is missing")
      ->capture_default_str();
  verb->add_option("--check", a->check,
                   "how it is asked whether it is well: calx.v1 (device info and health), tcp (it "
                   "takes connections) or alive (it does not end within 3 s)")
      ->check(CLI::IsMember({"calx.v1", "tcp", "alive"}))
      ->capture_default_str();
  verb->add_option("--check-at", a->check_at, "HOST:PORT to ask at, if not HOST and its port");
  verb->add_option("--check-time", a->check_seconds, "seconds until it must be well")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  verb->add_option("--roots", a->roots, "PEM file of the roots to trust when it is asked over TLS");
  verb->add_option("--name", a->server_name, "name in its certificate, if it is not HOST");
  add_login_options(*verb, *a);
  verb->add_flag("--dry-run", a->dry_run, "print each step with its script, connect to nobody");
  verb->add_flag("--cleanup", a->cleanup, "stop the agent and remove all that deployments placed");
  verb->footer(
      "The old agent serves until the new files are there and compared. If the new one is not "
      "well,\n"
      "the old files take their places again and the old agent is started. The host key must be\n"
      "known; ~/.ssh/config is not read; a password is never taken from the command line.\n"
      "Exit status: 1 rolled back, 2 refused (host key, login, files), 3 unreachable.");
  verb->callback(
      [&session, a] { session.action = [&session, a] { return run_deploy(session, *a); }; });
}

}  // namespace calx::cli
