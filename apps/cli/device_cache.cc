// calx device cache: what a folder of kept stamps holds.
#include <fmt/format.h>

#include <optional>

#include "apps/cli/device.h"
#include "calx/format/canonical_json.h"
#include "calx/signal/cache.h"

namespace calx::cli {
namespace {

struct CacheArguments {
  std::string folder;
  std::optional<std::uint64_t> prune;
};

Result<int> run_cache(const Session& session, const CacheArguments& arguments) {
  CALX_ASSIGN(cache, signal::Cache::open({.folder = arguments.folder, .create = false}));
  std::uint64_t pruned = 0;
  if (arguments.prune) {
    CALX_ASSIGN(count, cache->prune(*arguments.prune));
    pruned = count;
  }
  CALX_ASSIGN(counts, cache->counts());
  if (session.json) {
    const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    format::Json json{{"folder", arguments.folder},       {"entries", number(counts.entries)},
                      {"bytes", number(counts.bytes)},    {"hits", number(counts.hits)},
                      {"misses", number(counts.misses)},  {"evicted", number(counts.evicted)},
                      {"damaged", number(counts.damaged)}};
    if (arguments.prune) json.set("pruned", number(pruned));
    CALX_ASSIGN(text, format::encode_pretty_json(json));
    fmt::print("{}", text);
    return kDone;
  }
  fmt::print("entries  {}\nbytes    {}\nhits     {}\nmisses   {}\nevicted  {}\ndamaged  {}\n",
             counts.entries, counts.bytes, counts.hits, counts.misses, counts.evicted,
             counts.damaged);
  if (arguments.prune) fmt::print("pruned   {} just now\n", pruned);
  return kDone;
}

}  // namespace

void add_device_cache(CLI::App& device, Session& session) {
  auto* verb = device.add_subcommand("cache", "what a folder of kept stamps (--cache) holds");
  auto arguments = std::make_shared<CacheArguments>();
  verb->add_option("folder", arguments->folder, "as given to --cache")->required();
  verb->add_option("--prune", arguments->prune,
                   "leave at most so many bytes; what was not used for longest goes first");
  verb->callback([&session, arguments] {
    session.action = [&session, arguments] { return run_cache(session, *arguments); };
  });
  verb->footer(
      "bytes counts keys, stamps and their order of use; the file data.mdb is a few times larger "
      "and is never shrunk: remove the folder for that, while nothing uses it.");
}

}  // namespace calx::cli
