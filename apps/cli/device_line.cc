#include "apps/cli/device_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <mutex>
#include <thread>

#include "apps/cli/interrupt.h"
#include "apps/cli/verb.h"
#include "calx/base/origin.h"
#include "calx/device/direct_hash_server.h"
#include "calx/device/emulated_line.h"
#include "calx/format/canonical_json.h"

namespace calx::cli {
namespace {

constexpr std::string_view kDirectHash = "direct-hash", kS1 = "s1-device", kS3 = "s3-device";

bool is_antminer(std::string_view kind) noexcept { return kind == kS1 || kind == kS3; }

void say(const format::Json& event, const std::string& line, bool json) {
  if (json) {
    if (const auto text = format::encode_canonical_json(event)) fmt::print("{}\n", *text);
  } else {
    fmt::print("{}\n", line);
  }
  std::fflush(stdout);
}

void say_ready(const LineArguments& arguments, const std::string& where, const std::string& engine,
               bool json) {
  say({{"event", "ready"},
       {"kind", arguments.kind},
       {"where", where},
       {"engine", engine},
       {"origin", to_string(Origin::kEmulated)}},
      fmt::format("{} (emulated) at {}\nreach it with --engine {}", arguments.kind, where, engine),
      json);
}

// A token that stops when the program is interrupted, or after the time given.
class StopClock {
 public:
  StopClock(std::stop_token interrupt, double seconds)
      : forward_(std::move(interrupt), [this] { source_.request_stop(); }) {
    if (seconds <= 0) return;
    timer_ = std::jthread([this, seconds](const std::stop_token& gone) {
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      never.wait_for(lock, gone, std::chrono::duration<double>(seconds), [] { return false; });
      source_.request_stop();
    });
  }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::stop_callback<std::function<void()>> forward_;
  std::jthread timer_;
};

Result<int> serve_hashes(const LineArguments& arguments, const std::stop_token& stop, bool json) {
  constexpr std::string_view kAnyPort = ":0";  // of a device it would be no address
  std::string_view text = arguments.listen;
  const bool any = text.ends_with(kAnyPort);
  if (any) text.remove_suffix(kAnyPort.size());
  CALX_ASSIGN(where, device::parse_lan_address(text, device::kDirectHashPort));
  if (any) where.port = 0;
  CALX_ASSIGN(server, device::DirectHashServer::listen(where));
  const std::string address = server->address().to_string();
  say_ready(arguments, address, "direct-hash=" + address, json);
  CALX_TRY(server->serve(stop));
  return kDone;
}

// What is behind the line whenever a host opens it, and the engine that reaches it.
struct Machine {
  std::function<std::unique_ptr<device::LineMachine>()> power_up;
  std::string engine;
};

Result<Machine> machine_of(const LineArguments& arguments, const std::string& path) {
  if (arguments.kind == kDirectHash) {
    return Machine{device::hashes_on_a_line, "direct-hash=serial:" + path};
  }
  if (is_antminer(arguments.kind)) {
    const bool first = arguments.kind == kS1;
    const device::BitmainEmulatorOptions options{
        .dialect = {.kind = first ? device::BitmainKind::kS1 : device::BitmainKind::kS3},
        .base_bits = arguments.base_bits};
    return Machine{[options] { return device::antminer_on_a_line(options); },
                   fmt::format("bitmain={},kind={},base-bits={}", path, first ? "s1" : "s3",
                               arguments.base_bits)};
  }
  CALX_ASSIGN(chip, device::parse_bm13xx(arguments.kind));
  const device::Bm13xxEmulatorOptions options{
      .chip = chip, .chips = arguments.chips, .base_bits = arguments.base_bits};
  return Machine{[options] { return device::chips_on_a_line(options); },
                 fmt::format("chip={}:{},base-bits={}", arguments.kind, path, arguments.base_bits)};
}

}  // namespace

bool is_line_kind(std::string_view kind) noexcept {
  return kind == kDirectHash || is_antminer(kind) ||
         std::ranges::any_of(device::bm13xx_kinds(),
                             [kind](const auto& row) { return row.name == kind; });
}

Result<int> emulate_on_a_line(const LineArguments& arguments, bool json) {
  const Interrupt interrupt;
  const StopClock stop(interrupt.token(), arguments.seconds);
  if (!arguments.listen.empty()) {
    if (arguments.kind == kDirectHash) return serve_hashes(arguments, stop.token(), json);
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("--listen is for direct-hash; {} waits on a pseudo-terminal", arguments.kind));
  }
  CALX_ASSIGN(line, device::EmulatedLine::open());
  CALX_ASSIGN(machine, machine_of(arguments, line->path()));
  say_ready(arguments, line->path(), machine.engine, json);
  device::EmulatedLine::Options options;
  options.hashes_per_second_max = arguments.hashes_per_second_max;
  options.on_hang_up = [json](const std::string& trouble) {
    say({{"event", "hung up"}, {"trouble", trouble}},
        trouble.empty() ? "the host hung up" : "the host hung up after: " + trouble, json);
  };
  line->serve(machine.power_up, options, stop.token());
  return kDone;
}

}  // namespace calx::cli
