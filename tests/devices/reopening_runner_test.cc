// Goal: a machine that was pulled out serves again once it is back, and no other one in its place.
// Method: machines that are there or not at the test's word, behind the runner.
#include "apps/cli/reopening_runner.h"

#include <gtest/gtest.h>

#include "calx/work/scanner_job_runner.h"
#include "calx/work/target.h"

namespace calx::cli {
namespace {

// What the test does to the machines: plugs them, and counts how often one was opened.
struct Bench {
  bool plugged = true;
  int opened = 0;
  Origin origin = Origin::kEmulated;
};

class Machine final : public work::JobRunner {
 public:
  explicit Machine(Bench& bench) : bench_(bench) { ++bench.opened; }
  [[nodiscard]] Origin origin() const noexcept override { return bench_.origin; }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    if (!bench_.plugged) return fail(ErrorCode::kUnavailable, "the wire is gone");
    CALX_ASSIGN(found, work::software_runner().run(job, std::move(stop)));
    found.origin = bench_.origin;
    return found;
  }

 private:
  Bench& bench_;
};

ReopeningRunner runner_of(Bench& bench) {
  return {std::make_shared<Machine>(bench), [&bench]() -> Result<ReopeningRunner::Machine> {
            if (!bench.plugged) return fail(ErrorCode::kUnavailable, "no such line");
            return std::make_shared<Machine>(bench);
          }};
}

work::Job easy_job() { return work::template_job({}, *work::Target::from_work_bits(8)); }

TEST(ReopeningRunnerTest, OpensAMachineAgainOnceItIsBack) {
  Bench bench;
  ReopeningRunner runner = runner_of(bench);
  ASSERT_TRUE(runner.run(easy_job(), {}));
  bench.plugged = false;
  EXPECT_EQ(runner.run(easy_job(), {}).error().message, "the wire is gone");
  EXPECT_EQ(runner.run(easy_job(), {}).error().message, "no such line");
  bench.plugged = true;
  EXPECT_TRUE(runner.run(easy_job(), {}));
  EXPECT_TRUE(runner.run(easy_job(), {}));
  EXPECT_EQ(bench.opened, 2) << "once at first, once when it was back";
}

TEST(ReopeningRunnerTest, RefusesAMachineOfALowerOriginInItsPlace) {
  Bench bench{.origin = Origin::kDevice};
  ReopeningRunner runner = runner_of(bench);
  bench.plugged = false;
  ASSERT_FALSE(runner.run(easy_job(), {}));
  bench = {.plugged = true, .opened = 0, .origin = Origin::kEmulated};
  const auto found = runner.run(easy_job(), {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message,
            "another machine answers: origin emulated with version bits 00000000, wanted device "
            "with 00000000");
  EXPECT_EQ(runner.origin(), Origin::kDevice);
}

}  // namespace
}  // namespace calx::cli
