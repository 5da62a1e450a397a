// Goal: what leaves the cache is what was put in, at the origin it had, or nothing; whoever dies,
// writes at the same time or damages the file.
// Method: law and fault. Real stamps of little work; forked processes; kill -9 at seeded random
// moments; flipped bytes in the file.
#include "calx/signal/cache.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "calx/base/atomic_file.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::signal {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

const work::Target kTarget = *work::Target::from_work_bits(4);

hash::Digest commitment(std::uint32_t number) {
  hash::Digest commitment{};
  for (std::size_t i = 0; i < 4; ++i) {
    commitment[i] = static_cast<std::uint8_t>(number >> 8 * i);
  }
  commitment[31] = 0xca;
  return commitment;
}

StampedRequest stamped(std::uint32_t number, Origin origin = Origin::kSoftware) {
  const work::TreeLeaf leaves[] = {{commitment(number), {1}}, {commitment(~number), {2}}};
  const auto tree = *work::RequestTree::build(leaves);
  auto stamp = *work::make_stamp(tree, kTarget, work::software_runner());
  stamp.origin = origin;
  return {std::make_shared<const work::Stamp>(std::move(stamp)), tree.path(0)};
}

CacheItem item(std::uint32_t number, Origin origin = Origin::kSoftware) {
  return {commitment(number), stamped(number, origin)};
}

