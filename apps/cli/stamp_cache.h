// `--cache` on the command line: answers of before, for the verbs that search.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "calx/base/result.h"
#include "calx/signal/cache.h"
#include "calx/signal/policy.h"

namespace calx::cli {

struct StampCacheOptions {
  std::string folder = {};  // empty: none
  std::uint64_t bytes = signal::kCacheBytesDefault;
};

/// --cache and --cache-bytes.
void add_cache_options(CLI::App& verb, StampCacheOptions& options);

/// Null without a folder. Errors: kInvalidArgument (a policy that never uses a cache with one, or
/// that uses nothing else without one), those of Cache::open().
Result<std::unique_ptr<signal::Cache>> open_stamp_cache(const StampCacheOptions& options,
                                                        const signal::Policy& policy);

/// One line on stderr: the verb goes on without the cache.
void tell_cache_trouble(const Error& error);

}  // namespace calx::cli
