// calx hash: the SHA-256 kernels of this CPU, a quick look at their speed, and the header scan.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/interrupt.h"
#include "apps/cli/verb.h"
#include "calx/base/hex.h"
#include "calx/format/canonical_json.h"
#include "calx/hash/kernel.h"
#include "calx/hash/sha256.h"
#include "calx/hash/software_engine.h"
#include "calx/hash/speed.h"
#include "calx/work/target.h"

namespace calx::cli {
namespace {

constexpr hash::Operation kOperations[] = {hash::Operation::kCompress, hash::Operation::kBulk,
                                           hash::Operation::kExpand, hash::Operation::kScan};

Result<void> print(const format::Json& json) {
  CALX_ASSIGN(text, format::encode_pretty_json(json));
  fmt::print("{}", text);
  return {};
}

std::vector<std::string_view> chosen_for(const hash::KernelReport& report) {
  std::vector<std::string_view> operations;
  for (const auto operation : kOperations) {
    if (report.chosen_for[static_cast<std::size_t>(operation)]) {
      operations.push_back(to_string(operation));
    }
  }
  return operations;
}

std::string remark(const hash::KernelReport& report) {
  if (report.status == hash::KernelStatus::kRefused) {
    return fmt::format("self-test failed in {}", report.fault);
  }
  if (report.status == hash::KernelStatus::kUnsupported) {
    return fmt::format("this CPU lacks {}", report.kernel->needs);
  }
  return fmt::format("{}", fmt::join(chosen_for(report), ", "));
}

Result<int> list_kernels(bool json) {
  bool refused = false;
  auto list = format::Json::array();
  for (const hash::KernelReport& report : hash::kernel_reports()) {
    refused = refused || report.status == hash::KernelStatus::kRefused;
    if (!json) {
      fmt::print("{:<10}{:<13}{:>2} at once   {}\n", report.kernel->name, to_string(report.status),
                 report.kernel->lanes, remark(report));
      continue;
    }
    auto operations = format::Json::array();
    for (const std::string_view operation : chosen_for(report)) operations.push(operation);
    format::Json row{{"name", report.kernel->name},
                     {"needs", report.kernel->needs},
                     {"lanes", static_cast<std::int64_t>(report.kernel->lanes)},
                     {"status", to_string(report.status)},
                     {"chosen_for", operations}};
    if (!report.fault.empty()) row.set("fault", report.fault);
    list.push(row);
  }
  if (json) CALX_TRY(print(format::Json{{"kernels", list}}));
  return refused ? kCheckFailed : kDone;
}

Result<int> bench_kernels(int milliseconds, bool json) {
  auto list = format::Json::array();
  if (!json) {
    fmt::print("million a second, one thread, answers checked (paired ratios: calx bench)\n");
    fmt::print("{:<10}{:>12}{:>15}{:>16}{:>14}\n", "kernel", "compress", "64-byte msg",
               "counter block", "header hash");
  }
  for (const hash::Kernel* kernel : hash::kernels()) {
    if (!kernel->supported()) continue;
    CALX_ASSIGN(speed, hash::measure_speed(*kernel, std::chrono::milliseconds(milliseconds)));
    const auto& rates = speed.mega_per_second;
    if (!json) {
      fmt::print("{:<10}{:>12.2f}{:>15.2f}{:>16.2f}{:>14.2f}\n", kernel->name, rates[0], rates[1],
                 rates[2], rates[3]);
      continue;
    }
    format::Json row{{"name", kernel->name}, {"origin", to_string(Origin::kSoftware)}};
    for (const auto operation : kOperations) {
      row.set(fmt::format("{}_per_second", to_string(operation)),
              static_cast<std::int64_t>(rates[static_cast<std::size_t>(operation)] * 1e6));
    }
    list.push(row);
  }
  if (json) CALX_TRY(print(format::Json{{"kernels", list}}));
  return kDone;
}

struct ScanArguments {
  std::string header;
  double difficulty = 1;
  std::uint32_t work_bits = 0;
  std::string target;
  std::uint32_t first = 0, last = 0xffffffff;
  std::size_t count = 1;
  unsigned threads = 1;
  double seconds = 3600;
};

Result<work::Target> target_of(const ScanArguments& arguments) {
  if (!arguments.target.empty()) return work::Target::parse(arguments.target);
  if (arguments.work_bits > 0) return work::Target::from_work_bits(arguments.work_bits);
  return work::Target::from_difficulty(arguments.difficulty);
}

Result<hash::Header> header_of(const std::string& digits) {
  CALX_ASSIGN(bytes, from_hex(digits));
  hash::Header header{};
  if (bytes.size() != 76 && bytes.size() != 80) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("header: {} bytes, wanted 80, or 76 without the nonce", bytes.size()));
  }
  std::copy(bytes.begin(), bytes.end(), header.begin());
  return header;
}

/// The double hash as it is displayed: the highest byte first.
std::string displayed_hash(const hash::Header& header) {
  const hash::Digest digest = hash::sha256d(header);
  return to_hex(std::vector<std::uint8_t>(digest.rbegin(), digest.rend()));
}

