// Goal: a build without OpenSSL says so, and nothing pretends to be safe. Method: fault.
#include <gtest/gtest.h>

#include "calx/tls/context.h"

namespace calx::tls {
namespace {

TEST(AbsentTest, WithoutOpenSslEveryContextIsUnimplemented) {
  EXPECT_FALSE(available());
  EXPECT_EQ(Context::server("a", "b").error().code, ErrorCode::kUnimplemented);
  EXPECT_EQ(Context::client("").error().code, ErrorCode::kUnimplemented);
}

}  // namespace
}  // namespace calx::tls
