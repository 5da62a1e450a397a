// Goal: the IP report of an Antminer is read, and nobody can report for another.
// Method: vector and fault tests of the text; reports sent over loopback by several senders.
#include "calx/device/antminer_report.h"

#include <gmock/gmock.h>

#include <thread>

#include "calx/device/datagram.h"

namespace calx::device {
namespace {

TEST(AntminerReportTest, TheTextIsAnAddressAndAMac) {
  const AntminerReport wanted{"192.168.1.7", "02:ca:1c:00:00:0f"};
  EXPECT_EQ(parse_antminer_report("192.168.1.7,02:CA:1C:00:00:0F").value(), wanted);
  EXPECT_EQ(parse_antminer_report(std::string_view("192.168.1.7,02:ca:1c:00:00:0f\0\0\n", 32)),
            wanted);
  for (const std::string& wrong :
       {std::string(), std::string(","), std::string("192.168.1.7"),
        std::string("192.168.1.7,02:ca:1c:00:00:0"), std::string("192.168.1.7,02-ca-1c-00-00-0f"),
        std::string("8.8.8.8,02:ca:1c:00:00:0f"), std::string("192.168.1.7,02:ca:1c:00:00:0g"),
        std::string(kAntminerReportBytesMax + 1, 'a')}) {
    EXPECT_FALSE(parse_antminer_report(wrong)) << wrong;
  }
}

TEST(AntminerReportTest, EachHonestSenderIsHeardOnce) {
  // A free port, taken and given back, for the listener of the test.
  const std::uint16_t port = DatagramSocket::open({"127.0.0.1", 0})->local().port;
  std::stop_source stop;
  std::jthread sender([&] {
    const auto own = DatagramSocket::open({"127.0.0.1", 0});
    const auto other = DatagramSocket::open({"127.0.0.2", 0});
    const auto say = [port](const Result<DatagramSocket>& from, std::string_view text) {
      static_cast<void>(from->send(
          {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, {"127.0.0.1", port}));
    };
    while (!stop.stop_requested()) {
      say(own, "127.0.0.1,02:ca:1c:00:00:01");
      say(other, "127.0.0.3,02:ca:1c:00:00:03");  // not its own address
      say(other, "nonsense");
      say(other, "127.0.0.2,02:ca:1c:00:00:02");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  const auto heard =
      listen_antminer_reports({"127.0.0.1", port}, std::chrono::milliseconds(800), {});
  stop.request_stop();
  ASSERT_TRUE(heard) << heard.error().message;
  EXPECT_THAT(*heard,
              testing::UnorderedElementsAre(AntminerReport{"127.0.0.1", "02:ca:1c:00:00:01"},
                                            AntminerReport{"127.0.0.2", "02:ca:1c:00:00:02"}));
}

TEST(AntminerReportTest, ATakenPortIsSaid) {
  const auto taken = DatagramSocket::open({"127.0.0.1", 0});
  ASSERT_TRUE(taken);
  const auto refused = listen_antminer_reports(taken->local(), std::chrono::milliseconds(10), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace calx::device
