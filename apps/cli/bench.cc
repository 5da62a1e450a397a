// calx bench: finds the program calx_bench and becomes it, so that calx links no rival.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "apps/cli/verb.h"

namespace calx::cli {
namespace {

namespace fs = std::filesystem;

// From the folder of calx: where it is installed, and where it is built.
constexpr std::array kPlaces = {"../libexec/calx/calx_bench", "../../bench/calx_bench"};

Result<int> become_calx_bench(const std::vector<std::string>& words, bool json) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  std::string looked;
  for (const auto* place : kPlaces) {
    const std::string path = (self.parent_path() / place).lexically_normal().string();
    looked += looked.empty() ? path : " and " + path;
    if (access(path.c_str(), X_OK) != 0) continue;

    std::vector<std::string> arguments = {path};
    arguments.insert(arguments.end(), words.begin(), words.end());
    if (json) arguments.emplace_back("--json");
    arguments.insert(arguments.end(), {"--calx", self.string()});
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    execv(path.c_str(), argv.data());
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: cannot be run ({})", path, std::strerror(errno)));
  }
  return fail(ErrorCode::kUnavailable,
              fmt::format("calx_bench: looked at {}, and it is not there (it is built with "
                          "-DCALX_BUILD_BENCHES=ON)",
                          looked));
}

}  // namespace

void add_bench(CLI::App& app, Session& session) {
  auto* bench = app.add_subcommand("bench",
                                   "time Calx against its rivals and its bars: hash, noise, start, "
                                   "device, all [--against NAME=PATH ...]");
  bench->set_help_flag();     // calx_bench answers --help,
  bench->fallthrough(false);  // and every other option
  bench->prefix_command();
  bench->callback([bench, &session] {
    session.action = [words = bench->remaining(), &session] {
      return become_calx_bench(words, session.json);
    };
  });
}

}  // namespace calx::cli
