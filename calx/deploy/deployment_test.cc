// Goal: whatever goes wrong on the way, an agent that served before serves afterwards, and nothing
// is left that a deployment placed. Method: fault. The real scripts in the shells of this machine
// (busybox with a few of its tools alone, and /bin/sh), in a folder of the test; agents are scripts
// that write their name into a file and sleep. SSH is tested in tests/deploy.py.
#include "calx/deploy/deployment.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "calx/deploy/far_side.h"

namespace calx::deploy {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::HasSubstr;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A shell of this machine that starts in `home` with the tools in `path`.
class LocalShell final : public Shell {
 public:
  LocalShell(std::vector<std::string> program, fs::path home, std::string path)
      : program_(std::move(program)), home_(std::move(home)), path_(std::move(path)) {}

  Result<Outcome> run(std::string_view script, std::span<const std::uint8_t> input, std::size_t,
                      Deadline) override {
    ++runs;
    const bool uploads = !input.empty();
    const bool cut = uploads && input.size() > upload_bytes_max;
    if (cut) input = input.first(upload_bytes_max);
    std::ofstream(home_ / ".in", std::ios::binary)
        .write(reinterpret_cast<const char*>(input.data()),
               static_cast<std::streamsize>(input.size()));
    std::string command(script);
    if (uploads && corrupts) command += "\nfor f in *.new.*; do echo x >> $f; done\n";
    const int status = spawn(command);
    if (cut) return fail(ErrorCode::kUnavailable, "the connection broke");
    return Outcome{
        .status = status, .out = text_of(home_ / ".out"), .err = text_of(home_ / ".err")};
  }

  std::size_t upload_bytes_max = SIZE_MAX;
  bool corrupts = false;
  int runs = 0;

 private:
  int spawn(const std::string& script) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setsid();  // as sshd does
      if (::chdir(home_.c_str()) != 0) ::_exit(126);
      const auto onto = [](const char* name, int flags, int descriptor) {
        ::dup2(::open(name, flags, 0600), descriptor);
      };
      onto(".in", O_RDONLY, 0);
      onto(".out", O_WRONLY | O_CREAT | O_TRUNC, 1);
      onto(".err", O_WRONLY | O_CREAT | O_TRUNC, 2);
      std::vector<const char*> words;
      for (const std::string& word : program_) words.push_back(word.c_str());
      for (const char* word : {"-c", script.c_str(), static_cast<const char*>(nullptr)}) {
        words.push_back(word);
      }
      const std::string path = "PATH=" + path_;
      const std::array<const char*, 2> environment = {path.c_str(), nullptr};
      ::execve(words.front(), const_cast<char**>(words.data()),
               const_cast<char**>(environment.data()));
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::vector<std::string> program_;
  fs::path home_;
  std::string path_;
};

enum class Kind { kPosix, kBusybox };

class DeploymentTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    home_ = fs::temp_directory_path() / ("calx-deploy-" + std::to_string(::getpid()));
    fs::remove_all(home_);
    fs::create_directories(home_ / "bin");
    if (GetParam() == Kind::kPosix) {
      shell_ =
          std::make_unique<LocalShell>(std::vector<std::string>{"/bin/sh"}, home_, "/usr/bin:/bin");
      return;
    }
    const fs::path busybox = "/bin/busybox";
    if (!fs::exists(busybox)) GTEST_SKIP() << "no /bin/busybox";
    for (const char* tool : {"cat", "chmod", "cp", "ln", "mkdir", "mv", "rm", "rmdir", "sed", "sh",
                             "sleep", "sync", "tail"}) {  // no sha256sum, no setsid
      fs::create_symlink(busybox, home_ / "bin" / tool);
    }
    shell_ = std::make_unique<LocalShell>(std::vector<std::string>{busybox, "sh"}, home_,
                                          (home_ / "bin").string());
  }
  void TearDown() override {
    if (shell_ != nullptr) (void)clean_up(*shell_, options(), {});
    fs::remove_all(home_);
  }

  [[nodiscard]] Options options() const {
    return {.arguments = {(home_ / "who served").string()},
            .stop_time = milliseconds(2000),
            .check_time = milliseconds(4000),
            .check_interval = milliseconds(10),
            .alive_time = milliseconds(50)};
  }
  static Payload agent(const std::string& name, const std::string& end = "exec sleep 60") {
    const std::string script = "#!/bin/sh\necho " + name + " > \"$1\"\n" + end + "\n";
    return {.binary = {script.begin(), script.end()}};
  }
  // Well is who wrote his name, unless it is `ill`.
  Result<Report> deploy_agent(const Payload& payload, const std::string& ill = "nobody",
                              std::stop_token stop = {}) {
    const HealthCheck check = [this, ill](Deadline, milliseconds) -> Result<std::string> {
      const std::string who = served();
      if (!who.empty() && who != ill) return who;
      return fail(ErrorCode::kUnavailable, "not well: " + who);
    };
    return deploy(*shell_, payload, options(), check, {}, std::move(stop));
  }
  [[nodiscard]] std::string served() const {
    std::string who = text_of(home_ / "who served");
    return who.substr(0, who.find('\n'));
  }
  [[nodiscard]] bool running() {
    const auto state = shell_->run(FarSide("calx-agent", "x").state(), {}, 100, Deadline::max());
    return state && state->out == "running\n";
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    if (!fs::exists(folder_())) return names;
    for (const auto& entry : fs::directory_iterator(folder_())) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }
  [[nodiscard]] fs::path folder_() const { return home_ / "calx-agent"; }

  fs::path home_;
  std::unique_ptr<LocalShell> shell_;
};

