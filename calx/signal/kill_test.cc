// Goal: kill -9 at any moment loses no accepted request and stamps none twice, counted by id.
// Method: fault. A child process submits and waits, and tells what it heard in a file of its own;
// it is killed at each named step and at seeded random moments; the next child goes on. In the end
// the journal must have one stamp for every id that any child heard accepted, and the same one that
// any child heard.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "calx/base/hex.h"
#include "calx/signal/batcher.h"
#include "calx/signal/journal.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::signal {
namespace {

constexpr std::uint32_t kRequests = 60, kGroup = 5;
constexpr int kRandomKills = 200, kRoundsMax = 20 * kRandomKills;

BatchRequest request(std::uint32_t number) {
  BatchRequest request;
  request.id[0] = static_cast<std::uint8_t>(number);
  request.commitment.fill(static_cast<std::uint8_t>(number + 1));
  return request;
}

struct Life {
  std::filesystem::path journal = {}, heard = {};
  std::string step = {};  // ends the process at the nth time it comes; empty: never
  int nth = 1;
};

// One write() is whole or absent after SIGKILL.
void tell(int file, const std::string& line) {
  if (::write(file, line.data(), line.size()) != static_cast<::ssize_t>(line.size())) ::_exit(9);
}

[[noreturn]] void live(const Life& life) {
  const int heard = ::open(life.heard.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
  std::atomic<int> left = life.nth;
  const StepHook hook = [&](std::string_view step) {
    if (step == life.step && --left == 0) ::kill(::getpid(), SIGKILL);
  };
  auto journal = Journal::open(life.journal, hook);
  if (heard < 0 || !journal) ::_exit(8);
  {
    Batcher batcher(work::software_runner(), {.target = *work::Target::from_work_bits(6),
                                              .window = std::chrono::microseconds(300),
                                              .requests_max = 7,
                                              .journal = journal->get(),
                                              .step = hook});
    std::vector<std::pair<std::uint32_t, Ticket>> tickets;
    for (std::uint32_t first = 0; first < kRequests; first += kGroup) {
      std::vector<BatchRequest> group;
      for (std::uint32_t i = first; i < first + kGroup; ++i) group.push_back(request(i));
      auto places = batcher.submit(group);
      if (!places) ::_exit(7);
      for (std::uint32_t i = 0; i < kGroup; ++i) {
        tell(heard, "accepted " + std::to_string(first + i) + "\n");
        tickets.emplace_back(first + i, (*places)[i]);
      }
    }
    for (const auto& [number, ticket] : tickets) {
      const auto stamped = ticket.wait();
      if (!stamped) ::_exit(6);
      tell(heard, "stamped " + std::to_string(number) + " " + to_hex(stamped->stamp->hash) + "\n");
    }
  }
  ::_exit(0);
}

class KillTest : public testing::Test {
 protected:
  void SetUp() override {
    // Tests run side by side: each has a folder of its own.
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("calx_kill_test_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] Life life(const std::string& name) const {
    return {.journal = folder_ / (name + ".journal"), .heard = folder_ / (name + ".heard")};
  }

  // The exit status, or -1 when it was killed.
  static int run(const Life& life, std::chrono::microseconds kill_after = {}) {
    const ::pid_t child = ::fork();
    if (child == 0) live(life);
    if (kill_after.count() > 0) {
      std::this_thread::sleep_for(kill_after);
      ::kill(child, SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  static void judge(const Life& life) {
    std::set<std::uint32_t> accepted;
    std::map<std::uint32_t, std::string> stamps;
    std::ifstream lines(life.heard);
    std::string word;
    for (std::uint32_t number = 0; lines >> word >> number;) {
      if (word == "accepted") {
        accepted.insert(number);
        continue;
      }
      std::string hash;
      lines >> hash;
      EXPECT_EQ(stamps.try_emplace(number, hash).first->second, hash) << "two stamps: " << number;
    }
    const auto journal = Journal::open(life.journal);
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_EQ(accepted.size(), kRequests);
    for (const std::uint32_t number : accepted) {
      const auto stamped = (*journal)->stamped(request(number).id);
      ASSERT_TRUE(stamped) << "lost: " << number << " " << stamped.error().message;
      EXPECT_EQ(to_hex(stamped->stamp->hash), stamps[number]) << number;
    }
    EXPECT_EQ((*journal)->recovery().stamped, kRequests);
  }

  std::filesystem::path folder_;
};

TEST_F(KillTest, AtEveryNamedStep) {
  for (const std::string step :
       {"batcher.before_accept", "journal.before_write", "journal.half_written",
        "journal.before_sync", "journal.synced", "batcher.accepted", "batcher.stamp_found",
        "batcher.stamp_recorded", "batcher.delivered"}) {
    for (const int nth : {1, 4}) {
      Life one = life(step + std::to_string(nth));
      one.step = step, one.nth = nth;
      ASSERT_EQ(run(one), -1) << step << " never came";
      one.step.clear();
      ASSERT_EQ(run(one), 0) << step;
      judge(one);
    }
  }
}

TEST_F(KillTest, AtSeededRandomMoments) {
  using std::chrono::microseconds;
  std::mt19937 random(20251121);
  int killed = 0;
  // The moments lie within a life, however fast this machine lives it.
  const Life whole = life("whole");
  const auto began = std::chrono::steady_clock::now();
  ASSERT_EQ(run(whole), 0);
  const auto span = std::max<std::int64_t>(
      500,
      std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - began).count());
  for (int round = 0; killed < kRandomKills; ++round) {
    const Life one = life(std::to_string(round));
    for (int status = -1; status != 0;) {
      const bool more = killed < kRandomKills;
      const auto moment = 1 + static_cast<std::int64_t>(random()) % span;
      status = run(one, microseconds(more ? moment : 0));
      ASSERT_TRUE(status == -1 || status == 0) << status;
      killed += status == -1;
    }
    judge(one);
    ASSERT_LT(round, kRoundsMax) << "the children end before anything kills them";
  }
}

}  // namespace
}  // namespace calx::signal
