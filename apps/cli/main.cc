// calx: the command line. Parses, runs one action, turns an Error into one sentence and a status.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "apps/cli/verb.h"

namespace {

// The command as a shell would read it back: words with anything unusual are quoted.
std::string command_text(int argc, char** argv) {
  std::string text = "calx";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool plain =
        !word.empty() &&
        word.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+.,:/@%") ==
            std::string_view::npos;
    text += ' ';
    if (plain) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"From a seed to exact noise, images and receipts that others can check.", "calx"};
  app.set_version_flag("--version", CALX_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Seeds: 0x + 64 hex digits = bytes, a decimal = integer, anything else (or text:...) = "
      "text.\n"
      "Exit status: 0 done, 1 a check failed, 2 bad usage or input, 3 unavailable or not checked,\n"
      "130 interrupted.");

  calx::cli::Session session;
  session.command = command_text(argc, argv);
  app.add_flag("--json", session.json, "print the result as JSON");
  app.fallthrough();
  calx::cli::add_bench(app, session);
  calx::cli::add_device(app, session);
  calx::cli::add_hash(app, session);
  calx::cli::add_imagine(app, session);
  calx::cli::add_noise(app, session);
  calx::cli::add_study(app, session);
  calx::cli::add_thermo(app, session);
  calx::cli::add_train(app, session);
  calx::cli::add_verify(app, session);
  calx::cli::add_weights(app, session);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "calx: {} (see calx --help)\n", error.what());
    return calx::cli::kBadInput;
  }
  if (const char* kernel = std::getenv("CALX_KERNEL"); kernel != nullptr && *kernel != '\0') {
    const auto used = calx::cli::use_kernel(kernel);
    if (!used) session.action = [error = used.error()] { return std::unexpected(error); };
  }
  const auto status = session.action();
  if (status) return *status;
  fmt::print(stderr, "calx: {}\n", status.error().message);
  return calx::exit_status(status.error().code);
}