class CacheTest : public testing::Test {
 protected:
  void SetUp() override {
    // Tests run side by side: each has a folder of its own.
    folder_ = fs::path(testing::TempDir()) /
              ("calx_cache_test_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    if (const auto cache = Cache::open({.folder = folder_}); !cache) {
      ASSERT_EQ(cache.error().code, ErrorCode::kUnimplemented) << cache.error().message;
      GTEST_SKIP() << cache.error().message;
    }
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::unique_ptr<Cache> open(std::uint64_t bytes_max = kCacheBytesDefault) const {
    auto cache = Cache::open({.folder = folder_, .bytes_max = bytes_max});
    EXPECT_TRUE(cache) << cache.error().message;
    return cache ? std::move(*cache) : nullptr;
  }

  static void keep(Cache& cache, std::uint32_t number, Origin origin = Origin::kSoftware) {
    const CacheItem one = item(number, origin);
    const auto kept = cache.keep({&one, 1});
    ASSERT_TRUE(kept) << kept.error().message;
  }

  static std::optional<StampedRequest> find(Cache& cache, std::uint32_t number,
                                            Origin origin_min = Origin::kModelled) {
    auto found = cache.find(commitment(number), kTarget, origin_min);
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : std::nullopt;
  }

  // Flips the byte `at` of the stamp's hash wherever the file holds it; how often it did.
  int flip_behind_hash(const StampedRequest& answer, std::size_t at) const {
    auto bytes = *read_file(folder_ / "data.mdb", 1 << 28);
    int count = 0;
    const auto& hash = answer.stamp->hash;
    for (auto place = bytes.begin();; ++place, ++count) {
      place = std::search(place, bytes.end(), hash.begin(), hash.end());
      if (place == bytes.end()) break;
      *(place + static_cast<std::ptrdiff_t>(at)) ^= 1;
    }
    std::ofstream(folder_ / "data.mdb", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return count;
  }

  fs::path folder_;
};

TEST_F(CacheTest, GivesBackWhatWasKeptAlsoToTheNextProcess) {
  const CacheItem one = item(1);
  {
    const auto cache = open();
    ASSERT_TRUE(cache->keep({&one, 1}));
  }
  const auto cache = open();
  const auto found = find(*cache, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found->stamp, *one.stamped.stamp);
  EXPECT_EQ(found->path, one.stamped.path);
  EXPECT_FALSE(find(*cache, 2));
  const auto other =
      cache->find(commitment(1), *work::Target::from_work_bits(5), Origin::kModelled);
  ASSERT_TRUE(other);
  EXPECT_FALSE(*other) << "an answer to another target";
  const auto counts = cache->counts();
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->entries, 1U);
  EXPECT_EQ(counts->hits, 1U);
  EXPECT_EQ(counts->misses, 2U);
}

TEST_F(CacheTest, FirstAnswerOfAnOriginStays) {
  const auto cache = open();
  const CacheItem first = item(1);
  CacheItem second = first;
  const work::TreeLeaf leaf{commitment(1), {9}};
  const auto tree = *work::RequestTree::build({&leaf, 1});
  second.stamped.stamp = std::make_shared<const work::Stamp>(
      *work::make_stamp(tree, kTarget, work::software_runner()));
  second.stamped.path = tree.path(0);
  ASSERT_TRUE(cache->keep(std::vector{first, second}));
  EXPECT_EQ(find(*cache, 1)->path, first.stamped.path);
  EXPECT_EQ(cache->counts()->entries, 1U);
}

TEST_F(CacheTest, OriginIsThatOfTheStampAndNeverRaised) {
  const auto cache = open();
  keep(*cache, 1, Origin::kEmulated);
  EXPECT_FALSE(find(*cache, 1, Origin::kSoftware));
  EXPECT_EQ(find(*cache, 1, Origin::kEmulated)->stamp->origin, Origin::kEmulated);
  keep(*cache, 1, Origin::kDevice);
  EXPECT_EQ(find(*cache, 1, Origin::kModelled)->stamp->origin, Origin::kDevice);
  keep(*cache, 1, Origin::kModelled);
  EXPECT_EQ(find(*cache, 1, Origin::kModelled)->stamp->origin, Origin::kDevice);
}

TEST_F(CacheTest, EvictsWhatWasNotUsedForLongest) {
  const auto cache = open(kCacheBytesMin);
  keep(*cache, 0);
  const std::uint64_t each = cache->counts()->bytes;
  const auto fits = static_cast<std::uint32_t>(kCacheBytesMin / each);
  for (std::uint32_t i = 1; i < fits; ++i) keep(*cache, i);
  ASSERT_TRUE(find(*cache, 0));  // used last from here on
  for (std::uint32_t i = fits; i < fits + 10; ++i) keep(*cache, i);
  EXPECT_TRUE(find(*cache, 0));
  for (std::uint32_t i = 1; i <= 10; ++i) EXPECT_FALSE(find(*cache, i)) << i;
  EXPECT_TRUE(find(*cache, 11));
  const auto counts = *cache->counts();
  EXPECT_EQ(counts.entries, fits);
  EXPECT_EQ(counts.evicted, 10U);
  EXPECT_EQ(counts.bytes, fits * each);
}

TEST_F(CacheTest, PruneLeavesWhatFitsAndNothingBehindAtZero) {
  const auto cache = open();
  for (std::uint32_t i = 0; i < 20; ++i) keep(*cache, i);
  const auto before = *cache->counts();
  EXPECT_EQ(*cache->prune(before.bytes / 2), 10U);
  EXPECT_TRUE(find(*cache, 19));
  EXPECT_FALSE(find(*cache, 0));
  EXPECT_EQ(*cache->prune(0), 10U);
  EXPECT_EQ(cache->counts()->bytes, 0U);
  EXPECT_EQ(cache->counts()->entries, 0U);
}

TEST_F(CacheTest, DamagedAnswerIsNamedOnceAndGone) {
  constexpr std::size_t kOriginByte = 32;  // behind the hash stands the origin
  for (const std::size_t at : {std::size_t{3}, kOriginByte}) {
    keep(*open(), 1, Origin::kEmulated);
    ASSERT_GT(flip_behind_hash(stamped(1), at), 0);
    const auto cache = open();
    for (const Origin least : {Origin::kDevice, Origin::kSoftware}) {
      EXPECT_FALSE(find(*cache, 1, least)) << "a flipped origin serves";
    }
    const auto found = cache->find(commitment(1), kTarget, Origin::kModelled);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::kDataLoss);
    EXPECT_THAT(found.error().message, HasSubstr("01000000"));
    EXPECT_THAT(found.error().message, HasSubstr("check does not fit"));
    EXPECT_FALSE(find(*cache, 1)) << "dropped";
    EXPECT_EQ(cache->counts()->entries, 0U);
    EXPECT_EQ(cache->counts()->bytes, 0U);
  }
  EXPECT_EQ(open()->counts()->damaged, 2U);
}

