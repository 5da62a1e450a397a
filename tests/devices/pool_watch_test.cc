// Goal: a miner that reports too much heat gets no more work from its pool, and is paused if its
// owner said so.
// Method: the emulated AxeOS device behind its socket, a pool with a runner of its name, and the
// thread that joins them.
#include "apps/cli/pool_watch.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "calx/emulate/axeos_server.h"

namespace calx::cli {
namespace {

using std::chrono::milliseconds;

class IdleRunner final : public work::JobRunner {
 public:
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kEmulated; }
  Result<work::FoundShare> run(const work::Job&, std::stop_token) override {
    return fail(ErrorCode::kUnavailable, "runs nothing");
  }
};

TEST(PoolWatchTest, AHotMinersBreakerOpensAndItIsPausedOnItsOwnersWord) {
  auto server =
      emulate::AxeosServer::start(
          emulate::AxeosEmulator::open("bitaxe-gamma", emulate::AxeosGeneration::kPools).value(), 0)
          .value();
  IdleRunner runner;
  signal::DevicePool pool(signal::find_policy("training").value(), nullptr, {.celsius_max = 80});
  ASSERT_TRUE(pool.add("gamma", runner));

  std::mutex mutex;
  std::condition_variable changed;
  std::size_t looks = 0;
  bool paused = false;
  const PoolWatch watch(pool, {{.name = "gamma", .address = {"127.0.0.1", server->port()}}},
                        {.every = milliseconds(100), .pause_when_hot = true},
                        [&](const device::WatchReport& seen) {
                          const std::scoped_lock lock(mutex);
                          ++looks;
                          paused = paused || seen.action == device::kAskedToPause;
                          changed.notify_all();
                        });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return looks >= 1; });
  EXPECT_EQ(pool.health()[0].celsius, 60) << "as the device reports it";
  EXPECT_EQ(pool.health()[0].state, signal::BreakerState::kClosed);
  server->with_emulator([](emulate::AxeosEmulator& device) { device.telemetry.celsius = 91; });
  changed.wait(lock, [&] { return paused; });
  lock.unlock();
  EXPECT_EQ(pool.health()[0].celsius, 91);
  EXPECT_EQ(pool.health()[0].state, signal::BreakerState::kOpen);
  server->with_emulator([](emulate::AxeosEmulator& device) { EXPECT_TRUE(device.paused()); });
}

}  // namespace
}  // namespace calx::cli
