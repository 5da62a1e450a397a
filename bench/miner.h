// Mining programs that the user built, timed by their own benchmark.
#pragma once

#include <filesystem>
#include <string_view>

#include "bench/pair.h"
#include "calx/base/result.h"

namespace calx::bench {

/// Hashes a second from what `PROGRAM --benchmark` printed: the last "Benchmark: 18.35 MH/s"
/// (cpuminer-opt's rate at its time limit), else the last "Total: 5719 khash/s".
/// Errors: kUnavailable when there is neither.
Result<double> parse_hash_rate(std::string_view output);

/// Names that --against knows: "minerd", "cpuminer-opt".
bool is_miner(std::string_view name) noexcept;

/// Our header scan against PATH --benchmark -a sha256d -t 1, `seconds` at a time.
/// \pre is_miner(name)
Case miner_case(std::string_view name, const std::filesystem::path& path, int seconds);

}  // namespace calx::bench
