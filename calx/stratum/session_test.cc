// Goal: one miner's conversation goes as real miners expect it, and no lie, flood or silence gets
// further than the rules say.
// Method: vector tests with the worked example of a share and its variants; fault tests, one for
// each limit and each error code. Time is a number that the tests advance.
#include "calx/stratum/session.h"

#include <gmock/gmock.h>

#include "calx/stratum/example_test.h"
#include "calx/stratum/seen_shares.h"

namespace calx::stratum {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kConfigure =
    R"({"id":1,"method":"mining.configure",)"
    R"("params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]})"
    "\n";
constexpr std::string_view kSubscribe =
    R"({"id":2,"method":"mining.subscribe","params":["bitaxe/BM1366/v2.4"]})"
    "\n";
constexpr std::string_view kAuthorize =
    R"({"id":3,"method":"mining.authorize","params":["w.1","x"]})"
    "\n";

struct Host final : SessionHost {
  std::uint64_t new_job_id() override { return next_id++; }
  bool first_time(const hash::Digest& hash) override { return seen.insert(hash); }
  void on_joined(Session&) override { ++joined; }
  void on_refused(Session&, std::string_view) override { ++refused; }
  void on_judged(Session&, const Judgement& judged) override { judgements.push_back(judged); }
  void on_named(Session&) override { ++named; }

  std::uint64_t next_id = 0xe1;
  SeenShares seen{1024};
  int joined = 0, refused = 0, named = 0;
  std::vector<Judgement> judgements;
};

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    rules_.workers = {{"w.1", "x", Origin::kDevice}};
    rules_.vardiff.log2_start = kExampleLog2Difficulty;
  }

  Session& session() {
    if (!session_) session_ = std::make_unique<Session>(rules_, host_, kExampleExtranonce1, now_);
    return *session_;
  }

  // What the session says to these bytes, line by line.
  std::vector<std::string> say(std::string_view bytes) {
    session().receive(bytes, now_);
    return lines();
  }

  std::vector<std::string> lines() {
    std::vector<std::string> all;
    std::string text;
    text.swap(session().output());
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos;) {
      all.push_back(text.substr(0, end));
      text.erase(0, end + 1);
    }
    EXPECT_EQ(text, "") << "half a line";
    return all;
  }

  void join(bool rolls_version = true) {
    if (rolls_version) say(kConfigure);
    say(kSubscribe);
    say(kAuthorize);
    session().publish(std::make_shared<PublishedJob>(example_job()), now_);
    lines();
  }

  std::vector<std::string> submit(std::string_view rest, std::string_view user = "w.1") {
    return say(R"({"id":9,"method":"mining.submit","params":[")" + std::string(user) + "\"," +
               std::string(rest) + "]}\n");
  }

  SessionRules rules_;
  Host host_;
  Time now_{seconds(1000)};
  std::unique_ptr<Session> session_;
};

constexpr std::string_view kShare = R"("e1","0100000000000000","68e00000","0005ff78","00006000")";

testing::Matcher<std::vector<std::string>> accepted() {
  return ElementsAre(R"({"id":9,"result":true,"error":null})");
}
testing::Matcher<std::vector<std::string>> rejected(int code) {
  return ElementsAre(HasSubstr("\"result\":null,\"error\":[" + std::to_string(code) + ","));
}

TEST_F(SessionTest, TheHandshakeOfAnEspMinerEndsInDifficultyAndJob) {
  EXPECT_THAT(say(kConfigure), ElementsAre(HasSubstr("\"version-rolling.mask\":\"1fffe000\"")));
  EXPECT_THAT(say(kSubscribe), ElementsAre(HasSubstr("\"ca1c0001\",8]")));
  EXPECT_EQ(host_.joined, 0);
  EXPECT_THAT(say(kAuthorize), ElementsAre(R"({"id":3,"result":true,"error":null})"));
  EXPECT_EQ(host_.joined, 1);
  session().publish(std::make_shared<PublishedJob>(example_job()), now_);
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("mining.set_difficulty\",\"params\":[0.0009765625]"),
                                   HasSubstr("mining.notify\",\"params\":[\"e1\",")));
}

