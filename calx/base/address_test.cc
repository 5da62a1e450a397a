// Goal: what is open to others is never taken for loopback.
// Method: vector. Addresses of every form, with what they mean.
#include "calx/base/address.h"

#include <gtest/gtest.h>

namespace calx {
namespace {

TEST(AddressTest, ReadsNamesNumbersAndBrackets) {
  EXPECT_EQ(parse_address("127.0.0.1:8888")->to_string(), "127.0.0.1:8888");
  EXPECT_EQ(parse_address("[::1]:80")->to_string(), "[::1]:80");
  EXPECT_EQ(parse_address("miner.local:65535")->host, "miner.local");
}

TEST(AddressTest, RefusesWhatIsNoAddress) {
  for (const char* text : {"", ":", ":80", "host", "host:", "host:65536", "host:-1", "host:8x",
                           "::1:80", "[::1]", "[]:80", "[::1:80"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(AddressTest, OnlyThisMachineReachesLoopback) {
  for (const char* host : {"127.0.0.1", "127.9.9.9", "::1", "localhost"}) {
    EXPECT_TRUE((Address{.host = host}.loopback())) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "192.168.1.2", "localhost.example", "127.0.0.1.example",
                           "::ffff:127.0.0.1", "1270.0.1"}) {
    EXPECT_FALSE((Address{.host = host}.loopback())) << host;
  }
}

}  // namespace
}  // namespace calx
