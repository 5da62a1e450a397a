// Goal: what the server says is what miners read.
// Method: vector tests: the lines of the worked example and of a capture, byte for byte; law: the
// powers of two read back exactly.
#include "calx/stratum/reply.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "calx/stratum/difficulty.h"
#include "calx/stratum/example_test.h"

namespace calx::stratum {
namespace {

TEST(ReplyTest, TheNotifyOfTheWorkedExampleIsByteForByte) {
  const std::string want =
      R"({"id":null,"method":"mining.notify","params":["1f",)"
      R"("30876c8ca059900ab3433f2b5df96bfffd1b46c400000aa00000000000000000",)"
      "\"" +
      std::string(kExamplePart1) + "\",\"" + std::string(kExamplePart2) +
      R"(",["0bdb36e25789818635ef68c08feb67d26b139162b219f13150f1da5b4242a224"],)"
      R"("20000000","17023a04","68e00000",true]})"
      "\n";
  EXPECT_EQ(NotifyTemplate(example_job()).line(0x1f, true), want);
}

TEST(ReplyTest, ThePreviousHashOfTheCaptureHasItsWordsReversed) {
  const std::string line = NotifyTemplate(capture_job()).line(1, false);
  EXPECT_NE(line.find("\"6b6455fd6db962c101f2d4fc0d67f4a3bc96391d000152960000000000000000\""),
            std::string::npos);
  EXPECT_TRUE(line.ends_with(",\"20000000\",\"17023a04\",\"685468d7\",false]}\n"));
}

TEST(ReplyTest, AJobWithoutBranchesHasAnEmptyList) {
  work::Job job = example_job();
  job.branches.clear();
  EXPECT_NE(NotifyTemplate(job).line(1, true).find(",[],\"20000000\""), std::string::npos);
}

TEST(ReplyTest, RepliesEchoTheIdAsItCame) {
  EXPECT_EQ(true_reply("\"a\""), "{\"id\":\"a\",\"result\":true,\"error\":null}\n");
  EXPECT_EQ(error_reply("7", Reject::kDuplicate, "a \"b\""),
            "{\"id\":7,\"result\":null,\"error\":[22,\"a \\\"b\\\"\",null]}\n");
  EXPECT_EQ(subscribe_reply("2", bytes_of("ca1c0001"), 8),
            R"({"id":2,"result":[[["mining.set_difficulty","ca1c0001"],["mining.notify",)"
            R"("ca1c0001"]],"ca1c0001",8],"error":null})"
            "\n");
  const std::string others[] = {"minimum-difficulty"};
  EXPECT_EQ(configure_reply("1", true, 0x1fffe000, others),
            R"({"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000",)"
            R"("minimum-difficulty":false},"error":null})"
            "\n");
  EXPECT_EQ(configure_reply("1", false, 0, {}), "{\"id\":1,\"result\":{},\"error\":null}\n");
}

TEST(ReplyTest, NotificationsHaveTheIdNull) {
  EXPECT_EQ(set_version_mask_line(0),
            "{\"id\":null,\"method\":\"mining.set_version_mask\",\"params\":[\"00000000\"]}\n");
  EXPECT_EQ(show_message_line("a\nb\xff"),
            "{\"id\":null,\"method\":\"client.show_message\",\"params\":[\"a\\nb\\ufffd\"]}\n");
  EXPECT_EQ(set_difficulty_line(8),
            "{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[256]}\n");
  EXPECT_EQ(set_difficulty_line(-10),
            "{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[0.0009765625]}\n");
}

TEST(DifficultyTest, EveryPowerOfTwoReadsBackExactly) {
  for (int k = kLog2DifficultyMin; k <= kLog2DifficultyMax; ++k) {
    EXPECT_EQ(std::strtod(difficulty_text(k).c_str(), nullptr), std::ldexp(1.0, k)) << k;
    EXPECT_EQ(log2_difficulty_below(std::ldexp(1.0, k)), k);
    EXPECT_EQ(log2_difficulty_below(std::ldexp(1.9, k)), k);
  }
}

TEST(DifficultyTest, AMinerAtTheGreatestExponentMissesNoShareOfTheJob) {
  for (const auto& target :
       {work::Target::from_difficulty(1, 1), work::Target::from_difficulty(3, 1),
        work::Target::from_difficulty(1, 1 << 20), work::Target::from_work_bits(20),
        work::Target::from_work_bits(33), work::Target::from_work_bits(0)}) {
    const int k = log2_difficulty_for(*target);
    EXPECT_GE(target_of_difficulty(k), *target);
    EXPECT_LT(target_of_difficulty(k + 1), *target);
  }
  EXPECT_EQ(log2_difficulty_for(*work::Target::from_difficulty(256, 1)), 8);
  EXPECT_EQ(log2_difficulty_for(*work::Target::from_difficulty(511, 1)), 8);
}

}  // namespace
}  // namespace calx::stratum
