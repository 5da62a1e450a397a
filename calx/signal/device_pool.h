// Many job runners as one: work is split without overlap, failures move on to the next device, and
// software stands behind them if the policy lets it.
//
// A device's lane of a job is fixed by 4 bytes of extranonce that only the pool writes: they move
// into coinbase part 1, so two lanes can never search the same header, whatever the devices roll.
// Lanes count from kLaneFirst; a job that goes to software is left as it is, so its share keeps the
// rule of the software template.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calx/signal/breaker.h"
#include "calx/signal/policy.h"
#include "calx/work/job_runner.h"

namespace calx::signal {

inline constexpr std::size_t kLaneBytes = 4;
inline constexpr std::size_t kDevicesMax = 4096;

/// What jobs a device can take.
enum class DeviceJobs : std::uint8_t {
  kLanes,  // any extranonce sizes
  kWhole,  // only the template's: it gets the job as it is, and two such never get the same job.
           // The extranonces 1 that it gives out must stay below kLaneFirst.
};

/// Lanes are numbered from here.
inline constexpr std::uint32_t kLaneFirst = 0x80000000;

struct DeviceHealth {
  std::string name = {};
  Origin origin = Origin::kModelled;
  BreakerState state = BreakerState::kClosed;
  std::string reason = {};  // why the breaker is not closed
  double error_rate = 0;    // of the breaker's window
  bool busy = false;
  std::uint64_t shares = 0, failures = 0, lies = 0;
  std::optional<std::chrono::milliseconds> last_share_age = {};
  std::optional<double> celsius = {};
};

/// The job of one lane: its number stands big-endian behind coinbase part 1, the rest of extranonce
/// 2 is shared out between the device's own two extranonces.
/// Errors: kInvalidArgument unless the job has extranonces of 4 and 8 bytes (the template's).
Result<work::Job> lane_job(const work::Job& job, std::uint32_t lane);
/// A share of lane_job(job, lane) as a share of `job`. \pre the extranonces have the lane's sizes
work::Share share_of_lane(const work::Share& share, std::uint32_t lane);

/// Any thread may call at any time; a device gets one run at a time. Callers are served in the
/// order of their arrival, and of the free devices the one that waited longest goes first.
class DevicePool final : public work::JobRunner {
 public:
  /// `software` stands behind the devices where the policy allows it; null: nothing does. It must
  /// be thread-safe and outlive the pool.
  explicit DevicePool(Policy policy, work::JobRunner* software = nullptr,
                      BreakerLimits limits = {});
  ~DevicePool() override;
  DevicePool(const DevicePool&) = delete;
  DevicePool& operator=(const DevicePool&) = delete;

  /// `runner` must outlive the pool. Errors: kInvalidArgument (the name is taken or empty),
  /// kResourceExhausted (kDevicesMax).
  Result<void> add(std::string name, work::JobRunner& runner, DeviceJobs jobs = DeviceJobs::kLanes);

  /// The earliest origin that a share of this pool can have.
  [[nodiscard]] Origin origin() const noexcept override;
  /// Bits that any device of the pool may roll; the others leave them.
  [[nodiscard]] std::uint32_t version_mask() const noexcept override;

  /// The share is checked here again, against the job as it was given. Errors: those of JobRunner;
  /// kUnavailable names each device that was tried and what became of it; kDataLoss when every
  /// device that answered lied; kUnimplemented for a policy that does not search.
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override;

  [[nodiscard]] std::vector<DeviceHealth> health() const;
  /// Telemetry from elsewhere (a REST client). Errors: kNotFound.
  Result<void> report_celsius(std::string_view name, double celsius);
  /// Forgives. Errors: kNotFound.
  Result<void> reset(std::string_view name);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace calx::signal