TEST_P(DeploymentTest, OneThatIsWellInTimeMayStayAliveForLonger) {
  Options slow = options();
  slow.check_time = milliseconds(1500);
  slow.alive_time = milliseconds(2000);
  const HealthCheck well = [](Deadline, milliseconds) -> Result<std::string> { return "well"; };
  const auto report = deploy(*shell_, agent("one"), slow, well, {}, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->end, End::kDeployed);
  EXPECT_EQ(report->reason, "");
}

TEST_P(DeploymentTest, ANewAgentServesAndTheOldOneIsKept) {
  auto first = deploy_agent(agent("one"));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->end, End::kDeployed);
  EXPECT_EQ(first->health, "one");
  Payload second = agent("two");
  second.token = {'s', 'e', 'c', 'r', 'e', 't'};
  const auto report = deploy_agent(second, "one");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->health, "two");
  EXPECT_TRUE(running());
  EXPECT_THAT(text_of(folder_() / "calx-agent.old"), HasSubstr("one"));
  EXPECT_THAT(text_of(folder_() / "calx-agent.start"), HasSubstr(" --token-file calx-agent.token"));
  EXPECT_EQ(fs::status(folder_() / "calx-agent.token").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(fs::status(folder_()).permissions(), fs::perms::owner_all);
}

TEST_P(DeploymentTest, AnAgentThatDiesGivesWayToTheOldOne) {
  ASSERT_TRUE(deploy_agent(agent("one")));
  const auto report = deploy_agent(agent("two", "echo no such port; exit 3"));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->end, End::kRolledBack);
  EXPECT_THAT(report->reason, HasSubstr("no such port"));
  EXPECT_EQ(report->health, "one");
  EXPECT_TRUE(running());
  EXPECT_THAT(text_of(folder_() / "calx-agent"), HasSubstr("one"));
}

TEST_P(DeploymentTest, AnAgentThatIsNotWellGivesWayToTheOldOne) {
  ASSERT_TRUE(deploy_agent(agent("one")));
  const auto report = deploy_agent(agent("two", "trap '' TERM; while :; do sleep 1; done"), "two");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->end, End::kRolledBack);
  EXPECT_THAT(report->reason, HasSubstr("not well: two"));
  EXPECT_EQ(served(), "one");
  EXPECT_TRUE(running());
}

TEST_P(DeploymentTest, TheFirstAgentThatDiesLeavesNothingThatRuns) {
  const auto report = deploy_agent(agent("one", "exit 1"));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->end, End::kRemoved);
  EXPECT_FALSE(running());
  EXPECT_FALSE(fs::exists(folder_() / "calx-agent"));
}

TEST_P(DeploymentTest, AnUploadThatBreaksOffLeavesTheOldAgentAlone) {
  ASSERT_TRUE(deploy_agent(agent("one")));
  const auto before = text_of(folder_() / "calx-agent.pid");
  shell_->upload_bytes_max = 20;
  const auto broken = deploy_agent(agent("two"));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(running());
  EXPECT_EQ(text_of(folder_() / "calx-agent.pid"), before) << "the old agent was restarted";
  EXPECT_THAT(text_of(folder_() / "calx-agent"), HasSubstr("one"));
  for (const std::string& name : files()) EXPECT_EQ(name.find(".new."), std::string::npos) << name;
}