TEST_F(SessionTest, TheWorkedExampleIsAcceptedAndMeetsItsJob) {
  join();
  EXPECT_THAT(submit(kShare), accepted());
  ASSERT_THAT(host_.judgements, SizeIs(1));
  EXPECT_TRUE(host_.judgements[0].meets_job);
  EXPECT_NEAR(host_.judgements[0].share_difficulty, 0.00680979105133603, 1e-17);
  EXPECT_EQ(session().origin(), Origin::kDevice);
}

TEST_F(SessionTest, AShareThatARealChipFoundIsAccepted) {
  rules_.vardiff.log2_start = 13;
  session_ = std::make_unique<Session>(rules_, host_, kCaptureExtranonce1, now_);
  join();
  session().publish(std::make_shared<PublishedJob>(capture_job()), now_);
  lines();
  EXPECT_THAT(submit(R"("e2","17000000","685468d7","7552034c","00b44000")"), accepted());
  EXPECT_NEAR(host_.judgements.back().share_difficulty, 29588.013979792577, 1e-9);
  EXPECT_EQ(host_.judgements.back().difficulty, 8192);
}

TEST_F(SessionTest, EachVariantOfTheWorkedExampleHasItsCode) {
  join();
  EXPECT_THAT(submit(R"("e1","0100000000000000","68e00000","0005ff79","00006000")"), rejected(23));
  EXPECT_THAT(submit(R"("e1","0100000000000000","68e00000","0005ff78")"), rejected(23));
  EXPECT_THAT(submit(R"("e1","0100000000000000","68e00000","78ff0500","00006000")"), rejected(23));
  EXPECT_THAT(submit(R"("e1","0100000000000000","68e00000","0005ff78","00007001")"), rejected(20));
  EXPECT_THAT(submit(R"("e1","01000000","68e00000","0005ff78","00006000")"), rejected(20));
  EXPECT_THAT(submit(R"("e1","0100000000000000","68dfffff","0005ff78","00006000")"), rejected(20));
  EXPECT_THAT(submit(R"("e1","0100000000000000","68e01c21","0005ff78","00006000")"), rejected(20));
  EXPECT_THAT(submit(R"("e1","0100000000000000","68e00000","5ff78","6000")"), accepted());
}

TEST_F(SessionTest, AReplayIsADuplicateAlsoUnderAnotherSpelling) {
  join();
  EXPECT_THAT(submit(kShare), accepted());
  EXPECT_THAT(submit(kShare), rejected(22));
  EXPECT_THAT(submit(R"("e1","0100000000000000","68E00000","5FF78","00006000")"), rejected(22));
}

TEST_F(SessionTest, AJobThatWasNotGivenOrWasReplacedIs21) {
  join();
  EXPECT_THAT(submit(R"("e2","0100000000000000","68e00000","0005ff78","00006000")"), rejected(21));
  EXPECT_TRUE(host_.judgements.back().blames_worker);
  EXPECT_THAT(submit(R"("0e1","0100000000000000","68e00000","0005ff78","00006000")"), rejected(21));
  session().publish(std::make_shared<PublishedJob>(example_job()), now_);
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("\"e2\"")));
  EXPECT_THAT(submit(kShare), rejected(21));
  EXPECT_FALSE(host_.judgements.back().blames_worker);
}

TEST_F(SessionTest, WithoutSubscribingOrAuthorizingNothingCounts) {
  EXPECT_THAT(submit(kShare), rejected(25));
  say(kSubscribe);
  EXPECT_THAT(submit(kShare), rejected(24));
  say(kAuthorize);
  session().publish(std::make_shared<PublishedJob>(example_job()), now_);
  lines();
  EXPECT_THAT(submit(kShare, "w.2"), rejected(24));
}

TEST_F(SessionTest, VersionBitsWithoutTheAgreementAreRefused) {
  join(false);
  EXPECT_THAT(submit(kShare), rejected(20));
}

TEST_F(SessionTest, AJobThatForbidsRollingSaysSoBeforeItComes) {
  join();
  work::Job job = example_job();
  job.version_mask = 0;
  session().publish(std::make_shared<PublishedJob>(job), now_);
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("mining.set_version_mask\",\"params\":[\"00000000\"]"),
                                   HasSubstr("mining.notify")));
  EXPECT_THAT(submit(R"("e2","0100000000000000","68e00000","0005ff78","00006000")"), rejected(20));
}

