// Goal: what a user names is searched, no more of it than allowed, and nothing outside the LAN.
// Method: vector tests of every form with its first and last address; fault tests of wrong forms,
// sizes one beyond the limit, and nets that leave the private ranges part-way.
#include "calx/device/address_range.h"

#include <gmock/gmock.h>

namespace calx::device {
namespace {

std::vector<std::string> ips(std::string_view text) {
  const auto targets = expand_range(text);
  EXPECT_TRUE(targets) << text << ": " << targets.error().message;
  std::vector<std::string> result;
  for (const auto& target : targets.value_or(std::vector<SearchTarget>{})) {
    result.push_back(target.ip);
  }
  return result;
}

TEST(AddressRangeTest, EveryFormNamesItsAddresses) {
  EXPECT_THAT(ips("192.168.1.20"), testing::ElementsAre("192.168.1.20"));
  EXPECT_THAT(ips("10.0.0.9-11"), testing::ElementsAre("10.0.0.9", "10.0.0.10", "10.0.0.11"));
  EXPECT_THAT(ips("10.0.0.255-10.0.1.1"),
              testing::ElementsAre("10.0.0.255", "10.0.1.0", "10.0.1.1"));
  EXPECT_THAT(ips("192.168.7.5/30"), testing::ElementsAre("192.168.7.5", "192.168.7.6"));
  EXPECT_THAT(ips("192.168.7.4/31"), testing::ElementsAre("192.168.7.4", "192.168.7.5"));
  EXPECT_THAT(ips("192.168.7.4/32"), testing::ElementsAre("192.168.7.4"));
  const auto net = ips("172.16.0.0/24");
  ASSERT_EQ(net.size(), 254u);
  EXPECT_EQ(net.front(), "172.16.0.1");
  EXPECT_EQ(net.back(), "172.16.0.254");
  const auto port = expand_range("127.0.0.1-2:8080");
  ASSERT_TRUE(port);
  EXPECT_EQ(port->back(), (SearchTarget{"127.0.0.2", 8080}));
}

TEST(AddressRangeTest, NothingBeyondTheLimitAndNothingWrongIsTaken) {
  EXPECT_EQ(ips("10.0.0.0/22").size(), 1022u);
  EXPECT_EQ(ips("10.0.0.0-10.0.3.255").size(), kSearchAddressesMax);
  for (const char* large : {"10.0.0.0-10.0.4.0", "10.0.0.0/21", "0.0.0.0/0"}) {
    const auto refused = expand_range(large);
    ASSERT_FALSE(refused) << large;
    EXPECT_THAT(refused.error().message, testing::HasSubstr("at most 1024")) << large;
  }
  for (const char* wrong :
       {"", "-", "/", ":", "10.0.0", "10.0.0.1-", "10.0.0.9-3", "10.0.0.1/33", "10.0.0.1/",
        "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:", "10.0.0.1-256", "host", "10.0.0.0/-1"}) {
    const auto refused = expand_range(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument) << wrong;
  }
}

TEST(AddressRangeTest, PublicAddressesNeedAWordAndPublicRangesAreNeverTaken) {
  EXPECT_FALSE(expand_range("8.8.8.8"));
  EXPECT_TRUE(expand_range("8.8.8.8", Reach::kAnyone));
  EXPECT_FALSE(expand_range("8.8.8.8-9", Reach::kAnyone));
  EXPECT_FALSE(expand_range("8.8.8.0/24", Reach::kAnyone));
  EXPECT_FALSE(expand_range("192.168.255.250-192.169.0.4", Reach::kAnyone)) << "leaves the LAN";
}

TEST(AddressRangeTest, SeveralRangesShareOneLimitAndNameEachAddressOnce) {
  const auto two = expand_ranges({"10.0.0.1-3", "10.0.0.2-4", "10.0.0.2:81"});
  ASSERT_TRUE(two);
  EXPECT_EQ(two->size(), 5u);
  EXPECT_FALSE(expand_ranges({"10.0.0.0/22", "10.1.0.0/24"}));
}

}  // namespace
}  // namespace calx::device
