#include "apps/cli/stamp_cache.h"

#include <fmt/format.h>

#include <cstdio>

namespace calx::cli {

void add_cache_options(CLI::App& verb, StampCacheOptions& options) {
  verb.add_option("--cache", options.folder,
                  "folder with the stamps of before: the very same request gets the one it had; "
                  "policy cached searches no other");
  verb.add_option("--cache-bytes", options.bytes, "what is kept there at most")
      ->check(CLI::Range(signal::kCacheBytesMin, signal::kCacheBytesMax))
      ->capture_default_str();
}

Result<std::unique_ptr<signal::Cache>> open_stamp_cache(const StampCacheOptions& options,
                                                        const signal::Policy& policy) {
  if (options.folder.empty()) {
    if (policy.cache != signal::CacheUse::kOnly) return nullptr;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("policy {} searches nothing: it wants --cache DIR", policy.name));
  }
  if (policy.cache == signal::CacheUse::kNever) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("policy {} searches every stamp anew: --cache has no meaning with it",
                            policy.name));
  }
  return signal::Cache::open({.folder = options.folder, .bytes_max = options.bytes});
}

void tell_cache_trouble(const Error& error) { fmt::print(stderr, "calx: {}\n", error.message); }

}  // namespace calx::cli
