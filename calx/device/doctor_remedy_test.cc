// Goal: each remedy does what it showed, nothing else, and goes back; none is done out of turn.
// Method: made-up trees of proc, etc and var with permissions of their own; programs of the tree
// that write down how they were called; a child process of this test that holds a real file open.
#include "calx/device/doctor_remedy.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "calx/base/atomic_file.h"

namespace calx::device {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kTable =
    "# cgminer-monitor was here\n*/3 * * * * /usr/bin/cgminer-monitor\n0 * * * * ntpd\n"
    "@reboot /usr/bin/cgminer -q";

class DoctorRemedyTest : public testing::Test {
 protected:
  DoctorRemedyTest()
      : root_(fs::temp_directory_path() / ("calx_remedy_" + std::to_string(::getpid()))) {
    fs::remove_all(root_);
    file("dev/bitmain-asic", "");
    module(0);
  }
  ~DoctorRemedyTest() override { fs::remove_all(root_); }

  void file(const fs::path& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  [[nodiscard]] std::string text(const fs::path& name) const {
    std::ostringstream all;
    all << std::ifstream(root_ / name).rdbuf();
    return all.str();
  }
  void module(int owners) const {
    file("proc/modules", "bitmain_asic 35000 " + std::to_string(owners) + " - Live 0x0\n");
  }
  void process(int pid, const std::string& name, const std::string& open) const {
    const fs::path folder = "proc/" + std::to_string(pid);
    file(folder / "comm", name + "\n");
    file(folder / "stat", std::to_string(pid) + " (" + name +
                              ") S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n");
    file(folder / "cmdline", std::string("/usr/bin/") + name + '\0' + "-q" + '\0');
    fs::create_directories(root_ / folder / "fd");
    fs::create_symlink(open, root_ / folder / "fd" / "3");
  }
  // A program of the tree that writes its call down and then runs `then`.
  void program(const std::string& name, const std::string& then) const {
    file("sbin/" + name,
         "#!/bin/sh\necho " + name + " \"$@\" >> " + (root_ / "log").string() + "\n" + then + "\n");
    fs::permissions(root_ / "sbin" / name, fs::perms::owner_all);
  }
  [[nodiscard]] BitmainPlace place() const { return {.root = root_}; }
  Result<void> cure(Remedy remedy) const {
    const auto plan = plan_remedy(remedy, place());
    if (!plan) return std::unexpected(plan.error());
    RealSystem system(place());
    return apply(*plan, system, {});
  }
  fs::path root_;
};

TEST_F(DoctorRemedyTest, CronLinesAreCommentedOutAndPutBackByteForByte) {
  file("etc/crontabs/root", kTable);
  fs::permissions(root_ / "etc/crontabs/root", fs::perms::owner_read | fs::perms::owner_write);
  const auto plan = plan_remedy(Remedy::kCron, place());
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(text("etc/crontabs/root"), kTable) << "a plan changes nothing";
  EXPECT_THAT(describe(*plan),
              ElementsAre(HasSubstr("/etc/crontabs/root line 2"), HasSubstr("line 4")));
  RealSystem system(place());
  ASSERT_TRUE(apply(*plan, system, {}));
  EXPECT_THAT(text("etc/crontabs/root"),
              HasSubstr("\n#calx-doctor# */3 * * * * /usr/bin/cgminer-monitor\n0 * * * * ntpd\n"
                        "#calx-doctor# @reboot"));
  struct stat after{};
  ASSERT_EQ(::stat((root_ / "etc/crontabs/root").c_str(), &after), 0);
  EXPECT_EQ(after.st_mode & 07777, 0600u);
  EXPECT_EQ(plan_remedy(Remedy::kCron, place()).error().code, ErrorCode::kNotFound) << "done";
  EXPECT_EQ(find_marked_lines(root_), plan->lines);

  const auto path = root_ / "record.json";
  ASSERT_TRUE(save_plan(*plan, path));
  const auto bytes = read_file(path, kRemedyFileBytesMax);
  const auto record =
      parse_remedy_record({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(*record, *plan);
  ASSERT_TRUE(undo(*record));
  EXPECT_EQ(text("etc/crontabs/root"), kTable);
  EXPECT_TRUE(undo(*record)) << "twice is once";
}

TEST_F(DoctorRemedyTest, ALineThatChangedAndATableThatIsALinkAreLeftAlone) {
  file("etc/crontabs/root", kTable);
  const auto plan = plan_remedy(Remedy::kCron, place());
  ASSERT_TRUE(plan);
  file("etc/crontabs/root", "another line\n" + std::string(kTable));
  RealSystem system(place());
  EXPECT_EQ(apply(*plan, system, {}).error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(undo(*plan).value().size(), 0u) << "they are in force already";

  file("etc/crontabs/root", "0 * * * * ntpd\n");
  EXPECT_EQ(undo(*plan).error().code, ErrorCode::kNotFound);

  const fs::path outside = root_.string() + "_outside";
  std::ofstream(outside) << kTable;
  fs::remove(root_ / "etc/crontabs/root");
  fs::create_symlink(outside, root_ / "etc/crontabs/root");
  EXPECT_EQ(apply(*plan, system, {}).error().code, ErrorCode::kUnavailable);
  CronLine up = plan->lines.front();
  up.table = "/../" + outside.filename().string();
  EXPECT_EQ(mark_line(root_, up).error().code, ErrorCode::kUnavailable);
  std::ifstream in(outside);
  std::string first, second;
  std::getline(in, first), std::getline(in, second);
  EXPECT_EQ(second, "*/3 * * * * /usr/bin/cgminer-monitor");
  fs::remove(outside);
}

TEST_F(DoctorRemedyTest, RemediesHaveAnOrder) {
  file("etc/crontabs/root", kTable);
  process(412, "cgminer", "/dev/bitmain-asic");
  EXPECT_THAT(plan_remedy(Remedy::kReloadModule, place()).error().message,
              HasSubstr("--remedy stop-holder comes first"));
  EXPECT_THAT(plan_remedy(Remedy::kStopHolder, place()).error().message,
              HasSubstr("--remedy cron comes first"));
  fs::remove_all(root_ / "etc");
  const auto plan = plan_remedy(Remedy::kStopHolder, place());
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(describe(*plan), ElementsAre(HasSubstr("/usr/bin/cgminer -q")));
  fs::remove_all(root_ / "proc/412");
  EXPECT_EQ(plan_remedy(Remedy::kStopHolder, place()).error().code, ErrorCode::kNotFound);
}

TEST_F(DoctorRemedyTest, ProcessesOfAnotherTreeAreNeverSignalled) {
  process(::getppid() + 1, "cgminer", "/dev/bitmain-asic");
  const auto refused = cure(Remedy::kStopHolder);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("not this system's"));
  fs::remove_all(root_ / "proc" / std::to_string(::getppid() + 1));
  process(1, "init", "/dev/bitmain-asic");
  EXPECT_EQ(cure(Remedy::kStopHolder).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(DoctorRemedyTest, TheModuleIsReloadedWithoutForce) {
  module(1);
  program("rmmod", "exit 1");
  program("modprobe", "exit 0");
  const auto refused = cure(Remedy::kReloadModule);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("It is not forced; restart the miner"));
  EXPECT_EQ(text("log"), "rmmod bitmain_asic\n") << "and modprobe is not tried";
  program("rmmod", "exit 0");
  fs::remove(root_ / "log");
  const auto done = cure(Remedy::kReloadModule);
  EXPECT_TRUE(done) << done.error().message;
  EXPECT_EQ(text("log"), "rmmod bitmain_asic\nmodprobe bitmain_asic\n");
  fs::remove(root_ / "dev/bitmain-asic");
  EXPECT_THAT(cure(Remedy::kReloadModule).error().message, HasSubstr("is missing"));
  fs::remove(root_ / "sbin/rmmod");
  EXPECT_EQ(cure(Remedy::kReloadModule).error().code, ErrorCode::kNotFound);
  file("proc/modules", "");
  EXPECT_EQ(cure(Remedy::kReloadModule).error().code, ErrorCode::kNotFound);
}

TEST_F(DoctorRemedyTest, SpoiltRecordsAreRefused) {
  for (const char* wrong : {"", "[]", "{}", R"({"format":"calx-doctor-1"})",
                            R"({"format":"calx-doctor-1","root":"/","remedy":"kill"})"}) {
    EXPECT_EQ(parse_remedy_record(wrong).has_value(), false) << wrong;
  }
}

// A child that holds a file open, and ends when it is told to or does not care.
class Holder {
 public:
  Holder(const fs::path& file, bool stubborn) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    child_ = ::fork();
    if (child_ == 0) {
      if (stubborn) ::signal(SIGTERM, SIG_IGN);
      const int held = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
      const char done = held < 0 ? 0 : 1;
      if (::write(ready[1], &done, 1) != 1) ::_exit(1);
      for (int i = 0; i < 600; ++i) ::usleep(100'000);
      ::_exit(0);
    }
    char done = 0;
    EXPECT_EQ(::read(ready[0], &done, 1), 1);
    EXPECT_EQ(done, 1);
    ::close(ready[0]), ::close(ready[1]);
  }
  ~Holder() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  [[nodiscard]] int pid() const { return child_; }
  // The signal that ended it.
  int wait() {
    int status = 0;
    ::waitpid(child_, &status, 0);
    child_ = 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

 private:
  pid_t child_ = 0;
};

TEST_F(DoctorRemedyTest, ARealHolderOfARealFileIsAskedToEnd) {
  const BitmainPlace real{.root = "/", .device = fs::canonical(root_ / "dev/bitmain-asic")};
  if (!find_miner_lines("/").empty()) GTEST_SKIP() << "a cron table here starts a miner";
  Holder holder(real.device, false);
  const auto plan = plan_remedy(Remedy::kStopHolder, real);
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->holders.size(), 1u);
  EXPECT_EQ(plan->holders[0].pid, holder.pid());
  EXPECT_GT(plan->holders[0].started, 0u);
  RealSystem system(real);
  const auto done = apply(*plan, system, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(holder.wait(), SIGTERM);
  EXPECT_EQ(undo(*plan)->size(), 1u) << "its command, to be started by hand";
  EXPECT_TRUE(apply(*plan, system, {})) << "gone already";
}

TEST_F(DoctorRemedyTest, AStubbornHolderIsNotKilled) {
  const BitmainPlace real{.root = "/", .device = fs::canonical(root_ / "dev/bitmain-asic")};
  if (!find_miner_lines("/").empty()) GTEST_SKIP() << "a cron table here starts a miner";
  const Holder holder(real.device, true);
  const auto plan = plan_remedy(Remedy::kStopHolder, real);
  ASSERT_TRUE(plan);
  RealSystem system(real);
  std::stop_source stop;
  stop.request_stop();  // instead of kStopHolderMax
  EXPECT_EQ(apply(*plan, system, stop.get_token()).error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(still_holds(real, plan->holders[0]));
  MinerProcess later = plan->holders[0];
  ++later.started;  // a process of the same number that began later
  EXPECT_EQ(system.ask_to_end(later).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace calx::device
