// The bridge and the batcher against their bars: shares a second, a local job, many requests.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <thread>

#include "bench/cases.h"
#include "bench/child.h"
#include "calx/hash/sha256.h"
#include "calx/signal/batcher.h"
#include "calx/stratum/bridge.h"
#include "calx/stratum/difficulty.h"
#include "calx/stratum/miner_test.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::bench {
namespace {

using Clock = std::chrono::steady_clock;
using stratum::Bridge;
using stratum::ScriptedMiner;

constexpr int kWindow = 128;  // submits sent and not yet answered, at most
constexpr int kBranches = 12;
constexpr int kMinerdLog2Difficulty = -18;  // a line of its output a share: not too many

double cpu_seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

stratum::BridgeOptions at_difficulty(int log2) {
  stratum::BridgeOptions options;
  options.port = 0;
  options.limits.requests_per_second = 1e12;
  options.vardiff.log2_start = options.vardiff.log2_min = log2;
  options.vardiff.shares_per_second = 0;
  return options;
}

std::unexpected<Error> wrong(std::string text) {
  return fail(ErrorCode::kDataLoss, std::move(text));
}

// Submits of ever new nonces, each of which meets 2^-33; every answer must be true.
Result<void> send_shares(ScriptedMiner& miner, const std::string& job, work::Share& share,
                         int count) {
  for (int sent = 0, answered = 0; answered < count;) {
    std::string text;
    for (; sent < count && sent - answered < kWindow; ++sent, ++share.nonce) {
      text += stratum::submit_line("w", job, share);
    }
    if (!miner.send(text)) return wrong("the bridge hung up");
    for (const int half = std::min(sent, answered + kWindow / 2); answered < half; ++answered) {
      const auto line = miner.line();
      if (!line || line->find("\"result\":true") == std::string::npos) {
        return wrong(fmt::format("a valid share was answered {}", line.value_or("not at all")));
      }
    }
  }
  return {};
}

Result<Measured> checked_shares(bool quick) {
  CALX_ASSIGN(bridge, Bridge::start(at_difficulty(stratum::kLog2DifficultyMin)));
  ScriptedMiner miner(bridge->port());
  work::Job job = work::template_job({}, work::Target::from_work_bits(64).value());
  for (int i = 0; i < kBranches; ++i) job.branches.push_back(hash::sha256(std::to_string(i)));
  if (!miner.join("w", "x")) return wrong("the miner was not let in");
  std::stop_source stop;
  const std::jthread caller([&] { static_cast<void>(bridge->run(job, stop.get_token())); });
  const auto notify =
      nlohmann::json::parse(miner.line_with(to_hex(job.branches[0])), nullptr, false);
  if (!notify.is_object()) return wrong("the job never came");
  const std::string job_id = notify["params"][0];
  work::Share share{.extranonce_1 = miner.extranonce_1(),
                    .extranonce_2 = std::vector<std::uint8_t>(8),
                    .ntime = job.ntime};
  const int rounds = quick ? 1 : 21, count = quick ? 512 : 16'384;
  std::vector<double> per_core, wall;
  for (int i = 0; i < rounds; ++i) {
    const double all = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const double own = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    const auto began = Clock::now();
    CALX_TRY(send_shares(miner, job_id, share, count));
    wall.push_back(count / seconds_since(began));
    per_core.push_back(count / (cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - all -
                                (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - own)));
  }
  stop.request_stop();
  if (bridge->metrics().verdict.count() != share.nonce) return wrong("shares got lost");
  std::ranges::sort(per_core);
  return Measured{median(per_core),
                  fmt::format("shares over the processor time of all threads but the client's, "
                              "median of {} times {}, {:.0f} to {:.0f}; by the clock {:.0f}, with "
                              "the client beside it",
                              rounds, count, per_core.front(), per_core.back(), median(wall))};
}

Result<Measured> job_to_share(bool quick) {
  CALX_ASSIGN(bridge, Bridge::start(at_difficulty(-20)));
  const std::jthread miner(
      [&](std::stop_token stop) { stratum::mine(bridge->port(), "w", "x", stop); });
  const auto target = work::Target::from_difficulty(1, 1 << 20).value();
  std::vector<double> times;
  for (int i = 0; i < (quick ? 20 : 501); ++i) {
    const auto job = work::template_job(hash::sha256(std::to_string(i)), target);
    const auto began = Clock::now();
    CALX_ASSIGN(found, bridge->run(job, {}));
    times.push_back(1e3 * seconds_since(began));
    const auto header = work::check_share(job, found.share);
    if (!target.met_by(header.hash)) return wrong("a share that misses its job");
  }
  std::ranges::sort(times);
  return Measured{quantile(times, 0.5),
                  fmt::format("median of {}, p99 {:.2f} ms; 4096 hashes are expected for each",
                              times.size(), quantile(times, 0.99))};
}

Result<Measured> stamp_many(bool quick) {
  const std::uint32_t count = quick ? 1024 : 65'536;
  std::vector<signal::BatchRequest> list(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < 4; ++k) list[i].id[k] = static_cast<std::uint8_t>(i >> 8 * k);
    list[i].commitment = list[i].id;
    list[i].commitment[31] = 1;
  }
  std::vector<double> times;
  for (int round = 0; round < (quick ? 1 : 9); ++round) {
    const auto began = Clock::now();
    signal::Batcher batcher(work::software_runner(), {.target = *work::Target::from_work_bits(20)});
    CALX_ASSIGN(tickets, batcher.submit(list));
    for (std::uint32_t i = 0; i < count; ++i) {
      CALX_ASSIGN(stamped, tickets[i].wait());
      const auto root = work::root_of(list[i].commitment, stamped.path, stamped.stamp->leaves);
      if (!root || *root != stamped.stamp->root) return wrong("a path that does not lead up");
    }
    times.push_back(seconds_since(began));
  }
  std::ranges::sort(times);
  return Measured{median(times), fmt::format("median of {}, at most {:.3f} s; 2^20 hashes and the "
                                             "check of every path are in it",
                                             times.size(), times.back())};
}

// A client that nobody here wrote; it knows nothing of our bridge, and the bridge believes nothing.
Result<Measured> minerd_shares(const std::filesystem::path& path, bool quick) {
  CALX_ASSIGN(bridge, Bridge::start(at_difficulty(kMinerdLog2Difficulty)));
  std::stop_source stop;
  const auto job =
      work::template_job(hash::sha256("minerd"), work::Target::from_work_bits(64).value());
  const std::jthread caller([&] { static_cast<void>(bridge->run(job, stop.get_token())); });
  const auto ran = run_process(
      {path.string(), "-a", "sha256d", "-t", "1", "-o",
       fmt::format("stratum+tcp://127.0.0.1:{}", bridge->port()), "-u", "minerd", "-p", "x", "-q"},
      std::chrono::seconds(quick ? 2 : 5));
  stop.request_stop();
  if (!ran) return std::unexpected(ran.error());
  std::uint64_t accepted = 0, rejected = 0;
  for (const auto& worker : bridge->metrics().workers) {
    accepted += worker.accepted;
    for (const std::uint64_t count : worker.rejected) rejected += count;
  }
  if (accepted == 0 || rejected > 0) {
    return wrong(fmt::format("{} shares accepted, {} rejected", accepted, rejected));
  }
  return Measured{static_cast<double>(accepted) / ran->seconds,
                  fmt::format("{} shares accepted, none rejected, in {:.1f} s; its one thread is "
                              "the limit",
                              accepted, ran->seconds)};
}

}  // namespace

std::vector<FigureCase> device_cases(const Rivals& rivals) {
  std::vector<FigureCase> cases{
      {.name = "device/checked-shares/branches-12",
       .what = "submits over loopback, hashed again and answered, on one core",
       .unit = "share/s",
       .bar = 25'000,
       .at_least = true,
       .run = checked_shares},
      {.name = "device/job-to-share/local",
       .what = "from a new job to its share at difficulty 2^-20, one local scanner",
       .unit = "ms",
       .bar = 2,
       .run = job_to_share},
      {.name = "device/stamped-requests/65536",
       .what = "65,536 requests stamped, with their inclusion proofs",
       .unit = "s",
       .bar = 1,
       .run = stamp_many}};
  for (FigureCase& work : batching_cases()) cases.push_back(std::move(work));
  for (FigureCase& work : remote_cases(rivals)) cases.push_back(std::move(work));
  for (const auto& [name, path] : rivals.miners) {
    if (name != "minerd") continue;
    cases.push_back({.name = "device/foreign-client/minerd",
                     .what = "shares of minerd, one thread, at difficulty 2^-18",
                     .unit = "share/s",
                     .origin = Origin::kEmulated,
                     .run = [path](bool quick) { return minerd_shares(path, quick); }});
  }
  return cases;
}

}  // namespace calx::bench
