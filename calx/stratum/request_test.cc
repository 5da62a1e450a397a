// Goal: every line that a known miner sends is understood, and no other line is taken for one.
// Method: vector tests with the lines of ESP-Miner, cgminer, NerdMiner, cpuminer and
// stratum-client; fault tests, one for each way in which a line can be wrong.
#include "calx/stratum/request.h"

#include <gmock/gmock.h>

#include "calx/base/hex.h"
#include "calx/stratum/limits.h"

namespace calx::stratum {
namespace {

template <class T>
T call(std::string_view line) {
  const auto request = parse_request(line);
  EXPECT_TRUE(request) << line;
  if (!request || !std::holds_alternative<T>(request->call)) {
    ADD_FAILURE() << "another call: " << line;
    return {};
  }
  return std::get<T>(request->call);
}

std::string id(std::string_view line) { return parse_request(line).value().id; }

TEST(RequestTest, TheFirstLinesOfAnEspMinerAreUnderstood) {
  const auto configure =
      call<Configure>(R"({"id":1,"method":"mining.configure",)"
                      R"("params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]})");
  EXPECT_TRUE(configure.version_rolling);
  EXPECT_EQ(configure.version_mask, 0xffffffffu);
  EXPECT_EQ(
      call<Subscribe>(R"({"id":2,"method":"mining.subscribe","params":["bitaxe/BM1366/v2.4"]})")
          .user_agent,
      "bitaxe/BM1366/v2.4");
  const auto authorize =
      call<Authorize>(R"({"id":3,"method":"mining.authorize","params":["w.1","x"]})");
  EXPECT_EQ(authorize.user, "w.1");
  EXPECT_EQ(authorize.password, "x");
  EXPECT_EQ(
      call<SuggestDifficulty>(R"({"id":4,"method":"mining.suggest_difficulty","params":[1000]})")
          .difficulty,
      1000);
  call<SubscribeExtranonce>(R"({"id":5,"method":"mining.extranonce.subscribe","params":[]})");
  call<Ping>(R"({"id":6,"method":"mining.ping"})");
  call<GetVersion>(R"({"id":7,"method":"client.get_version","params":[]})");
}

TEST(RequestTest, ASubmitHasFiveOrSixParametersAndPerhapsAnUnpaddedNonce) {
  const auto six = call<Submit>(
      R"({"id":9,"method":"mining.submit",)"
      R"("params":["w.1","ex1","0100000000000000","68e00000","0005ff78","00006000"]})");
  EXPECT_EQ(six.user, "w.1");
  EXPECT_EQ(six.job_id, "ex1");
  EXPECT_EQ(to_hex(six.extranonce_2), "0100000000000000");
  EXPECT_EQ(six.ntime, 0x68e00000u);
  EXPECT_EQ(six.nonce, 0x0005ff78u);
  EXPECT_EQ(six.version_bits, 0x6000u);
  const auto five = call<Submit>(
      R"({"id":9,"method":"mining.submit","params":["w.1","ex1","00000000","68e00000","5ff78"]})");
  EXPECT_EQ(five.nonce, 0x0005ff78u);
  EXPECT_EQ(five.version_bits, 0u);
}

TEST(RequestTest, TheIdIsKeptVerbatimWhateverItsType) {
  EXPECT_EQ(id(R"({"id":"mining.subscribe","method":"mining.subscribe"})"),
            R"("mining.subscribe")");
  EXPECT_EQ(id(R"({"method":"mining.ping", "id" : 12345678901234567890123 })"),
            "12345678901234567890123");
  EXPECT_EQ(id(R"({"id":1.50,"method":"mining.ping"})"), "1.50");
  EXPECT_EQ(id(R"({"params":[{"id":7},"\"id\":8"],"id":[1,{"a":"}"}],"method":"x"})"),
            R"([1,{"a":"}"}])");
  EXPECT_EQ(id(R"({"id":null,"method":"x"})"), "null");
  EXPECT_EQ(id(R"({"method":"x"})"), "null");
  EXPECT_EQ(id(R"({"id":1,"id":"\u0041\"","method":"x"})"), R"("\u0041\"")");
  EXPECT_EQ(id("{}"), "null");
}

