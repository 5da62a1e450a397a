// Goal: the reason for "device or resource busy", from files alone.
// Method: a made-up root with each cause in turn and all at once; the order of findings is the
// order in which remedies help.
#include "calx/device/doctor.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

namespace calx::device {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class DoctorTest : public testing::Test {
 protected:
  DoctorTest() : root_(fs::temp_directory_path() / ("calx_doctor_" + std::to_string(::getpid()))) {
    fs::remove_all(root_);
    file("dev/bitmain-asic", "");
    module(0);
    process(1, "init", "/dev/null");
  }
  ~DoctorTest() override { fs::remove_all(root_); }

  void file(const fs::path& name, const std::string& text) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  void module(int owners) const {
    file("proc/modules", "usbcore 100 2 - Live 0x0\nbitmain_asic 35000 " + std::to_string(owners) +
                             " - Live 0x0\n");
  }
  void process(int pid, const std::string& name, const std::string& open) const {
    const fs::path folder = "proc/" + std::to_string(pid);
    file(folder / "comm", name + "\n");
    fs::create_directories(root_ / folder / "fd");
    fs::create_symlink(open, root_ / folder / "fd" / "3");
  }
  [[nodiscard]] std::vector<FindingKind> kinds() const {
    std::vector<FindingKind> kinds;
    for (const Finding& finding : examine_bitmain({.root = root_})) kinds.push_back(finding.kind);
    return kinds;
  }
  fs::path root_;
};

TEST_F(DoctorTest, AFreeDeviceIsFree) { EXPECT_EQ(kinds(), (std::vector{FindingKind::kFree})); }

TEST_F(DoctorTest, TheHolderIsNamed) {
  module(1);
  process(412, "cgminer", "/dev/bitmain-asic");
  const auto findings = examine_bitmain({.root = root_});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, FindingKind::kHolder);
  EXPECT_THAT(findings[0].seen, HasSubstr("/proc/412/fd: cgminer"));
}

TEST_F(DoctorTest, CronComesBeforeTheProcessItRestarts) {
  module(1);
  file("etc/crontabs/root",
       "# cgminer-monitor was here\n*/3 * * * * /usr/bin/cgminer-monitor\n0 * * * * ntpd\n");
  process(412, "cgminer", "/dev/bitmain-asic");
  process(413, "cgminer-monitor", "/dev/null");
  const auto findings = examine_bitmain({.root = root_});
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_EQ(findings[0].kind, FindingKind::kRestarter);
  EXPECT_EQ(findings[0].seen, "/etc/crontabs/root: */3 * * * * /usr/bin/cgminer-monitor");
  EXPECT_EQ(findings[1].kind, FindingKind::kHolder);
  EXPECT_EQ(findings[2].kind, FindingKind::kMiner);
}

TEST_F(DoctorTest, AnOwnerThatNobodyIsMeansWedged) {
  module(1);
  const auto findings = examine_bitmain({.root = root_});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, FindingKind::kWedged);
  EXPECT_THAT(findings[0].remedy, HasSubstr("modprobe bitmain_asic"));
}

TEST_F(DoctorTest, WithoutNodeOrModuleThereIsNoDevice) {
  fs::remove(root_ / "dev/bitmain-asic");
  EXPECT_EQ(kinds(), (std::vector{FindingKind::kNoDevice}));
  file("dev/bitmain-asic", "");
  fs::remove(root_ / "proc/modules");
  EXPECT_EQ(kinds(), (std::vector{FindingKind::kNoDevice}));
  fs::remove_all(root_);
  EXPECT_EQ(kinds(), (std::vector{FindingKind::kNoDevice})) << "nothing to read at all";
}

}  // namespace
}  // namespace calx::device
