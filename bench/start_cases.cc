// The whole process: from nothing to one SD1.5 latent in a file.
#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "bench/cases.h"
#include "bench/child.h"
#include "calx/base/atomic_file.h"

namespace calx::bench {
namespace {

using namespace std::chrono_literals;
constexpr auto kProcessTime = 120s;
constexpr std::size_t kNpyBytes = 128 + 4 * 64 * 64 * sizeof(float);  // header and one latent

// A folder of its own, gone with the last case that uses it.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "calx-bench-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path = name;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

// One program that writes a latent; remembers its largest resident set.
struct Program {
  std::filesystem::path out;
  std::function<std::vector<std::string>(std::uint64_t salt)> argv;
  std::uint64_t rss_kib_max = 0;

  Result<Spent> run(std::uint64_t rounds, std::uint64_t salt) {
    Spent total;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const auto words = argv(salt * 1000 + i);
      CALX_ASSIGN(process, run_process(words, kProcessTime));
      if (process.exit_status != 0)
        return fail(ErrorCode::kUnavailable,
                    fmt::format("{}: exit status {}, wanted 0; it said: {}", words[0],
                                process.exit_status, process.output));
      total.wall_seconds += process.seconds;
      total.cpu_seconds += process.cpu_seconds;
      rss_kib_max = std::max(rss_kib_max, process.rss_kib_max);
    }
    return total;
  }

  Result<void> check() {
    CALX_TRY(run(1, 1));
    CALX_ASSIGN(bytes, read_file(out, 1 << 20));
    if (bytes.size() != kNpyBytes || bytes[0] != 0x93 || bytes[1] != 'N')
      return fail(ErrorCode::kDataLoss, fmt::format("{}: {} bytes, wanted an .npy of {}",
                                                    out.string(), bytes.size(), kNpyBytes));
    return {};
  }
};

Side side_of(std::string name, const std::shared_ptr<Program>& program) {
  return {std::move(name), [program](std::uint64_t rounds, std::uint64_t salt) {
            return program->run(rounds, salt);
          }};
}

}  // namespace

std::vector<Case> start_cases(const Rivals& rivals) {
  const auto folder = std::make_shared<Folder>();
  const auto ours = std::make_shared<Program>();
  ours->out = folder->path / "calx.npy";
  ours->argv = [=, out = ours->out.string(), calx = rivals.calx.string()](std::uint64_t salt) {
    return std::vector<std::string>{
        calx, "noise", "--preset", "sd15", "--seed", std::to_string(salt), "--out", out};
  };
  const auto rival = std::make_shared<Program>();
  rival->out = folder->path / "torch.npy";
  rival->argv = [=, out = rival->out.string()](std::uint64_t salt) {
    return std::vector<std::string>{rivals.python.string(), rivals.script.string(), "start",
                                    std::to_string(salt), out};
  };

  Case work;
  work.name = "start/latent-sd15/python-torch";
  work.item = "process";
  work.as_time = true;
  work.clock = Clock::kWall;
  work.bar = 30;
  work.pairs_max = 11;
  work.ours = side_of("calx noise --preset sd15", ours);
  work.rival = side_of("python3: import torch, numpy; randn; numpy.save", rival);
  work.rival.fixed_rounds = 1;
  const bool has_torch = [&] {
    const auto run =
        run_process({rivals.python.string(), "-c", "import torch, numpy"}, kProcessTime);
    return run && run->exit_status == 0;
  }();
  if (!has_torch) work.missing = rivals.python.string() + " has no torch or no numpy";
  if (rivals.calx.empty()) work.missing = "no path to the command line (--calx)";
  work.check = [=]() -> Result<void> {
    CALX_TRY(ours->check());
    return rival->check();
  };
  work.remark = [=, folder_lives = folder] {
    return fmt::format("peak memory at most {:.1f} MiB against {:.1f} MiB",
                       static_cast<double>(ours->rss_kib_max) / 1024,
                       static_cast<double>(rival->rss_kib_max) / 1024);
  };
  return {std::move(work)};
}

}  // namespace calx::bench
