#include "tests/agents/agent_process.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace calx::device {
namespace {

// What a kernel driver with one owner says to the second, for the calls of this very process.
void make_devices_busy() {
  constexpr auto kFlags = static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 2 * 8);
  std::array filter = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kFlags),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_EXCL, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EBUSY),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = filter.size(), .filter = filter.data()};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

std::vector<std::string> agent_command(AgentKind kind) {
  if (kind == AgentKind::kNative) return {CALX_ASIC_AGENT};
  const std::string emulator = CALX_QEMU_MIPS, program = CALX_ASIC_AGENT_MIPS;
  if (emulator.empty() || !std::filesystem::exists(program)) return {};
  // A 24Kc has no floating-point unit: an instruction of one is a fault there.
  return {emulator, "-cpu", "24Kc", program};
}

AgentProcess::AgentProcess(AgentKind kind, const Options& options) : options_(options) {
  std::string pattern = (std::filesystem::temp_directory_path() / "calx-agent-XXXXXX").string();
  folder_ = ::mkdtemp(pattern.data());
  std::ofstream(folder_ + "/token") << options.token << "\n";
  std::vector<std::string> words = agent_command(kind);
  if (options.trace) words.insert(words.begin() + 1, "-strace");
  for (const std::string& word :
       {std::string("--device"), options.device, std::string("--listen"),
        std::string("127.0.0.1:0"), std::string("--token-file"), folder_ + "/token",
        std::string("--heartbeat-ms"), std::to_string(options.heartbeat_ms)}) {
    words.push_back(word);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string errors = folder_ + "/errors";
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  child_ = ::fork();
  if (child_ == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(::open(errors.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), STDERR_FILENO);
    if (options.busy) make_devices_busy();
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  std::string line;
  for (char c = 0; ::read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
  ::close(ends[0]);
  unsigned port = 0;
  if (std::sscanf(line.c_str(), "listening on port %u", &port) == 1) {
    port_ = static_cast<std::uint16_t>(port);
  }
}

AgentProcess::~AgentProcess() {
  if (child_ > 0) {
    signal(SIGKILL);
    wait();
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void AgentProcess::signal(int number) const {
  if (child_ > 0) ::kill(child_, number);
}

int AgentProcess::wait() {
  int status = 0;
  ::waitpid(child_, &status, 0);
  child_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string AgentProcess::errors() const { return read_text(folder_ + "/errors"); }

std::uint64_t AgentProcess::resident_kib() const {
  const std::string status = read_text("/proc/" + std::to_string(child_) + "/status");
  const std::size_t at = status.find("VmRSS:");
  return at == std::string::npos ? 0 : std::stoull(status.substr(at + 6));
}

}  // namespace calx::device
