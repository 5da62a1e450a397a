// Goal: nothing ever raises an origin.
// Method: law, over every pair.
#include "calx/base/origin.h"

#include <gtest/gtest.h>

namespace calx {
namespace {

constexpr Origin kAll[] = {Origin::kModelled, Origin::kEmulated, Origin::kSoftware,
                           Origin::kDevice};

TEST(OriginTest, CombiningKeepsTheEarlierOfTwo) {
  for (const Origin a : kAll) {
    for (const Origin b : kAll) {
      EXPECT_LE(combine(a, b), a);
      EXPECT_LE(combine(a, b), b);
      EXPECT_EQ(combine(a, b), combine(b, a));
    }
  }
}

TEST(OriginTest, WordsSurviveTheRoundTripAndOthersAreRefused) {
  for (const Origin origin : kAll) EXPECT_EQ(parse_origin(to_string(origin)).value(), origin);
  EXPECT_EQ(parse_origin("real").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx
