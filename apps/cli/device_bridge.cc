// calx device bridge: a Stratum V1 server that miners connect to as to their pool.
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>

#include "apps/cli/api_server.h"
#include "apps/cli/bridge_drill.h"
#include "apps/cli/bridge_engine.h"
#include "apps/cli/device.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/one_stamp.h"
#include "apps/cli/scrape.h"
#include "calx/base/atomic_file.h"
#include "calx/format/canonical_json.h"
#include "calx/stratum/difficulty.h"
#include "calx/stratum/exposition.h"
#include "calx/work/target.h"

namespace calx::cli {
namespace {

using stratum::BridgeEvent;

constexpr std::size_t kWorkersFileBytesMax = 1 << 20;

struct BridgeArguments {
  std::string listen = "127.0.0.1:3333", workers_file, commitment, out, metrics;
  ApiOptions api;
  std::vector<std::string> workers;
  std::string tls_certificate, tls_key;
  double difficulty = stratum::difficulty_of(stratum::VardiffOptions().log2_start);
  double shares_per_second = stratum::VardiffOptions().shares_per_second;
  double seconds = 0;
  std::uint32_t work_bits = 20;
  bool quiet = false, drill = false;
};

// One line an event: for people, or one JSON object each.
class EventPrinter final : public stratum::BridgeObserver {
 public:
  EventPrinter(bool json, bool quiet) : json_(json), quiet_(quiet) {}

  void on_event(const BridgeEvent& event) override {
    if (quiet_) return;
    if (json_) {
      print_json(event);
    } else {
      print_line(event);
    }
    std::fflush(stdout);
  }

 private:
  static void print_json(const BridgeEvent& event) {
    format::Json json{{"event", stratum::to_string(event.kind)},
                      {"worker", event.worker},
                      {"address", event.address},
                      {"origin", to_string(event.origin)},
                      {"difficulty", fmt::format("{}", event.difficulty)}};
    if (event.kind == BridgeEvent::Kind::kRejected) json.set("code", static_cast<int>(event.code));
    if (event.share_difficulty > 0) {
      json.set("share_difficulty", fmt::format("{:.6g}", event.share_difficulty));
    }
    if (!event.reason.empty()) json.set("reason", event.reason);
    if (event.found) json.set("found", true);
    if (const auto text = format::encode_canonical_json(json)) fmt::print("{}\n", *text);
  }

  static void print_line(const BridgeEvent& event) {
    fmt::print("{:<9} {:<16} {:<22}", stratum::to_string(event.kind), event.worker, event.address);
    switch (event.kind) {
      case BridgeEvent::Kind::kJoined:
        fmt::print("origin {}", to_string(event.origin));
        break;
      case BridgeEvent::Kind::kAccepted:
        fmt::print("difficulty {:.4g}, reached {:.4g}{}", event.difficulty, event.share_difficulty,
                   event.found ? "; this is the stamp's" : "");
        break;
      case BridgeEvent::Kind::kRejected:
        fmt::print("{} {}", static_cast<int>(event.code), event.reason);
        break;
      case BridgeEvent::Kind::kLeft:
      case BridgeEvent::Kind::kNamed:
      case BridgeEvent::Kind::kRefused:
        fmt::print("{}", event.reason);
        break;
    }
    fmt::print("\n");
  }

