// One answer of the cache as bytes, with a check that ties it to its question.
//
//   key   = SHA256("calx-cache-1\0" || commitment || target || u8 origin)
//   entry = the stamped request (stamp_bytes.h), check[32]
//   check = SHA256("calx-cache-entry-1\0" || key || all before the check)
//
// The origin stands in the key: an emulated answer never takes the place of a device's, and a
// changed byte of origin answers no question. The check finds damage before anything is parsed;
// against somebody who may write the file only the work protects, and not the origin.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/signal/request.h"
#include "calx/work/target.h"

namespace calx::signal {

inline constexpr std::size_t kEntryCheckBytes = 32;

struct CacheQuestion {
  hash::Digest commitment{};
  work::Target target = {};
  Origin origin = Origin::kModelled;  // exactly this one
};

hash::Digest cache_key(const CacheQuestion& question) noexcept;

/// \pre `stamped` answers `question`
std::vector<std::uint8_t> encode_entry(const CacheQuestion& question,
                                       const StampedRequest& stamped);

/// The answer, hashed again: check, target, origin, path and work::check(). Errors: kDataLoss says
/// which of them failed.
Result<StampedRequest> read_entry(const CacheQuestion& question,
                                  std::span<const std::uint8_t> bytes);

}  // namespace calx::signal
