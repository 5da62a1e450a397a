// Goal: whatever status a server ends a call with, the user reads one sentence that names the
// server and what to do. Method: law. Every number that gRPC defines, and two that it does not.
#include "calx/remote/wire.h"

#include <gmock/gmock.h>

namespace calx::remote {
namespace {

using testing::HasSubstr;

Error error_of(int number, const std::string& message = "said") {
  return from_status({static_cast<grpc::StatusCode>(number), message}, "miner:8888");
}

TEST(StatusTest, EveryStatusIsOneSentenceThatNamesTheServer) {
  for (int number = 1; number <= 16; ++number) {
    const Error error = error_of(number);
    EXPECT_TRUE(error.message.starts_with("miner:8888: said")) << number;
    EXPECT_EQ(error.message.find('\n'), std::string::npos);
    EXPECT_FALSE(error.message.ends_with('.'));
    EXPECT_GT(error_of(number, "").message.size(), std::string("miner:8888: ").size())
        << "a status without a message has its name";
  }
}

TEST(StatusTest, CodesThatCalxHasKeepTheirNumberAndOthersBecomeTheNearest) {
  for (const int number : {1, 3, 4, 5, 8, 12, 13, 14, 15}) {
    EXPECT_EQ(static_cast<int>(error_of(number).code), number);
  }
  for (const int number : {7, 16}) EXPECT_EQ(error_of(number).code, ErrorCode::kInvalidArgument);
  for (const int number : {2, 6, 9, 10, 11, 17, 99}) {
    EXPECT_EQ(error_of(number).code, ErrorCode::kUnavailable) << number;
  }
}

TEST(StatusTest, TheAdviceFitsTheStatus) {
  EXPECT_THAT(error_of(16).message, HasSubstr("--token-file"));
  EXPECT_THAT(error_of(14).message, HasSubstr("whether it runs"));
  EXPECT_THAT(error_of(12).message, HasSubstr("calx device probe"));
  EXPECT_THAT(error_of(8).message, HasSubstr("send less"));
  EXPECT_THAT(error_of(9).message, HasSubstr("which program"));
}

}  // namespace
}  // namespace calx::remote
