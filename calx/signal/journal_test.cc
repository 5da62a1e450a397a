// Goal: whatever a crash or a bad disk does to the file, what was on the disk is read back, what
// was not is not there, and damage is told from an unfinished write. Method: fault. Cuts at every
// byte, flips in every frame, and the steps of misuse.
#include "calx/signal/journal.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <thread>

#include "calx/base/atomic_file.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::signal {
namespace {

AcceptedRequest request(std::uint8_t number) {
  AcceptedRequest request;
  request.id.fill(number);
  request.commitment.fill(static_cast<std::uint8_t>(~number));
  return request;
}

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("calx_journal_") +
             testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove(path_);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::unique_ptr<Journal> open() {
    auto journal = Journal::open(path_);
    EXPECT_TRUE(journal) << journal.error().message;
    return journal ? std::move(*journal) : nullptr;
  }

  static Result<void> stamp(Journal& journal, const std::vector<AcceptedRequest>& requests) {
    std::vector<work::TreeLeaf> leaves;
    std::vector<work::Salt> salts(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      salts[i][0] = static_cast<std::uint8_t>(i);
      leaves.push_back({requests[i].commitment, salts[i]});
    }
    CALX_ASSIGN(tree, work::RequestTree::build(leaves));
    CALX_ASSIGN(target, work::Target::from_work_bits(6));
    CALX_ASSIGN(made, work::make_stamp(tree, target, work::software_runner()));
    return journal.record_stamp(made, requests, salts);
  }

  std::vector<std::uint8_t> bytes() const { return *read_file(path_, 1 << 20); }
  void write(const std::vector<std::uint8_t>& content) const {
    ASSERT_TRUE(write_file(path_, content));
  }

  std::filesystem::path path_;
};

TEST_F(JournalTest, ReadsBackWhatWasAcceptedStampedAndDropped) {
  {
    const auto journal = open();
    ASSERT_TRUE(journal->accept(std::vector{request(1), request(2), request(3), request(4)}));
    ASSERT_TRUE(stamp(*journal, {request(3), request(1)}));
    ASSERT_TRUE(journal->drop(std::vector{request(4).id}));
  }
  const auto journal = open();
  EXPECT_THAT(journal->pending(), testing::ElementsAre(request(2)));
  EXPECT_EQ(journal->find(request(4).id), std::nullopt);
  for (const std::uint8_t number : std::array<std::uint8_t, 2>{1, 3}) {
    const auto stamped = journal->stamped(request(number).id);
    ASSERT_TRUE(stamped) << stamped.error().message;
    EXPECT_TRUE(work::check(*stamped->stamp));
    const auto root =
        work::root_of(request(number).commitment, stamped->path, stamped->stamp->leaves);
    ASSERT_TRUE(root);
    EXPECT_EQ(*root, stamped->stamp->root);
  }
  EXPECT_EQ(journal->stamped(request(2).id).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(journal->accept(std::vector{request(4)})) << "a dropped id may come again";
}

TEST_F(JournalTest, ACutAnywhereLosesOnlyTheUnfinishedFrame) {
  std::vector<std::size_t> ends;  // of the file after each durable step
  {
    const auto journal = open();
    ends.push_back(bytes().size());
    ASSERT_TRUE(journal->accept(std::vector{request(1), request(2)}));
    ends.push_back(bytes().size());
    ASSERT_TRUE(stamp(*journal, {request(1)}));
    ends.push_back(bytes().size());
    ASSERT_TRUE(journal->accept(std::vector{request(3)}));
    ends.push_back(bytes().size());
  }
  const auto whole = bytes();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const bool near = std::ranges::any_of(
        ends, [size](std::size_t end) { return size + 2 >= end && size <= end + 10; });
    if (!near && size % 37 != 0) continue;  // each open costs two fsyncs
    write({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    const auto journal = open();
    ASSERT_NE(journal, nullptr) << size;
    const bool accepted = size >= ends[1], stamped = size >= ends[2], third = size >= ends[3];
    EXPECT_EQ(journal->find(request(2).id).has_value(), accepted) << size;
    EXPECT_EQ(journal->stamped(request(1).id).has_value(), stamped) << size;
    EXPECT_EQ(journal->find(request(3).id).has_value(), third) << size;
    EXPECT_TRUE(journal->accept(std::vector{request(9)})) << size;
  }
  const auto journal = open();
  EXPECT_EQ(journal->recovery().torn_bytes, 0u);
  EXPECT_TRUE(journal->find(request(9).id)) << "what follows a cut tail is read back";
}

TEST_F(JournalTest, AFlippedByteInTheLastFrameIsATornTailAndBeforeItIsDamage) {
  std::size_t last = 0;
  {
    const auto journal = open();
    ASSERT_TRUE(journal->accept(std::vector{request(1)}));
    last = bytes().size();
    ASSERT_TRUE(journal->accept(std::vector{request(2)}));
  }
  const auto whole = bytes();
  for (std::size_t at = 16; at < whole.size(); at += 5) {
    auto damaged = whole;
    damaged[at] ^= 0x10;
    write(damaged);
    const auto journal = Journal::open(path_);
    if (at >= last) {
      ASSERT_TRUE(journal) << at << journal.error().message;
      EXPECT_EQ((*journal)->recovery().torn_bytes, whole.size() - last);
      continue;
    }
    ASSERT_FALSE(journal) << at;
    EXPECT_EQ(journal.error().code, ErrorCode::kDataLoss);
    EXPECT_EQ(bytes(), damaged) << "a damaged journal is evidence, and stays as it is";
  }
}

TEST_F(JournalTest, NoIdIsAcceptedOrStampedTwice) {
  const auto journal = open();
  ASSERT_TRUE(journal->accept(std::vector{request(1)}));
  EXPECT_EQ(journal->accept(std::vector{request(5), request(1)}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_FALSE(journal->find(request(5).id)) << "all or none";
  EXPECT_EQ(stamp(*journal, {request(7)}).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(stamp(*journal, {request(1)}));
  EXPECT_EQ(stamp(*journal, {request(1)}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(journal->drop(std::vector{request(1).id}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(JournalTest, OneOwnerAtATimeAndNoFileOfAnotherKind) {
  auto journal = open();
  EXPECT_EQ(Journal::open(path_).error().code, ErrorCode::kUnavailable);
  journal.reset();
  EXPECT_TRUE(Journal::open(path_));
  write({'h', 'e', 'l', 'l', 'o'});
  EXPECT_EQ(Journal::open(path_).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(JournalTest, ManyThreadsShareTheDiskAndNothingIsLost) {
  {
    const auto journal = open();
    std::vector<std::jthread> threads;
    for (std::uint8_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&journal, thread] {
        for (std::uint8_t i = 0; i < 25; ++i) {
          const auto number = static_cast<std::uint8_t>(thread * 25 + i);
          EXPECT_TRUE(journal->accept(std::vector{request(number)}));
        }
      });
    }
  }
  EXPECT_EQ(open()->recovery().accepted, 100u);
}

}  // namespace
}  // namespace calx::signal
