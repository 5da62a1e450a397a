#include "apps/cli/stage_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "calx/base/atomic_file.h"

namespace calx::cli {
namespace {

constexpr std::uint64_t kReportBytesMax = 1 << 24;

}  // namespace

void StageLine::operator()(const inference::Progress& now) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const auto time = std::chrono::steady_clock::now();
  const std::string stage = now.stage.substr(0, now.stage.find('('));
  const bool fresh = stage != stage_;
  const auto pause = std::chrono::milliseconds(terminal ? 300 : 30'000);
  if (!fresh && now.done != now.count && time - shown_ < pause) return;
  if (fresh && terminal && !stage_.empty()) fmt::print(stderr, "\n");
  stage_ = stage;
  shown_ = time;
  std::string line = now.stage;
  if (now.count > 0) line += fmt::format("  {}/{}", now.done, now.count);
  fmt::print(stderr, "{}{}{}", terminal ? "\r" : "", line, terminal ? "      " : "\n");
  std::fflush(stderr);
}

Result<int> print_stage(const Session& session, const neural::StageOutcome& outcome) {
  if (::isatty(STDERR_FILENO) == 1) fmt::print(stderr, "\n");
  if (session.json) {
    CALX_ASSIGN(text, read_file(outcome.files.json, kReportBytesMax));
    fmt::print("{}", std::string(text.begin(), text.end()));
  } else {
    for (const auto& [word, sentence] : outcome.answers) {
      fmt::print("{:<10} {}\n", word, sentence);
    }
    fmt::print("report     {}\npage       {}\n", outcome.files.markdown.string(),
               outcome.files.page.string());
  }
  return outcome.holds ? kDone : kCheckFailed;
}

}  // namespace calx::cli
