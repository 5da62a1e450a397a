// calx device emulate: emulated miners that connect to a bridge or a pool.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "apps/cli/device.h"
#include "apps/cli/device_line.h"
#include "apps/cli/emulated_web.h"
#include "apps/cli/interrupt.h"
#include "calx/base/origin.h"
#include "calx/emulate/farm.h"

namespace calx::cli {
namespace {

using Report = nlohmann::ordered_json;
using emulate::MinerEvent;
using emulate::SubmitRecord;

constexpr std::size_t kChipsMax = 64;  // of an emulated chain
constexpr std::string_view kPlain = "stratum+tcp://", kSecure = "stratum+ssl://";

struct EmulateArguments {
  std::vector<std::string> kinds;
  std::string connect = "127.0.0.1:3333", worker = "emulated", token = "x", seed = "0", faults,
              listen, tls_roots, tls_name;
  std::size_t count = 1;
  double seconds = 0, speed = 1, mega_per_second = 1e6;
  unsigned base_bits = emulate::kBaseBits;
  bool quiet = false;
  std::optional<std::uint16_t> web_port = {};
};

std::string verdict_text(const SubmitRecord& record) {
  if (!record.verdict) return "unanswered";
  std::string answer = *record.verdict == emulate::kAccepted
                           ? "accepted"
                           : fmt::format("refused {}", *record.verdict);
  if (is_right(record)) return answer;
  return fmt::format("{}, but {} is right", answer, record.expected);
}

Report to_json(const MinerEvent& event) {
  static constexpr const char* kNames[] = {"connected", "working", "sent",
                                           "answered",  "fault",   "hung up"};
  Report line{{"event", kNames[static_cast<std::size_t>(event.kind)]}, {"miner", event.miner}};
  if (!event.text.empty()) line["text"] = event.text;
  if (event.record) {
    const SubmitRecord& record = *event.record;
    line["share"] = record.number;
    line["fault"] = std::string(to_string(record.fault));
    line["job"] = record.job;
    line["extranonce_2"] = record.extranonce_2;
    line["ntime"] = record.ntime;
    line["nonce"] = record.nonce;
    line["version_bits"] = record.version_bits;
    line["expected"] = record.expected;
    if (record.verdict) {
      line["verdict"] = *record.verdict;
      line["right"] = is_right(record);
      line["waited_seconds"] = record.waited.count();
    }
  }
  return line;
}

void print_event(const MinerEvent& event) {
  const auto miner = fmt::format("miner {:<4} ", event.miner);
  switch (event.kind) {
    case MinerEvent::Kind::kConnected:
      fmt::print("{}connected\n", miner);
      break;
    case MinerEvent::Kind::kWorking:
      fmt::print("{}works on {}\n", miner, event.text);
      break;
    case MinerEvent::Kind::kSent:
      break;  // its answer is printed
    case MinerEvent::Kind::kAnswered:
      if (!event.record) break;
      fmt::print("{}share {} of job {}, nonce {:08x}: {} ({:.1f} ms){}\n", miner,
                 event.record->number, event.record->job, event.record->nonce,
                 verdict_text(*event.record), 1e3 * event.record->waited.count(),
                 event.record->fault == emulate::Fault::kNone
                     ? ""
                     : fmt::format(", planned: {}", to_string(event.record->fault)));
      break;
    case MinerEvent::Kind::kFault:
      fmt::print("{}{}\n", miner, event.text);
      break;
    case MinerEvent::Kind::kHungUp:
      fmt::print("{}hung up: {}\n", miner, event.text);
      break;
  }
  std::fflush(stdout);
}

Report summary(const emulate::FarmReport& report) {
  auto faults = Report::object();
  for (std::size_t i = 0; i < emulate::kFaultCount; ++i) {
    const auto& tally = report.ledger.tallies()[i];
    if (tally.shares == 0) continue;
    faults[std::string(to_string(static_cast<emulate::Fault>(i)))] = {
        {"shares", tally.shares},
        {"right", tally.right},
        {"wrong", tally.wrong},
        {"unanswered", tally.unanswered}};
  }
  return {{"event", "summary"},
          {"origin", std::string(to_string(emulate::kEmulatorOrigin))},
          {"seconds", report.ran.count()},
          {"connections", report.connections},
          {"connections_refused", report.refused},
          {"accepted", report.ledger.accepted()},
          {"wrong_verdicts", report.ledger.wrong()},
          {"late", report.late},
          {"hashes", report.hashes},
          {"answer_seconds_p50", report.ledger.answer_quantile(0.5).count()},
          {"answer_seconds_p99", report.ledger.answer_quantile(0.99).count()},
          {"shares_by_fault", faults}};
}

void print_summary(const emulate::FarmReport& report) {
  fmt::print("\n{} shares accepted in {:.1f} s ({:.3g}/s), {} connections; origin {}\n",
             report.ledger.accepted(), report.ran.count(),
             static_cast<double>(report.ledger.accepted()) / report.ran.count(), report.connections,
             to_string(emulate::kEmulatorOrigin));
  fmt::print("{:<12}{:>9}{:>9}{:>9}{:>12}   the answer that the plan asks for\n", "fault", "shares",
             "right", "wrong", "unanswered");
  for (std::size_t i = 0; i < emulate::kFaultCount; ++i) {
    const auto& tally = report.ledger.tallies()[i];
    if (tally.shares == 0) continue;
    fmt::print("{:<12}{:>9}{:>9}{:>9}{:>12}\n", to_string(static_cast<emulate::Fault>(i)),
               tally.shares, tally.right, tally.wrong, tally.unanswered);
  }
  fmt::print(
      "answers took {:.2f} ms (median), {:.2f} ms (p99); {} hashes tried here; {} shares\n"
      "came later than modelled because this processor was too slow for them\n",
      1e3 * report.ledger.answer_quantile(0.5).count(),
      1e3 * report.ledger.answer_quantile(0.99).count(), report.hashes, report.late);
}

Result<emulate::FarmOptions> farm_options(const EmulateArguments& arguments) {
  std::string_view where = arguments.connect;
  const bool secure = where.starts_with(kSecure) || !arguments.tls_roots.empty();
  for (const std::string_view scheme : {kSecure, kPlain}) {
    if (where.starts_with(scheme)) where.remove_prefix(scheme.size());
  }
  CALX_ASSIGN(endpoint, emulate::parse_endpoint(where));
  std::vector<emulate::EmulatedDevice> devices;
  for (const std::string& kind : arguments.kinds) {
    CALX_ASSIGN(device, emulate::find_emulated_device(kind, arguments.base_bits));
    devices.push_back(device);
  }
  CALX_ASSIGN(seed, noise::Seed::parse(arguments.seed));
  CALX_ASSIGN(faults, emulate::FaultPlan::parse(arguments.faults));
  emulate::FarmOptions options;
  if (secure) {
    CALX_ASSIGN(context, tls::Context::client(arguments.tls_roots));
    options.tls = std::move(context);
    options.tls_name = arguments.tls_name;
  }
  options.host = endpoint.first;
  options.port = endpoint.second;
  options.devices = std::move(devices);
  options.miner.worker = arguments.worker;
  options.miner.token = arguments.token;
  options.miner.seed = seed;
  options.miner.faults = faults;
  options.miner.speed = arguments.speed;
  options.count = std::max(arguments.count, arguments.kinds.size());
  options.hashes_per_second_max = arguments.mega_per_second * 1e6;
  if (arguments.seconds > 0) {
    options.run_time =
        std::chrono::milliseconds(static_cast<std::int64_t>(arguments.seconds * 1e3));
  }
  return options;
}

Result<int> emulate_miners(const EmulateArguments& arguments, bool json) {
  CALX_ASSIGN(options, farm_options(arguments));
  const Interrupt interrupt;
  std::unique_ptr<EmulatedWeb> web;
  if (arguments.web_port) {
    CALX_ASSIGN(started, EmulatedWeb::start(arguments.kinds.front(), *arguments.web_port,
                                            options.host, options.port, arguments.worker));
    web = std::move(started);
    fmt::print(stderr, "miner 0 has its web interface: calx device watch 127.0.0.1:{}\n",
               web->port());
    std::fflush(stderr);
  }
  const auto observe = [&](const MinerEvent& event) {
    if (web) web->take(event);
    if (arguments.quiet) return;
    if (!json) return print_event(event);
    fmt::print("{}\n", to_json(event).dump());
    std::fflush(stdout);
  };
  CALX_ASSIGN(report, emulate::run_farm(options, interrupt.token(), observe));
  if (json) {
    fmt::print("{}\n", summary(report).dump());
  } else {
    print_summary(report);
  }
  return report.ledger.wrong() == 0 ? kDone : kCheckFailed;
}

Result<int> emulate(const EmulateArguments& arguments, bool json) {
  const bool line = std::ranges::any_of(arguments.kinds, is_line_kind);
  if (!line && arguments.listen.empty()) return emulate_miners(arguments, json);
  if (!line || arguments.kinds.size() != 1) {
    return fail(ErrorCode::kInvalidArgument,
                "a kind that waits to be opened stands alone, and --listen is for direct-hash");
  }
  return emulate_on_a_line({.kind = arguments.kinds.front(),
                            .listen = arguments.listen,
                            .chips = std::min(arguments.count, kChipsMax),
                            .base_bits = arguments.base_bits,
                            .seconds = arguments.seconds,
                            .hashes_per_second_max = arguments.mega_per_second * 1e6},
                           json);
}

}  // namespace

void add_device_emulate(CLI::App& device, Session& session) {
  auto* verb =
      device.add_subcommand("emulate", "miners that are not there, for a bridge or a pool");
  auto a = std::make_shared<EmulateArguments>();
  verb->add_option("kind", a->kinds,
                   "lv06 lv07 lv08 bitaxe-ultra bitaxe-supra bitaxe-gamma s1 s3 s9 nerdminer "
                   "cpuminer; several are dealt out in turn. Or one that waits on a "
                   "pseudo-terminal: bm1366 bm1368 bm1370 bm1397 s1-device s3-device direct-hash")
      ->required();
  verb->add_option("--listen", a->listen, "HOST:PORT for direct-hash, in place of a terminal");
  verb->add_option("--connect", a->connect, "HOST:PORT of the bridge, or stratum+ssl://HOST:PORT")
      ->capture_default_str();
  verb->add_option("--tls-roots", a->tls_roots,
                   "PEM file with the certificates to trust; means TLS. Without it stratum+ssl:// "
                   "trusts the system's");
  verb->add_option("--tls-name", a->tls_name,
                   "name that the bridge's certificate is for, if not "
                   "the host's");
  verb->add_option("--worker", a->worker, "name of the worker")->capture_default_str();
  verb->add_option("--token", a->token, "its token")->capture_default_str();
  verb->add_option("--seed", a->seed, "of waits and faults")->capture_default_str();
  verb->add_option("--faults", a->faults,
                   "what goes wrong: latency=200ms,loss=0.01,lie=0.05,duplicate=0.02,stale=0.02,"
                   "corrupt=0.01,disconnect=0.001,half-open=0.01,overheat=60s");
  verb->add_option("--count", a->count, "miners; chips on a line")
      ->check(CLI::Range(std::size_t{1}, emulate::kMinersMax))
      ->capture_default_str();
  verb->add_option("--for", a->seconds, "seconds to run; without it until interrupted")
      ->check(CLI::Range(0.1, 86400.0));
  verb->add_option("--speed", a->speed, "device time per real time")
      ->check(CLI::Range(emulate::kSpeedMin, emulate::kSpeedMax))
      ->capture_default_str();
  verb->add_option("--base-bits", a->base_bits,
                   "zero bits that difficulty 1 takes (a real chip: 32)")
      ->check(CLI::Range(1u, emulate::kRealBaseBits))
      ->capture_default_str();
  verb->add_option("--mhs", a->mega_per_second,
                   "what this processor may spend, in million hashes/s")
      ->check(CLI::Range(1e-3, 1e6));
  verb->add_option("--axeos", a->web_port,
                   "port on 127.0.0.1 for the web interface of the first miner (lv.., bitaxe-..); "
                   "0 takes a free one. What is set there is shown, and not followed")
      ->check(CLI::Range(0, 65535));
  verb->add_flag("--quiet", a->quiet, "only the summary");
  verb->callback(
      [a, &session] { session.action = [a, &session] { return emulate(*a, session.json); }; });
  verb->footer(
      "Every nonce is really found here, at a difficulty shifted by 32 - base bits; the waits are\n"
      "those of the modelled device. All of it is labelled `emulated`.\n"
      "A kind that waits says which --engine reaches it, and serves one host after the other.\n"
      "Exit status 1: the pool gave an answer that the fault plan calls wrong.");
}

}  // namespace calx::cli
