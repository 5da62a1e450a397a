// Goal: the client says what each firmware says, and believes what each firmware believes.
// Method: vector tests of the opening and of submits against captured forms; fault tests of replies
// and calls that lack something; headers of a measured share of another project.
#include "calx/emulate/stratum_client.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "calx/base/hex.h"
#include "calx/emulate/openssl_hash.h"
#include "calx/emulate/scripted_pool.h"

namespace calx::emulate {
namespace {

StratumClient client_of(const char* firmware) {
  return StratumClient(find_firmware(firmware).value(), "calx-emulator/test", "w.1", "x");
}

// Plays the opening against the scripted pool; returns what the client sent.
std::vector<std::string> open_with(StratumClient& client, PoolSession& pool) {
  std::vector<std::string> sent;
  std::string lines = client.open();
  while (!lines.empty()) {
    std::string next;
    for (std::size_t end; (end = lines.find('\n')) != std::string::npos; lines.erase(0, end + 1)) {
      sent.push_back(lines.substr(0, end));
      std::string answers = pool.on_line(sent.back());
      for (std::size_t stop; (stop = answers.find('\n')) != std::string::npos;
           answers.erase(0, stop + 1)) {
        next += client.on_line(answers.substr(0, stop)).output;
      }
    }
    lines = next;
  }
  return sent;
}

TEST(StratumClientTest, AxeosConfiguresSubscribesAndAuthorizesInThisOrder) {
  StratumClient client = client_of("axeos-2.1");
  PoolSession pool(-20, "ca1c0001", 0);
  EXPECT_EQ(open_with(client, pool),
            (std::vector<std::string>{
                R"({"id":1,"method":"mining.configure","params":[["version-rolling"],)"
                R"({"version-rolling.mask":"ffffffff"}]})",
                R"({"id":2,"method":"mining.subscribe","params":["calx-emulator/test"]})",
                R"({"id":3,"method":"mining.authorize","params":["w.1","x"]})"}));
  EXPECT_TRUE(client.authorized());
  EXPECT_EQ(client.difficulty(), 0x1p-20);
  ASSERT_TRUE(client.job());
  EXPECT_EQ(client.job()->version_mask, 0x1fffe000u);
  EXPECT_EQ(client.job()->extranonce2_bytes, 8u);
}

TEST(StratumClientTest, SubmitsLookAsEachFirmwareWritesThem) {
  const Roll roll{.extranonce_2 = extranonce2_counter(1, 8), .version_bits = 0x6000};
  const auto submitted = [&](const char* firmware) {
    StratumClient client = client_of(firmware);
    PoolSession pool(-20, "ca1c0001", 0);
    open_with(client, pool);
    return client.submit(client.fields(*client.job(), roll, 0x5ff78), 0);
  };
  EXPECT_EQ(submitted("axeos-2.1"),
            R"({"id":4,"method":"mining.submit","params":["w.1","job1","0100000000000000",)"
            R"("68e00000","0005ff78","00006000"]})"
            "\n");
  EXPECT_EQ(submitted("nerdminer"),
            R"({"id":4,"method":"mining.submit","params":["w.1","job1","0100000000000000",)"
            R"("68e00000","5ff78"]})"
            "\n");
  EXPECT_EQ(submitted("cpuminer"),
            R"({"id":4,"method":"mining.submit","params":["w.1","job1","0100000000000000",)"
            R"("68e00000","0005ff78"]})"
            "\n");
}

TEST(StratumClientTest, NerdminerSuggestsADifficultyAfterItMayWork) {
  StratumClient client = client_of("nerdminer");
  PoolSession pool(-20, "ca1c0001", 0);
  const auto sent = open_with(client, pool);
  ASSERT_EQ(sent.size(), 3u);
  EXPECT_EQ(sent[2], R"({"id":3,"method":"mining.suggest_difficulty","params":[0.00015]})");
}

TEST(StratumClientTest, CpuminerMatchesRepliesByTheirOrder) {
  StratumClient client = client_of("cpuminer");
  PoolSession pool(-20, "ca1c0001", 0);
  open_with(client, pool);
  const auto fields = client.fields(*client.job(), {.extranonce_2 = Bytes(8)}, 1);
  client.submit(fields, 100);
  client.submit(fields, 101);
  const auto first = client.on_line(R"({"id":4,"result":true,"error":null})").answer;
  const auto second = client.on_line(R"({"id":4,"result":null,"error":[22,"dup",null]})").answer;
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->number, 100u);
  EXPECT_EQ(first->verdict, 0);
  EXPECT_EQ(second->number, 101u);
  EXPECT_EQ(second->verdict, 22);
  EXPECT_EQ(second->reason, "dup");
}

TEST(StratumClientTest, AnS9HangsUpWhenTheReplyToConfigureIsNotFirst) {
  StratumClient client = client_of("cgminer-s9");
  client.open();
  EXPECT_TRUE(
      client.on_line(R"({"id":null,"method":"mining.set_difficulty","params":[1]})").hang_up);
  client.open();
  EXPECT_TRUE(client.on_line(R"({"id":2,"result":[[],"ca1c0001",4],"error":null})").hang_up);
}

TEST(StratumClientTest, ExtranoncesThatAFirmwareCannotHoldEndTheTalk) {
  StratumClient client = client_of("cgminer-s3");
  client.open();
  EXPECT_TRUE(client.on_line(R"({"id":1,"result":[[],"ca1c0001",9],"error":null})").hang_up);
  client.open();
  EXPECT_TRUE(client.on_line(R"({"id":1,"result":"no","error":null})").hang_up);
}

TEST(StratumClientTest, AJobIdSeenAmongTheLastSixteenIsIgnoredUnlessClean) {
  StratumClient client = client_of("axeos-master");
  PoolSession pool(-20, "ca1c0001", 0);
  open_with(client, pool);
  std::string same = pool.notify(false);
  EXPECT_TRUE(client.on_line(same).new_job);
  EXPECT_FALSE(client.on_line(same).new_job);
  same.replace(same.find("false"), 5, "true");
  const Reaction again = client.on_line(same);
  EXPECT_TRUE(again.new_job && again.clean);
}

TEST(StratumClientTest, LinesThatLackSomethingChangeNothing) {
  StratumClient client = client_of("axeos-master");
  PoolSession pool(-20, "ca1c0001", 0);
  open_with(client, pool);
  const std::string job = client.job()->id;
  for (const char* line :
       {"", "{", "[]", "7", "{}", R"({"id":null})", R"({"id":{},"result":true})", R"({"method":7})",
        R"({"method":"mining.notify"})", R"({"method":"mining.notify","params":{}})",
        R"({"method":"mining.notify","params":["a","b","c","d","e","f","g","h"]})",
        R"({"method":"mining.set_difficulty","params":["x"]})",
        R"({"method":"mining.set_difficulty","params":[-1]})",
        R"({"method":"mining.set_version_mask","params":["xyz"]})",
        R"({"method":"mining.set_extranonce","params":["00",99]})", "\xff\xfe{\"id\":1}"}) {
    const Reaction reaction = client.on_line(line);
    EXPECT_FALSE(reaction.new_job || reaction.hang_up || reaction.answer) << line;
  }
  EXPECT_EQ(client.job()->id, job);
  EXPECT_EQ(client.difficulty(), 0x1p-20);
  EXPECT_EQ(client.on_line(R"({"id":9,"method":"mining.ping"})").output,
            "{\"id\":9,\"method\":\"pong\"}\n");
}

TEST(StratumClientTest, TheHeaderOfAMeasuredShareComesOut) {
  StratumClient client = client_of("axeos-master");
  client.open();
  client.on_line(R"({"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"}})");
  client.on_line(R"({"id":2,"result":[[],"ca1c0001",8],"error":null})");
  const Reaction reaction = client.on_line(
      R"({"id":null,"method":"mining.notify","params":["ex1",)"
      R"("30876c8ca059900ab3433f2b5df96bfffd1b46c400000aa00000000000000000",)"
      R"("01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff1603)"
      R"(40d10c2f63616c782f","ffffffff02000000000000000001510000000000000000226a204606d8ecd40e6e)"
      R"(d35c43666bf2086f8feb56ee9ed4d11d7db563f6727975ff3000000000",)"
      R"(["0bdb36e25789818635ef68c08feb67d26b139162b219f13150f1da5b4242a224"],"20000000",)"
      R"("17023a04","68e00000",true]})");
  ASSERT_TRUE(reaction.new_job);
  const Roll roll{.extranonce_2 = extranonce2_counter(1, 8), .version_bits = 0x6000};
  hash::Header header = header_of(*client.job(), roll);
  const Bytes nonce = from_hex(std::string_view("78ff0500")).value();
  std::copy(nonce.begin(), nonce.end(), header.begin() + 76);
  EXPECT_EQ(
      to_hex(header),
      "006000208c6c87300a9059a02b3f43b3ff6bf95dc4461bfda00a00000000000000000000295e7587e589c5c1"
      "a3928c237d77c7ef07853186072b1bb3e398f999a8095d800000e068043a021778ff0500");
  EXPECT_TRUE(meets(openssl_double_hash(header), openssl_target(-10)));
}

TEST(MiningJobTest, CountersFillTheirPlacesFromTheLowestBit) {
  EXPECT_EQ(to_hex(extranonce2_counter(1, 4)), "01000000");
  EXPECT_EQ(to_hex(extranonce2_counter(0x7fffffff, 6)), "ffffff7f0000");
  EXPECT_EQ(version_bits_counter(0, 0x1fffe000), 0u);
  EXPECT_EQ(version_bits_counter(3, 0x1fffe000), 0x6000u);
  EXPECT_EQ(version_bits_counter(0xffff, 0x1fffe000), 0x1fffe000u);
  EXPECT_EQ(version_bits_counter(5, 0), 0u);
}

}  // namespace
}  // namespace calx::emulate
