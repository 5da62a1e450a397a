// Goal: only a name with its own token works, and no word of a miner raises its origin.
// Method: vector and fault tests.
#include "calx/stratum/worker.h"

#include <gtest/gtest.h>

namespace calx::stratum {
namespace {

TEST(WorkerTest, NameTokenAndOriginAreRead) {
  const Worker plain = parse_worker("rig:secret").value();
  EXPECT_EQ(plain.name, "rig");
  EXPECT_EQ(plain.token, "secret");
  EXPECT_EQ(plain.origin, Origin::kEmulated);
  EXPECT_EQ(parse_worker("rig:secret:device").value().origin, Origin::kDevice);
}

TEST(WorkerTest, AWorkerThatIsNoneIsRefused) {
  for (const std::string& text :
       {std::string("rig"), std::string(":x"), std::string("rig:"), std::string("r ig:x"),
        std::string("rig:x:modelled"), std::string("rig:x:software"), std::string("rig:x:asic"),
        std::string("rig:x:device:y"), std::string(65, 'n') + ":x", "n:" + std::string(129, 'x')}) {
    EXPECT_EQ(parse_worker(text).error().code, ErrorCode::kInvalidArgument) << text;
  }
}

TEST(WorkerTest, ATokenBelongsToOneName) {
  const std::vector<Worker> workers = {{"a", "1"}, {"b", "2"}};
  EXPECT_EQ(find_worker(workers, "a", "1"), &workers[0]);
  EXPECT_EQ(find_worker(workers, "b", "2"), &workers[1]);
  EXPECT_EQ(find_worker(workers, "a", "2"), nullptr);
  EXPECT_EQ(find_worker(workers, "a", ""), nullptr);
  EXPECT_EQ(find_worker(workers, "c", "1"), nullptr);
  EXPECT_EQ(find_worker({}, "", ""), nullptr);
}

TEST(WorkerTest, AUserAgentLowersAndNeverRaises) {
  EXPECT_EQ(lowered(Origin::kDevice, "calx-emulator/lv06"), Origin::kEmulated);
  EXPECT_EQ(lowered(Origin::kDevice, "cpuminer/2.5.1"), Origin::kEmulated);
  EXPECT_EQ(lowered(Origin::kEmulated, "cpuminer/2.5.1"), Origin::kEmulated);
  EXPECT_EQ(lowered(Origin::kEmulated, "bitaxe/BM1366/v2.4"), Origin::kEmulated);
  EXPECT_EQ(lowered(Origin::kDevice, "bitaxe/BM1366/v2.4"), Origin::kDevice);
}

}  // namespace
}  // namespace calx::stratum