TEST(RequestTest, ALineWithoutAMethodIsAnAnswer) {
  call<Answer>(R"({"id":4,"result":"cgminer/4.12","error":null})");
  call<Answer>(R"({"id":4,"method":null})");
}

TEST(RequestTest, AnUnknownMethodIsNamed) {
  EXPECT_EQ(call<Unknown>(R"({"id":1,"method":"mining.multi_version","params":[4]})").method,
            "mining.multi_version");
}

TEST(RequestTest, ParametersThatAreNoneAreMalformed) {
  for (const char* line : {
           R"({"method":"mining.submit",)"
           R"("params":["undefined","undefined","undefined","undefined","undefined"]})",
           R"({"method":"mining.submit","params":[null,null,null,null,null]})",
           R"({"method":"mining.submit","params":["w","1","00","68e00000"]})",
           R"({"method":"mining.submit","params":["w","1","00","68e00000","1","2","3"]})",
           R"({"method":"mining.submit","params":["w","1","000","68e00000","1"]})",
           R"({"method":"mining.submit","params":["w","1","00","68e00000","123456789"]})",
           R"({"method":"mining.submit","params":["w","1","00","68e00000","0x12"]})",
           R"({"method":"mining.submit","params":["w","1","00","68e00000","1","xyz"]})",
           R"({"method":"mining.submit",)"
           R"("params":["w","1","000000000000000000000000000000000000","68e00000","1"]})",
           R"({"method":"mining.submit","params":{"user":"w"}})",
           R"({"method":"mining.submit"})",
           R"({"method":"mining.authorize","params":[]})",
           R"({"method":"mining.suggest_difficulty","params":["1"]})",
           R"({"method":"mining.suggest_difficulty","params":[0]})",
           R"({"method":"mining.suggest_difficulty","params":[-4]})",
           R"({"method":"mining.configure","params":["version-rolling"]})",
           R"({"method":"mining.configure",)"
           R"("params":[["version-rolling"],{"version-rolling.mask":7}]})",
           R"({"method":"mining.configure","params":[[1]]})",
           R"({"method":7})",
       }) {
    call<Malformed>(line);
  }
}

TEST(RequestTest, WhatIsNoJsonObjectIsAnError) {
  for (const char* line : {"", "GET / HTTP/1.1", "[]", "7", "{", R"({"id":1)", R"({"id":1}})",
                           R"({"id":"\x"})", "{\"method\":\"\xff\"}"}) {
    const auto request = parse_request(line);
    ASSERT_FALSE(request) << line;
    EXPECT_EQ(request.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(RequestTest, ALineAboveTheLimitIsAnErrorAndOneAtItIsNot) {
  const auto line = [](std::size_t bytes) {
    std::string text = R"({"id":1,"method":"mining.ping","pad":"")";
    text.insert(text.size() - 1, bytes - text.size() - 1, 'x');
    return text + "}";
  };
  EXPECT_TRUE(parse_request(line(kLineBytesMax)));
  EXPECT_EQ(parse_request(line(kLineBytesMax + 1)).error().code, ErrorCode::kResourceExhausted);
}

TEST(RequestTest, DeepNestingIsRead) {
  const std::string deep(4000, '[');
  EXPECT_FALSE(parse_request(deep));
  EXPECT_TRUE(parse_request("{\"params\":" + deep + std::string(4000, ']') + "}"));
}

TEST(RequestTest, AUserAgentIsKeptShortAndPrintable) {
  const auto agent = call<Subscribe>(R"({"method":"mining.subscribe","params":["a\n\u001b[31mb)" +
                                     std::string(200, 'c') + "\"]}");
  EXPECT_LE(agent.user_agent.size(), kUserAgentBytesMax);
  EXPECT_TRUE(agent.user_agent.starts_with("a[31mbccc"));
}

}  // namespace
}  // namespace calx::stratum