TEST_F(CacheTest, ThreadsKeepAndFindAtTheSameTime) {
  const auto cache = open();
  {
    std::vector<std::jthread> threads;
    for (std::uint32_t t = 0; t < 4; ++t) {
      threads.emplace_back([&cache, t] {
        for (std::uint32_t i = 0; i < 20; ++i) {
          keep(*cache, 100 * t + i);
          EXPECT_TRUE(find(*cache, 100 * t + i));
          find(*cache, 100 * ((t + 1) % 4) + i);
        }
      });
    }
  }
  EXPECT_EQ(cache->counts()->entries, 80U);
}

TEST_F(CacheTest, ProcessesShareIt) {
  constexpr std::uint32_t kProcesses = 4, kEach = 25;
  std::vector<::pid_t> children;
  for (std::uint32_t p = 0; p < kProcesses; ++p) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    auto cache = Cache::open({.folder = folder_});
    if (!cache) ::_exit(1);
    for (std::uint32_t i = 0; i < kEach; ++i) {
      const CacheItem one = item(p * kEach + i);
      if (!(*cache)->keep({&one, 1})) ::_exit(2);
      const auto found = (*cache)->find(commitment(i), kTarget, Origin::kModelled);
      if (!found) ::_exit(3);  // absent or whole, never torn
    }
    cache->reset();
    ::_exit(0);
  }
  for (const ::pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
  }
  const auto cache = open();
  for (std::uint32_t i = 0; i < kProcesses * kEach; ++i) EXPECT_TRUE(find(*cache, i)) << i;
  EXPECT_EQ(cache->counts()->entries, kProcesses * kEach);
}

// A writer is killed while another process has the cache open: what it heard kept is there, no
// answer is torn, the books agree, and the lock that it held is free.
TEST_F(CacheTest, KilledWritersLeaveWholeAnswersAndNoLock) {
  constexpr int kKills = 25;
  const auto heard_path = folder_ / "heard";
  std::mt19937 random(20261121);
  std::uint32_t next = 0;
  std::set<std::uint32_t> kept;
  for (int kill = 0; kill < kKills; ++kill) {
    const ::pid_t child = ::fork();
    if (child == 0) {
      const int heard = ::open(heard_path.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
      auto cache = Cache::open({.folder = folder_});
      if (heard < 0 || !cache) ::_exit(1);
      for (std::uint32_t i = next;; ++i) {
        const CacheItem one = item(i);
        if (!(*cache)->keep({&one, 1})) ::_exit(2);
        const auto line = std::to_string(i) + "\n";
        if (::write(heard, line.data(), line.size()) < 0) ::_exit(3);
      }
    }
    std::this_thread::sleep_for(std::chrono::microseconds(2000 + random() % 40'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    std::ifstream lines(heard_path);
    for (std::uint32_t number = 0; lines >> number;) kept.insert(number), next = number + 1;
  }
  const auto cache = open();
  for (const std::uint32_t number : kept) EXPECT_TRUE(find(*cache, number)) << number;
  keep(*cache, 0xffffff);
  EXPECT_GE(cache->counts()->entries, kept.size() + 1);
  ASSERT_TRUE(cache->prune(0));
  EXPECT_EQ(cache->counts()->entries, 0U);
  EXPECT_EQ(cache->counts()->bytes, 0U);
}

TEST_F(CacheTest, RefusalsSayWhy) {
  EXPECT_EQ(Cache::open({.folder = folder_, .bytes_max = 1}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(Cache::open({.folder = folder_ / "absent", .create = false}).error().code,
            ErrorCode::kNotFound);
  {
    const auto cache = open();
    EXPECT_THAT(Cache::open({.folder = folder_}).error().message, HasSubstr("in this process"));
  }
  const auto other = folder_ / "other";
  fs::create_directories(other);
  ASSERT_TRUE(write_file(other / "data.mdb", std::string(16'384, 'x')));
  EXPECT_EQ(Cache::open({.folder = other}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Cache::open({.folder = "/proc/nowhere"}).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace calx::signal