Result<void> print_scan(const hash::ScanRequest& request, const hash::ScanReport& report,
                        const work::Target& target, bool json) {
  auto found = format::Json::array();
  for (const std::uint32_t nonce : report.nonces) {
    const std::string hash = displayed_hash(hash::with_nonce(request.header, nonce));
    if (!json) fmt::print("nonce {:>10} = 0x{:08x}   hash {}\n", nonce, nonce, hash);
    found.push(format::Json{{"nonce", nonce}, {"hash", hash}});
  }
  if (json) {
    format::Json result{{"target", target.to_string()},
                        {"expected_hashes", target.expected_hashes_text()},
                        {"found", found},
                        {"origin", to_string(report.origin)}};
    if (report.nonce_last_covered) result.set("nonce_last_covered", *report.nonce_last_covered);
    return print(result);
  }
  const std::string covered = report.nonce_last_covered
                                  ? fmt::format("nonces {} to {} were tried", request.nonce_first,
                                                *report.nonce_last_covered)
                                  : std::string("nothing was tried");
  fmt::print("{}{}; {} hashes expected a find; origin {}\n",
             report.nonces.empty() ? "none found: " : "", covered, target.expected_hashes_text(),
             to_string(report.origin));
  return {};
}

Result<int> scan_header(const ScanArguments& arguments, bool json) {
  CALX_ASSIGN(target, target_of(arguments));
  CALX_ASSIGN(header, header_of(arguments.header));
  hash::ScanRequest request;
  request.header = header;
  request.target = target.bytes();
  request.nonce_first = arguments.first;
  request.nonce_last = arguments.last;
  request.nonces_max = arguments.count;
  request.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(arguments.seconds * 1000));
  const Interrupt interrupt;
  CALX_ASSIGN(report, hash::SoftwareScanner(arguments.threads).scan(request, interrupt.token()));
  CALX_TRY(print_scan(request, report, target, json));
  if (interrupt.requested()) return fail(ErrorCode::kCancelled, "the scan was interrupted");
  if (!report.nonces.empty()) return kDone;
  return report.nonce_last_covered == request.nonce_last ? kCheckFailed : kNotChecked;
}

}  // namespace

Result<void> use_kernel(std::string_view name) {
  std::vector<std::string_view> names;
  for (const hash::Kernel* kernel : hash::kernels()) names.push_back(kernel->name);
  const auto status = hash::force_kernel(name);
  if (status == hash::KernelStatus::kChosen) return {};
  if (status == hash::KernelStatus::kUnknown) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("CALX_KERNEL: no kernel \"{}\", wanted one of {}", name,
                            fmt::join(names, ", ")));
  }
  const bool refused = status == hash::KernelStatus::kRefused;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("CALX_KERNEL: kernel {} {}", name,
                          refused ? std::string("failed its self-test")
                                  : fmt::format("needs {}, which this CPU lacks",
                                                hash::find_kernel(name)->needs)));
}

void add_hash(CLI::App& app, Session& session) {
  auto* verb = app.add_subcommand("hash", "SHA-256 kernels: list, bench, scan, digest");
  verb->require_subcommand(1);
  add_hash_digest(*verb, session);

  auto* list = verb->add_subcommand("kernels", "every kernel, and which one is in force for what");
  list->callback(
      [&session] { session.action = [&session] { return list_kernels(session.json); }; });

  auto* bench = verb->add_subcommand("bench", "a quick look at the speed of each kernel");
  auto milliseconds = std::make_shared<int>(50);
  bench->add_option("--milliseconds", *milliseconds, "time for each figure")
      ->check(CLI::Range(1, 60000))
      ->capture_default_str();
  bench->callback([milliseconds, &session] {
    session.action = [milliseconds, &session] {
      return bench_kernels(*milliseconds, session.json);
    };
  });

  auto arguments = std::make_shared<ScanArguments>();
  auto* scan = verb->add_subcommand("scan", "search the lowest nonces of a block header");
  scan->add_option("header", arguments->header, "80 bytes in hex, or 76 without the nonce")
      ->required();
  auto* difficulty =
      scan->add_option("--difficulty", arguments->difficulty, "target: this difficulty")
          ->capture_default_str();
  auto* bits = scan->add_option("--work", arguments->work_bits, "target: this many zero bits")
                   ->check(CLI::Range(1u, work::kWorkBitsMax))
                   ->excludes(difficulty);
  scan->add_option("--target", arguments->target, "target: 64 hex digits, highest first")
      ->excludes(difficulty)
      ->excludes(bits);
  scan->add_option("--from", arguments->first, "first nonce")->capture_default_str();
  scan->add_option("--to", arguments->last, "last nonce, inclusive")->capture_default_str();
  scan->add_option("--count", arguments->count, "nonces to find")
      ->check(CLI::Range(std::size_t{1}, hash::kScanNoncesMax))
      ->capture_default_str();
  scan->add_option("--threads", arguments->threads, "threads")
      ->check(CLI::Range(1u, hash::kEngineThreadsMax))
      ->capture_default_str();
  scan->add_option("--seconds", arguments->seconds, "time limit")
      ->check(CLI::Range(0.0, 1e7))
      ->capture_default_str();
  scan->callback([arguments, &session] {
    session.action = [arguments, &session] { return scan_header(*arguments, session.json); };
  });
  scan->footer("Exit status 1: no such nonce in the range; 3: time was up before its end.");
}

}  // namespace calx::cli