  bool json_, quiet_;
};

Result<void> add_workers(const BridgeArguments& arguments, std::vector<stratum::Worker>& workers) {
  for (const std::string& text : arguments.workers) {
    CALX_ASSIGN(worker, stratum::parse_worker(text));
    workers.push_back(std::move(worker));
  }
  if (arguments.workers_file.empty()) return {};
  CALX_ASSIGN(bytes, read_file(arguments.workers_file, kWorkersFileBytesMax));
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    CALX_ASSIGN(worker, stratum::parse_worker(line));
    workers.push_back(std::move(worker));
  }
  return {};
}

void print_summary(const stratum::BridgeMetrics& metrics) {
  fmt::print("\n{:<16} {:<9} {:>9} {:>9} {:>12} {:>12}\n", "worker", "origin", "accepted",
             "rejected", "difficulty", "hashes/s");
  for (const auto& worker : metrics.workers) {
    std::uint64_t rejected = 0;
    for (const std::uint64_t count : worker.rejected) rejected += count;
    fmt::print("{:<16} {:<9} {:>9} {:>9} {:>12.4g} {:>12.3g}{}\n", worker.name,
               to_string(worker.origin), worker.accepted, rejected, worker.difficulty,
               worker.hash_rate_hps, worker.named_liar ? "  too many false shares" : "");
  }
  fmt::print("verdicts within {} us (median), {} us (p99)\n", metrics.verdict.quantile(0.5).count(),
             metrics.verdict.quantile(0.99).count());
}

void wait_for(work::Deadline deadline, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  const auto never = [] { return false; };
  if (deadline == work::Deadline::max()) {
    stopped.wait(lock, stop, never);
  } else {
    stopped.wait_until(lock, stop, deadline, never);
  }
}

Result<int> run_bridge(const BridgeArguments& arguments, bool json) {
  CALX_ASSIGN(options, parse_bridge(arguments.listen));
  CALX_TRY(add_workers(arguments, options.workers));
  options.vardiff.log2_start = stratum::log2_difficulty_below(arguments.difficulty);
  options.vardiff.shares_per_second = arguments.shares_per_second;
  options.tls_certificate = arguments.tls_certificate;
  options.tls_key = arguments.tls_key;
  const bool anybody = options.workers.empty();
  auto deadline = work::Deadline::max();
  if (arguments.drill) options.no_miner_max = std::chrono::hours(24);
  if (arguments.seconds > 0) {
    deadline = std::chrono::steady_clock::now() +
               std::chrono::milliseconds(static_cast<std::int64_t>(arguments.seconds * 1e3));
    options.no_miner_max = std::chrono::hours(24);  // the given time decides
  }
  const Interrupt interrupt;
  // A stamp on stdout is all that is there.
  EventPrinter printer(json, arguments.quiet || !arguments.commitment.empty());
  CALX_ASSIGN(bridge, stratum::Bridge::start(std::move(options), &printer));
  if (json) {
    CALX_ASSIGN(line, listening_line(*bridge));
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }
  fmt::print(stderr, "{}", how_to_connect(*bridge, anybody));
  std::fflush(stderr);
  stratum::BridgeRunner miners(*bridge);
  std::unique_ptr<ApiServer> api;
  if (!arguments.api.listen.empty()) {
    ApiOptions wanted = arguments.api;
    wanted.work_bits = arguments.work_bits;
    CALX_ASSIGN(started, ApiServer::start(wanted, {.runner = &miners,
                                                   .name = "bridge",
                                                   .device_path = arguments.listen}));
    api = std::move(started);
    fmt::print(stderr, "{}", api->description("calx device bridge --api"));
    std::fflush(stderr);
  }
  const auto scrape = start_scrape(arguments.metrics, [&bridge = *bridge, &api] {
    metrics::Exposition text;
    stratum::expose(text, bridge.metrics());
    return text.text() + (api == nullptr ? "" : api->metrics());
  });
  if (!scrape) return std::unexpected(scrape.error());
  if (!arguments.commitment.empty()) {
    CALX_TRY(make_one_stamp({.commitment = arguments.commitment,
                             .out = arguments.out,
                             .work_bits = arguments.work_bits},
                            miners, deadline, interrupt.token()));
    return kDone;
  }
  DrillReport stamps;
  if (arguments.drill) {
    CALX_ASSIGN(done, drill(*bridge, arguments.work_bits, deadline, interrupt.token()));
    stamps = done;
  } else {
    wait_for(deadline, interrupt.token());
  }
  if (json) {
    CALX_ASSIGN(line, summary_line(bridge->metrics(), stamps));
    fmt::print("{}\n", line);
  } else {
    print_summary(bridge->metrics());
    if (arguments.drill) {
      fmt::print("{} stamps made and checked, {} of them false\n", stamps.stamps,
                 stamps.false_stamps);
    }
  }
  return stamps.false_stamps == 0 ? kDone : kCheckFailed;
}

}  // namespace

void add_device_bridge(CLI::App& device, Session& session) {
  auto* verb = device.add_subcommand("bridge", "a server that miners connect to as to their pool");
  auto a = std::make_shared<BridgeArguments>();
  verb->add_option("--listen", a->listen, "HOST:PORT; port 0 takes a free one")
      ->capture_default_str();
  verb->add_option("--worker", a->workers,
                   "NAME:TOKEN[:ORIGIN] of one who may work; origin device, or emulated")
      ->allow_extra_args(false);
  verb->add_option("--workers", a->workers_file, "file with one such worker a line");
  auto* certificate = verb->add_option(
      "--stratum-tls-cert", a->tls_certificate,
      "PEM file with the bridge's certificate: miners then connect to stratum+ssl://");
  auto* key = verb->add_option("--stratum-tls-key", a->tls_key, "PEM file with its key");
  certificate->needs(key);
  key->needs(certificate);
  verb->add_option("--api", a->api.listen,
                   "HOST:PORT where others reach these miners over calx.v1: --engine bridge=...");
  add_api_options(*verb, a->api);
  add_scrape_option(*verb, a->metrics);
  verb->add_option("--difficulty", a->difficulty,
                   "share difficulty to begin with, rounded down "
                   "to a power of two")
      ->check(CLI::Range(1e-9, 1e18))
      ->capture_default_str();
  verb->add_option("--share-rate", a->shares_per_second,
                   "shares a second that each miner's difficulty aims at; 0 keeps it")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  verb->add_option("--stamp", a->commitment, "stamp this commitment, 64 hex digits, and end");
  verb->add_option("--work", a->work_bits,
                   "bits of work in that stamp, and in those made for --api: 2^B hashes")
      ->check(CLI::Range(1u, work::kWorkBitsMax))
      ->capture_default_str();
  verb->add_option("--out", a->out, "file for that stamp; without it stdout");
  verb->add_option("--for", a->seconds, "seconds to run; without it until interrupted")
      ->check(CLI::Range(0.0, 1e9));
  verb->add_flag("--drill", a->drill,
                 "stamp one commitment after the other, --work bits each, and count: a load test")
      ->excludes("--stamp");
  verb->add_flag("--quiet", a->quiet, "no line for every event");
  verb->callback(
      [a, &session] { session.action = [a, &session] { return run_bridge(*a, session.json); }; });
  verb->footer("Exit status 3: no miner came, or none found the stamp in time.");
}

}  // namespace calx::cli
