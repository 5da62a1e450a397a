// Goal: what miners answer is read, however their JSON is broken.
// Method: vectors: replies as an S9 and an S3 send them, with each fault seen in the field; faults:
// half-open sockets, errors, replies that are too long.
#include "calx/device/cgminer_api.h"

#include <gmock/gmock.h>

#include "calx/device/scripted_server.h"

namespace calx::device {
namespace {

using testing::HasSubstr;

constexpr std::string_view kSummary =
    R"({"STATUS":[{"STATUS":"S","When":1,"Code":11,"Msg":"Summary","Description":"cgminer"}],)"
    R"("SUMMARY":[{"Elapsed":600,"MHS av":441000.5,"MHS 5s":440123,"Accepted":12,"Rejected":1,)"
    R"("Hardware Errors":3,"Best Share":29588}],"id":1})";

TEST(CgminerApiTest, ASummaryIsRead) {
  const auto reply = parse_cgminer_reply(std::string(kSummary) + '\0');
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 'S');
  EXPECT_EQ(reply->code, 11);
  const CgminerSummary summary = cgminer_summary(*reply);
  EXPECT_DOUBLE_EQ(summary.ghs.value(), 440.123);
  EXPECT_DOUBLE_EQ(summary.accepted.value(), 12);
  EXPECT_DOUBLE_EQ(summary.hardware_errors.value(), 3);
  EXPECT_DOUBLE_EQ(summary.best_share.value(), 29588);
}

TEST(CgminerApiTest, StatsOfAnS9LackTheirCommas) {
  const auto reply = parse_cgminer_reply(
      R"({"STATUS":[{"STATUS":"S","Code":70}],"STATS":[{"CGMiner":"4.9.0","Type":"Antminer S9"})"
      R"({"STATS":0,"GHS 5s":"13512.3","GHS av":nan,"temp_num":3,"temp6":61,"temp2_6":"75",)"
      R"("temp_max":99,"freq_avg6":-nan,"chain_acs6":" oooooooo xx}{"}],"id":1})");
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_EQ(reply->rows("STATS").size(), 2u);
  const CgminerRow& row = reply->rows("STATS")[1];
  EXPECT_DOUBLE_EQ(cgminer_number(row, {"GHS av", "GHS 5s"}).value(), 13512.3);
  EXPECT_FALSE(cgminer_number(row, {"freq_avg6"}));
  EXPECT_EQ(cgminer_text(row, "chain_acs6"), " oooooooo xx}{") << "inside a string nothing changes";
  EXPECT_DOUBLE_EQ(cgminer_celsius(*reply).value(), 75);
}

TEST(CgminerApiTest, ControlCharactersAndBadEscapesAreOnlyBlanks) {
  std::string text(kSummary);
  text.insert(text.find("Summary"), "\x01\n\t");
  text += "\r\n";
  const auto reply = parse_cgminer_reply(text);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_THAT(reply->message, HasSubstr("Summary"));
  for (const char* bad : {"", "{", "[]", "SUMMARY|x", "{\"a\":}"}) {
    EXPECT_EQ(parse_cgminer_reply(bad).error().code, ErrorCode::kDataLoss) << bad;
  }
  EXPECT_FALSE(parse_cgminer_reply(std::string(kCgminerReplyBytesMax + 1, ' ')));
}

TEST(CgminerApiTest, PoolsAreListed) {
  const auto reply = parse_cgminer_reply(
      R"({"STATUS":[{"STATUS":"S"}],"POOLS":[{"POOL":0,"URL":"stratum+tcp://a:1","Status":"Alive",)"
      R"("Priority":1,"User":"u","Stratum Active":false},{"POOL":1,"URL":"b","Priority":0,)"
      R"("Stratum Active":true},{"POOL":-5},{"URL":"no index"}]})");
  ASSERT_TRUE(reply);
  const auto pools = cgminer_pools(*reply);
  ASSERT_EQ(pools.size(), 2u);
  EXPECT_EQ(pools[0].url, "stratum+tcp://a:1");
  EXPECT_FALSE(pools[0].active);
  EXPECT_TRUE(pools[1].active);
}

TEST(CgminerApiTest, RequestsAreOneObjectAndValuesAreEscaped) {
  EXPECT_EQ(cgminer_request("summary", ""), R"({"command":"summary"})");
  EXPECT_EQ(cgminer_request("switchpool", "2"), R"({"command":"switchpool","parameter":"2"})");
  EXPECT_EQ(cgminer_escape("a,b\\c"), "a\\,b\\\\c");
}

TEST(CgminerApiTest, AMinerIsAskedOverTcp) {
  const ScriptedServer server([](const std::string& request) {
    if (request.find("\"quit\"") != std::string::npos) {
      return std::string(R"({"STATUS":[{"STATUS":"E","Code":45,"Msg":"Access denied"}]})");
    }
    if (request.find("\"config\"") != std::string::npos) return std::string();
    return std::string(kSummary) + '\0';
  });
  const auto ask = [&server](const char* command, int ms) {
    return ask_cgminer(server.address(), command, "", std::chrono::milliseconds(ms));
  };
  EXPECT_TRUE(ask("summary", 5000));
  EXPECT_EQ(server.requests().at(0), R"({"command":"summary"})");
  const auto denied = ask("quit", 5000);
  EXPECT_EQ(denied.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(denied.error().message, HasSubstr("Access denied"));
  EXPECT_EQ(ask("config", 30).error().code, ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace calx::device
