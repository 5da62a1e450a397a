// One emulated miner, without sockets: bytes in, bytes out, and hashing in the time it is given.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/emulate/chip_model.h"
#include "calx/emulate/draws.h"
#include "calx/emulate/emulated_device.h"
#include "calx/emulate/fault_plan.h"
#include "calx/emulate/hash_clock.h"
#include "calx/emulate/ledger.h"
#include "calx/emulate/stratum_client.h"

namespace calx::emulate {

inline constexpr double kSpeedMin = 1e-3, kSpeedMax = 1e6;
inline constexpr std::size_t kEventsMax = 256;
inline constexpr double kRoomTemperature = 25, kWorkTemperature = 60, kStopTemperature = 75;

struct MinerOptions {
  EmulatedDevice device = {};
  std::string worker = "emulated", token = "x";
  noise::Seed seed = {};
  std::uint32_t number = 0;  // of a farm: other draws from the same seed
  FaultPlan faults = {};
  double speed = 1;  // device time per real time: waits, job intervals and reconnects shrink by it
};

/// What a watcher may want to know.
/// The text of kFault when a device stops for good.
inline constexpr std::string_view kTooHot = "too hot: it stops hashing";

struct MinerEvent {
  enum class Kind : std::uint8_t {
    kConnected,
    kWorking,   // authorized, with a job
    kSent,      // `record`: a share is on its way
    kAnswered,  // `record`: with its verdict
    kFault,     // `record`: a share that was not sent, or the device went silent or too hot
    kHungUp,    // `text` says why
  };
  Kind kind = Kind::kConnected;
  std::uint32_t miner = 0;
  std::string text = {};
  std::optional<SubmitRecord> record = std::nullopt;
};

/// A share is sent no earlier than the exponential wait that the clock drew, and no earlier than
/// its nonce was really found. All that it sends is `emulated`.
class Miner {
 public:
  /// `ledger` must outlive the miner. Errors: kInvalidArgument (speed outside its bounds; those of
  /// Draws::open).
  static Result<std::unique_ptr<Miner>> open(MinerOptions options, Ledger& ledger);

  // The connection, which somebody else holds.
  [[nodiscard]] bool wants_connection(Time now) const noexcept;
  void on_connected(Time now);
  void on_bytes(std::string_view bytes, Time now);
  void on_closed(Time now, std::string_view why);
  /// Moves what may leave now to the end of `out`.
  void take_output(std::string& out, Time now);
  /// The connection is to be closed once everything taken has been written.
  [[nodiscard]] bool wants_hang_up() const noexcept { return hang_up_; }
  [[nodiscard]] const std::string& hang_up_reason() const noexcept { return hang_up_reason_; }
  /// It holds the connection and does nothing with it (Fault::kHalfOpen).
  [[nodiscard]] bool silent() const noexcept { return silent_; }

  // The work.
  /// Takes jobs up and sends what is due. Call it often; cheap when nothing is due.
  void tick(Time now);
  /// There is a header to search and no share waiting to be sent.
  [[nodiscard]] bool hungry() const noexcept;
  /// Searches up to `nonces_max` nonces; returns how many it tried.
  std::uint64_t hash(std::uint64_t nonces_max);
  /// When tick() has something to do next, at the latest.
  [[nodiscard]] Time wake_at() const noexcept;

  [[nodiscard]] double temperature(Time now) const noexcept;  // Celsius, modelled
  [[nodiscard]] bool too_hot() const noexcept { return too_hot_; }
  [[nodiscard]] std::uint64_t hashes() const noexcept { return hashes_; }
  /// Shares that the processor found later than the drawn wait: the device is then slower than
  /// modelled.
  [[nodiscard]] std::uint64_t late() const noexcept { return late_; }
  [[nodiscard]] std::uint64_t connections() const noexcept { return connections_; }
  [[nodiscard]] bool connected() const noexcept { return connected_; }

  /// What happened since the last call; beyond kEventsMax it is forgotten.
  std::vector<MinerEvent> take_events();

 private:
  Miner(MinerOptions options, Ledger& ledger, const HashClock& clock, const Draws& chance);

  struct Delayed {
    Time at;
    std::string bytes;
  };

  [[nodiscard]] Time after(Time now, Seconds device_time) const;
  void report(MinerEvent event);
  void hang_up(std::string why);
  void read_line(std::string_view line, Time now);
  void take_up_job(Time now);
  void next_header();
  void send_found(std::uint32_t nonce, Time now);
  SubmitRecord record_of(std::uint32_t nonce, Fault fault, int expected, Time now);
  void send(const SubmitFields& fields, SubmitRecord record, Time now);
  void spoil(SubmitFields& fields);
  std::optional<std::uint32_t> missing_nonce();

  MinerOptions options_;
  Ledger& ledger_;
  HashClock clock_;
  Draws chance_;
  StratumClient client_;
  ChipModel chip_;

  bool connected_ = false, hang_up_ = false, silent_ = false, too_hot_ = false;
  std::string hang_up_reason_;
  Time connect_at_ = {}, last_byte_ = {}, suggest_at_ = Time::max();
  std::chrono::milliseconds backoff_{0};
  std::string input_;
  std::deque<Delayed> output_;
  std::vector<MinerEvent> events_;

  bool job_waiting_ = false, job_clean_ = false;
  std::shared_ptr<const MiningJob> job_;  // the one that the chip works on
  Roll roll_;
  std::uint64_t roll_count_ = 0;
  double emulated_difficulty_ = 0, effective_difficulty_ = 0;
  work::Target pool_target_ = {};
  std::optional<std::uint32_t> found_;
  Time due_ = Time::max(), found_due_ = {}, interval_end_ = {}, hot_at_ = Time::max(),
       powered_at_ = {};

  std::uint64_t submits_ = 0, hashes_ = 0, late_ = 0, connections_ = 0;
};

}  // namespace calx::emulate