TEST_F(SessionTest, LinesMayBeCutAndJoinedAnywhere) {
  const std::string all =
      std::string(kConfigure) + std::string(kSubscribe) + "\r\n" + std::string(kAuthorize);
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    session_.reset();
    session().receive(std::string_view(all).substr(0, cut), now_);
    session().receive(std::string_view(all).substr(cut), now_);
    EXPECT_THAT(lines(), SizeIs(3)) << cut;
    EXPECT_TRUE(session().joined()) << cut;
  }
}

TEST_F(SessionTest, ALineWithoutAnEndIsCutOff) {
  say(std::string(kLineBytesMax, ' '));
  EXPECT_EQ(session().closing(), "");
  EXPECT_THAT(say(" "), ElementsAre(HasSubstr("longer than 8192")));
  EXPECT_NE(session().closing(), "");
}

TEST_F(SessionTest, AStringIdComesBackAsItWas) {
  EXPECT_THAT(say(R"({"id":"mining.ping","method":"mining.ping"})"
                  "\n"),
              ElementsAre(R"({"id":"mining.ping","result":"pong","error":null})"));
}

TEST_F(SessionTest, FiveUndefinedParametersAreAMalformedShare) {
  join();
  EXPECT_THAT(say(R"({"id":"mining.submit","method":"mining.submit","params":["undefined",)"
                  R"("undefined","undefined","undefined","undefined"]})"
                  "\n"),
              ElementsAre(HasSubstr("{\"id\":\"mining.submit\",\"result\":null,\"error\":[20,")));
  EXPECT_THAT(host_.judgements, SizeIs(1));
}

TEST_F(SessionTest, AWrongTokenIsRefusedAndTheThirdOneIsTheLast) {
  const std::string wrong = R"({"id":3,"method":"mining.authorize","params":["w.1","y"]})"
                            "\n";
  EXPECT_THAT(say(wrong), rejected(24));
  EXPECT_THAT(say(wrong), rejected(24));
  EXPECT_EQ(session().closing(), "");
  EXPECT_THAT(say(wrong), rejected(24));
  EXPECT_EQ(session().closing(), "too many wrong tokens");
  EXPECT_EQ(host_.joined, 0);
  EXPECT_EQ(host_.refused, 3);
}

TEST_F(SessionTest, WithoutAListAnybodyWorksAsEmulated) {
  rules_.workers.clear();
  say(kSubscribe);
  say(R"({"id":3,"method":"mining.authorize","params":["anybody"]})"
      "\n");
  EXPECT_TRUE(session().joined());
  EXPECT_EQ(session().origin(), Origin::kEmulated);
}

TEST_F(SessionTest, AnEmulatorIsCalledOneWhateverWasDeclared) {
  say(R"({"id":2,"method":"mining.subscribe","params":["calx-emulator/lv06"]})"
      "\n");
  say(kAuthorize);
  EXPECT_EQ(session().origin(), Origin::kEmulated);
  say(kSubscribe);
  EXPECT_EQ(session().origin(), Origin::kEmulated) << "another user agent raises nothing";
}

TEST_F(SessionTest, GarbageIsAnsweredForAWhile) {
  for (std::uint32_t i = 0; i < rules_.limits.bad_requests_max; ++i) {
    EXPECT_THAT(say("GET / HTTP/1.1\n"), SizeIs(1));
  }
  EXPECT_EQ(session().closing(), "");
  say("GET / HTTP/1.1\n");
  EXPECT_NE(session().closing(), "");
}

TEST_F(SessionTest, AFloodOfRequestsEndsTheConnection) {
  rules_.limits.requests_per_second = 50;
  const std::string ping = R"({"id":1,"method":"mining.ping"})"
                           "\n";
  for (int second = 0; second < 4; ++second) {
    for (int i = 0; i < 50; ++i) say(ping);
    now_ += seconds(1);
  }
  EXPECT_EQ(session().closing(), "");
  for (int i = 0; i < 51; ++i) say(ping);
  EXPECT_EQ(session().closing(), "too many requests a second");
}

TEST_F(SessionTest, AMinerThatDoesNotReadIsDropped) {
  join();
  const auto job = std::make_shared<PublishedJob>(example_job());
  while (session().closing().empty()) session().publish(job, now_);
  EXPECT_LE(session().output().size(), rules_.limits.output_bytes_max + 1024);
  EXPECT_TRUE(session().slow_reader());
}

