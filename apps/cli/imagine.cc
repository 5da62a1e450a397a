// calx imagine: pictures of digits from a seed, with a receipt that a stranger can check.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include "apps/cli/data_folder.h"
#include "apps/cli/engine.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/neural.h"
#include "apps/cli/stamp_cache.h"
#include "apps/cli/verb.h"
#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/format/canonical_json.h"
#include "calx/receipt/key_file.h"
#include "calx/receipt/receipt.h"
#include "calx/signal/cached_stamper.h"

namespace calx::cli {
namespace {

constexpr std::uint32_t kWorkBitsDefault = 20;

struct ImagineOptions {
  diffusion::ImagineRequest request;
  std::string model = "digits";
  std::string seed = "calx";
  std::string out = "out";
  std::string receipt;  // remake from this one
  std::string salt;     // of its private seed, hex
  std::string key;      // file of the signing key
  EngineOptions engine;
  StampCacheOptions cache;
  std::uint32_t work_bits = kWorkBitsDefault;
  std::optional<std::uint64_t> only;
  bool stamped = false;
};

// One line that rewrites itself on a terminal; silent elsewhere until the end.
class ProgressLine {
 public:
  void operator()(const diffusion::ImagineProgress& now) const {
    if (::isatty(STDERR_FILENO) == 0) return;
    if (now.stamping) {
      fmt::print(stderr, "\rsearching the stamp ...");
    } else {
      fmt::print(stderr, "\rimage {}/{}  {:.1f} s{}   ", now.done + now.waiting, now.count,
                 now.seconds, now.waiting > 0 ? ", the stamp is being searched" : "");
    }
    if (!now.stamping && now.done == now.count) fmt::print(stderr, "\n");
    std::fflush(stderr);
  }
};

// What became of each engine of a pool.
format::Json engines_json(const signal::DevicePool& pool) {
  auto list = format::Json::array();
  for (const signal::DeviceHealth& device : pool.health()) {
    list.push(format::Json{{"name", device.name},
                           {"origin", to_string(device.origin)},
                           {"state", to_string(device.state)},
                           {"reason", device.reason},
                           {"shares", static_cast<std::int64_t>(device.shares)},
                           {"failures", static_cast<std::int64_t>(device.failures)},
                           {"lies", static_cast<std::int64_t>(device.lies)}});
  }
  return list;
}

int print_json(const diffusion::ImagineReport& report, const Engine& engine) {
  format::Json images = format::Json::array();
  for (const auto& path : report.images) images.push(path.string());
  format::Json json;
  json.set("complete", report.complete).set("made", report.made).set("kept", report.kept);
  json.set("receipt", report.receipt.string()).set("grid", report.grid.string());
  json.set("page", report.page.string()).set("images", std::move(images));
  json.set("expected_hashes", report.expected_hashes).set("work_origin", report.work_origin);
  json.set("stamp_seconds", fmt::format("{:.3f}", report.stamp_seconds));
  json.set("image_seconds", fmt::format("{:.3f}", report.image_seconds));
  json.set("checks_failed", report.checks.failed());
  if (engine.pool != nullptr) json.set("engines", engines_json(*engine.pool));
  if (const auto text = format::encode_pretty_json(json)) fmt::print("{}", *text);
  return kDone;
}

void print_lines(const diffusion::ImagineReport& report, const ImagineOptions& options,
                 const Engine& engine) {
  fmt::print("{} of {} pictures of digit {} in {:.1f} s{}\n", report.images.size(),
             options.request.count, options.request.class_index, report.image_seconds,
             report.kept > 0 ? fmt::format(" ({} were there already)", report.kept) : "");
  fmt::print("stamp    {} expected hashes, work origin {}, {:.2f} s\n", report.expected_hashes,
             report.work_origin, report.stamp_seconds);
  fmt::print("{}", describe_engines(engine));
  fmt::print("grid     {}\npage     {}\nreceipt  {}\n", report.grid.string(), report.page.string(),
             report.receipt.string());
  if (report.opening) {
    fmt::print("secret   {} (opens the private seed; keep it to yourself)\n",
               report.opening->string());
  }
  for (const auto& check : report.checks.checks) {
    if (check.verdict == receipt::Verdict::kFail) {
      fmt::print("{} FAIL  {}\n", check.name, check.sentence);
    }
  }
  if (report.complete) {
    fmt::print("Check it: calx verify {}\n", report.receipt.string());
  } else {
    fmt::print("Stopped. To go on, give the same command again: {}\n", options.request.command);
  }
}

Result<std::filesystem::path> key_path(const std::string& given) {
  if (!given.empty()) return std::filesystem::path(given);
  CALX_ASSIGN(folder, user_folder());
  return folder / "signing-key";
}

// A stamp that only a cache may give and that it lacks is unavailable here, not bad input.
int not_kept(const Error& error) {
  fmt::print(stderr, "calx: {}\n", error.message);
  return kNotChecked;
}

Result<int> run_imagine(const Session& session, ImagineOptions& options) {
  auto& request = options.request;
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  CALX_ASSIGN(target, work::Target::from_work_bits(options.work_bits));
  request.seed = seed;
  request.target = target;
  request.mode = options.stamped ? receipt::SeedMode::kStamped : receipt::SeedMode::kSeeded;
  request.folder = options.out;
  request.software = "calx " CALX_VERSION;
  request.command = session.command;
  const Interrupt interrupt;
  CALX_ASSIGN(key_file_path, key_path(options.key));
  CALX_ASSIGN(key_file, receipt::open_key_file(key_file_path));
  if (key_file.created) {
    fmt::print(stderr, "Made a signing key for you: {}\n", key_file_path.string());
  }
  CALX_ASSIGN(module, neural_module());
  CALX_ASSIGN(engine, open_engine(options.engine));
  const signal::Policy& policy = engine.policy;
  CALX_ASSIGN(cache, open_stamp_cache(options.cache, policy));
  work::RunnerStamper searcher(*engine.runner);
  signal::CachedStamper stamper(&searcher, cache.get(), policy, tell_cache_trouble);
  const diffusion::ImagineServices services{&stamper, &key_file.key};
  const auto made = module->imagine(options.model, model_folders(), request, services,
                                    ProgressLine(), interrupt.token());
  if (!made && policy.cache == signal::CacheUse::kOnly &&
      made.error().code == ErrorCode::kNotFound) {
    return not_kept(made.error());
  }
  if (!made) return std::unexpected(made.error());
  const auto& report = *made;
  if (session.json) {
    print_json(report, engine);
  } else {
    print_lines(report, options, engine);
  }
  if (interrupt.requested() && !report.complete) return exit_status(ErrorCode::kCancelled);
  return report.checks.failed() ? kCheckFailed : kDone;
}

Result<int> run_remake(const Session& session, const ImagineOptions& options) {
  if (!options.only) {
    return fail(ErrorCode::kInvalidArgument, "--receipt wants --only INDEX beside it");
  }
  CALX_ASSIGN(bytes, read_file(options.receipt, receipt::kReceiptBytesMax));
  CALX_ASSIGN(receipt,
              receipt::parse_receipt({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  std::optional<hash::Digest> salt;
  if (!options.salt.empty()) CALX_TRY(from_hex(options.salt, salt.emplace()));
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  CALX_ASSIGN(remade, module->remake(model_folders(), receipt, *options.only, salt, options.out,
                                     options.request.threads, interrupt.token()));
  if (session.json) {
    format::Json json;
    json.set("image", remade.image.string()).set("listed", remade.listed).set("same", remade.same);
    if (const auto text = format::encode_pretty_json(json)) fmt::print("{}", *text);
  } else {
    fmt::print("image {}  {}\n", *options.only, remade.image.string());
    fmt::print("{}\n", !remade.listed ? "The receipt does not list this image: nothing to compare"
                       : remade.same  ? "Its pixels are those of the receipt, bit for bit"
                                      : "Its pixels differ from those of the receipt");
  }
  return remade.listed && !remade.same ? kCheckFailed : kDone;
}

}  // namespace

void add_imagine(CLI::App& app, Session& session) {
  auto* imagine = app.add_subcommand("imagine", "pictures from a seed, with a receipt");
  auto options = std::make_shared<ImagineOptions>();
  auto& request = options->request;
  request.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  imagine->add_option("--model", options->model, "name of a model, or a .safetensors file");
  imagine->add_option("--class", request.class_index, "which digit, 0 to 9");
  imagine->add_option("--count", request.count, "how many, 1 to 10000")
      ->check(CLI::Range(std::uint32_t{1}, receipt::kCountMax));
  imagine->add_option("--seed", options->seed, "0x + 64 hex digits, an integer, or any text");
  imagine->add_option("--out", options->out, "folder for the pictures");
  imagine->add_option("--first-index", request.first_index, "index of the first picture");
  imagine->add_option("--steps", request.steps, "sampler steps");
  imagine->add_option("--guidance", request.guidance, "1 is none; more keeps closer to the class");
  imagine->add_option("--sampler", request.sampler, "ddim, euler, euler-ancestral, dpmpp-2m");
  imagine->add_option("--work", options->work_bits, "bits of work in the stamp: 2^B hashes");
  add_engine_options(*imagine, options->engine);
  add_cache_options(*imagine, options->cache);
  imagine->add_flag("--stamped", options->stamped, "let the stamp enter the seeds of the pictures");
  imagine->add_flag("--private-seed", request.private_seed,
                    "commit to the seed without telling it");
  imagine->add_option("--signer", request.signer, "your name in the receipt");
  imagine->add_option("--key", options->key, "file of your signing key");
  imagine->add_option("--threads", request.threads, "pictures made at a time")
      ->check(CLI::Range(1, 1024));
  imagine->add_option("--receipt", options->receipt, "make a picture of this receipt again ...");
  imagine->add_option("--only", options->only, "... the one with this index");
  imagine->add_option("--salt", options->salt, "salt of its private seed, 64 hex digits");
  imagine->callback([&session, options] {
    session.action = [&session, options] {
      return options->receipt.empty() ? run_imagine(session, *options)
                                      : run_remake(session, *options);
    };
  });
}

}  // namespace calx::cli
