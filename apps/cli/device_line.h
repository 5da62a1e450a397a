// The kinds of `calx device emulate` that wait to be opened, instead of connecting to a pool.
#pragma once

#include <string>
#include <string_view>

#include "calx/base/result.h"

namespace calx::cli {

struct LineArguments {
  std::string kind;         // bm1366 bm1368 bm1370 bm1397 s1-device s3-device direct-hash
  std::string listen;       // HOST:PORT, direct-hash alone; else a pseudo-terminal
  std::size_t chips = 1;    // of a chain
  unsigned base_bits = 12;  // zero bits of what they return; a real chip: 32
  double seconds = 0;       // 0: until interrupted
  double hashes_per_second_max = 1e12;
};

bool is_line_kind(std::string_view kind) noexcept;

/// Says where the machine is and which --engine reaches it, then serves. Errors: kInvalidArgument
/// (--listen for another kind than direct-hash), kUnavailable.
Result<int> emulate_on_a_line(const LineArguments& arguments, bool json);

}  // namespace calx::cli