TEST_F(SessionTest, ALiarIsNamedOnceAndInTheEndDisconnected) {
  join();
  for (std::uint32_t i = 0; i + 1 < rules_.limits.bad_shares_named; ++i) {
    submit(R"("e1","0100000000000000","68e00000","0005ff79","00006000")");
  }
  EXPECT_EQ(host_.named, 0);
  while (session().closing().empty()) {
    submit(R"("e1","0100000000000000","68e00000","0005ff79","00006000")");
  }
  EXPECT_EQ(host_.named, 1);
  EXPECT_THAT(host_.judgements, SizeIs(rules_.limits.bad_shares_max));
}

TEST_F(SessionTest, ASilentJobIsRepeatedUnderANewIdWithHeadersOfItsOwn) {
  rules_.vardiff.shares_per_second = 0;
  join();
  now_ += rules_.limits.keepalive;
  session().tick(now_);
  EXPECT_THAT(lines(), IsEmpty());
  now_ += milliseconds(1);
  session().tick(now_);
  EXPECT_THAT(lines(), ElementsAre(testing::AllOf(HasSubstr("mining.notify\",\"params\":[\"e2"),
                                                  HasSubstr("\"68e00001\",false]}"))))
      << "the headers of the earlier notify would be found a second time";
  EXPECT_THAT(submit(kShare), accepted()) << "the earlier id lives on: the job was not clean";
}

TEST_F(SessionTest, SilenceEndsTheConnection) {
  session().tick(now_ + rules_.limits.handshake_max + milliseconds(1));
  EXPECT_EQ(session().closing(), "it never authorized");
  session_.reset();
  join();
  now_ += rules_.limits.silence_max;
  session().tick(now_);
  EXPECT_EQ(session().closing(), "");
  session().tick(now_ + milliseconds(1));
  EXPECT_EQ(session().closing(), "it fell silent");
}

TEST_F(SessionTest, ASuggestionIsRoundedDownToAPowerOfTwoAndTheJobBoundsIt) {
  join();
  const auto suggest = [&](std::string_view d) {
    return say(R"({"id":4,"method":"mining.suggest_difficulty","params":[)" + std::string(d) +
               "]}\n");
  };
  EXPECT_THAT(suggest("0.0003"),
              ElementsAre(HasSubstr("true"), HasSubstr("[0.000244140625]"),
                          testing::AllOf(HasSubstr("mining.notify"), HasSubstr("false]}"))));
  EXPECT_THAT(suggest("0.0003"), SizeIs(1)) << "a repeated wish changes nothing";
  EXPECT_THAT(suggest("1000"), ElementsAre(HasSubstr("true"), HasSubstr("[0.0009765625]"),
                                           HasSubstr("mining.notify")))
      << "above the job's own difficulty shares of the job would be held back";
}

TEST_F(SessionTest, AShareBetweenTheTwoTargetsIsAcceptedAndNotFound) {
  join();
  work::Job job = example_job();
  job.target = work::Target::from_difficulty(1, 1).value();
  session().publish(std::make_shared<PublishedJob>(job), now_);
  lines();
  EXPECT_THAT(submit(R"("e2","0100000000000000","68e00000","0005ff78","00006000")"), accepted());
  EXPECT_FALSE(host_.judgements.back().meets_job);
}

TEST_F(SessionTest, TheOldDifficultyHoldsForTheJobThatCarriedIt) {
  join();
  say(R"({"id":4,"method":"mining.suggest_difficulty","params":[0.0001]})"
      "\n");
  EXPECT_EQ(session().log2_difficulty(), -14);
  submit(kShare);
  EXPECT_EQ(host_.judgements.back().difficulty, 0.0009765625);
}

TEST_F(SessionTest, CgminerIsNeverSentLessThanOne) {
  say(R"({"id":2,"method":"mining.subscribe","params":["cgminer/4.12.1"]})"
      "\n");
  say(kAuthorize);
  session().publish(std::make_shared<PublishedJob>(example_job()), now_);
  EXPECT_THAT(lines(), ElementsAre(HasSubstr("\"params\":[1]}"), HasSubstr("mining.notify")));
}

}  // namespace
}  // namespace calx::stratum