TEST_P(DeploymentTest, WhatArrivedChangedIsNeverStarted) {
  ASSERT_TRUE(deploy_agent(agent("one")));
  shell_->corrupts = true;
  const auto report = deploy_agent(agent("two"));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(served(), "one");
  EXPECT_TRUE(running());
}

TEST_P(DeploymentTest, AStopDuringTheCheckBringsTheOldAgentBack) {
  ASSERT_TRUE(deploy_agent(agent("one")));
  std::stop_source stop;
  const std::jthread stopper([&] {
    while (served() != "two") std::this_thread::sleep_for(milliseconds(1));
    stop.request_stop();
  });
  const auto report = deploy_agent(agent("two"), "two", stop.get_token());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(served(), "one");
  EXPECT_TRUE(running());
}

TEST_P(DeploymentTest, CleanUpLeavesNothing) {
  ASSERT_TRUE(deploy_agent(agent("one")));
  ASSERT_TRUE(deploy_agent(agent("two"), "one"));
  const auto clean = clean_up(*shell_, options(), {});
  ASSERT_TRUE(clean) << clean.error().message;
  EXPECT_TRUE(*clean);
  EXPECT_FALSE(fs::exists(folder_()));
  EXPECT_FALSE(running());
  EXPECT_TRUE(*clean_up(*shell_, options(), {})) << "twice is no error";
}

TEST_P(DeploymentTest, CleanUpKeepsTheFilesOfOthers) {
  ASSERT_TRUE(deploy_agent(agent("one")));
  std::ofstream(folder_() / "mine") << "mine";
  const auto clean = clean_up(*shell_, options(), {});
  ASSERT_TRUE(clean) << clean.error().message;
  EXPECT_FALSE(*clean);
  EXPECT_THAT(files(), testing::ElementsAre("mine"));
}

TEST_P(DeploymentTest, AnotherProcessWithTheNumberOfTheAgentIsNotStopped) {
  ASSERT_TRUE(deploy_agent(agent("one")));
  const pid_t other = ::fork();
  if (other == 0) {
    ::execl("/bin/sleep", "sleep", "60", nullptr);
    ::_exit(127);
  }
  std::string noted = text_of(folder_() / "calx-agent.pid");
  const std::string began = noted.substr(noted.find(' '));
  ASSERT_TRUE(shell_->run(FarSide("calx-agent", "x").signal("KILL"), {}, 100, Deadline::max()));
  std::ofstream(folder_() / "calx-agent.pid") << other << " " << std::stoull(began) - 1 << "\n";
  EXPECT_FALSE(running());
  ASSERT_TRUE(clean_up(*shell_, options(), {}));
  EXPECT_EQ(::waitpid(other, nullptr, WNOHANG), 0) << "it was ended";
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
}

TEST_P(DeploymentTest, NothingRunsForAPlan) {
  const auto steps = plan(agent("one"), options());
  EXPECT_GE(steps.size(), 8u);
  EXPECT_EQ(shell_->runs, 0);
  EXPECT_FALSE(fs::exists(folder_()));
}

INSTANTIATE_TEST_SUITE_P(Shells, DeploymentTest, testing::Values(Kind::kPosix, Kind::kBusybox),
                         [](const auto& instance) {
                           return instance.param == Kind::kPosix ? "Posix" : "Busybox";
                         });

TEST(ShellWordTest, AnyTextIsOneWordOfTheShell) {
  for (const std::string text : {"", "a b", "it's", "$(rm)\n`x`", "-n", "\\'\\"}) {
    const std::string command = "[ " + shell_word(text) + " = \"$CALX_TEXT\" ]";
    ::setenv("CALX_TEXT", text.c_str(), 1);
    EXPECT_EQ(std::system(command.c_str()), 0) << text;
  }
}

TEST(StartScriptTest, EveryArgumentIsQuoted) {
  const Payload payload{.binary = {1}, .token = {1}, .certificate = {1}, .key = {1}};
  EXPECT_THAT(start_script(payload, {.arguments = {"--name", "a 'b"}}),
              HasSubstr("exec ./calx-agent '--name' 'a '\\''b' --token-file calx-agent.token "
                        "--tls-cert calx-agent.cert --tls-key calx-agent.key\n"));
}

}  // namespace
}  // namespace calx::deploy
