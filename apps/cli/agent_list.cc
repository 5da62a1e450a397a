#include "apps/cli/agent_list.h"

#include <fmt/format.h>

#include <string_view>

#include "calx/base/atomic_file.h"

namespace calx::cli {
namespace {

constexpr std::string_view kAgents = "agents=", kSpace = " \t\r";

std::string_view trimmed(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(kSpace), line.size()));
  return line.substr(0, line.find_last_not_of(kSpace) + 1);
}

}  // namespace

Result<std::vector<std::string>> expand_agents(const std::vector<std::string>& engines) {
  std::vector<std::string> expanded;
  for (const std::string& engine : engines) {
    if (!engine.starts_with(kAgents)) {
      expanded.push_back(engine);
      continue;
    }
    const std::string file = engine.substr(kAgents.size());
    CALX_ASSIGN(bytes, read_file(file, kAgentListBytesMax));
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::size_t before = expanded.size();
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size() - 1);
      const std::string_view line = trimmed(text.substr(0, text.find('\n')));
      text.remove_prefix(end + 1);
      if (!line.empty() && line.front() != '#') expanded.push_back(fmt::format("bridge={}", line));
    }
    if (expanded.size() == before) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} names no agent: wanted lines of HOST:PORT[,token-file=F]"
                              "[,roots=F][,name=N]",
                              file));
    }
  }
  return expanded;
}

}  // namespace calx::cli
