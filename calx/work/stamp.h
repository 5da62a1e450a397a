// The stamp: at least this much work was spent after these requests existed.
//
//     leaf    = SHA256(00 || commitment || salt)            node = SHA256(01 || left || right)
//     payload = SHA256("calx-stamp-1" || target || u32 leaves || root)
//     header  = a Bitcoin block header whose coinbase carries the payload
//     valid   = SHA256d(header), read little-endian, <= target
//
// The target is inside the payload: it is chosen before the work. docs/protocol/stamp.md defines
// every byte and says what a stamp does not prove.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string_view>
#include <vector>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/work/job_runner.h"
#include "calx/work/request_tree.h"
#include "calx/work/target.h"

namespace calx::work {

/// The rule of the software template is checked by searching again up to this much work.
inline constexpr double kMinimalityHashesMax = 4'194'304;  // 2^22 expected hashes

struct Stamp {
  Target target = {};
  std::uint32_t leaves = 1;  // of the request tree
  hash::Digest root{};       // of the request tree
  std::uint32_t version = kTemplateVersion;
  hash::Digest previous_hash{};                    // as in the header
  std::vector<std::uint8_t> coinbase_part_1 = {};  // part 2 follows from the payload
  std::vector<std::uint8_t> extranonce_1 = {}, extranonce_2 = {};
  std::vector<hash::Digest> branches = {};
  std::uint32_t ntime = 0, nbits = 0, nonce = 0;
  hash::Digest hash{};                // claimed SHA256d of the header; check() computes it
  Origin origin = Origin::kModelled;  // who searched, as the searcher says

  friend bool operator==(const Stamp&, const Stamp&) = default;
};

/// SHA256("calx-stamp-1" || target || u32 leaves || root): the 32 bytes of the OP_RETURN.
hash::Digest stamp_payload(const Target& target, std::uint32_t leaves, const hash::Digest& root);

/// Runs the template job for this tree, with the version bits that the runner may roll, and returns
/// the checked stamp. Deadline and stop as in JobRunner::run. Errors: those of run.
Result<Stamp> make_stamp(const RequestTree& tree, const Target& target, JobRunner& runner,
                         Deadline deadline = Deadline::max(), std::stop_token stop = {});

/// The stamp that a share of `job` makes for a tree.
/// Errors: kInvalidArgument when the share fails check_share or the job does not carry the payload.
Result<Stamp> stamp_from_share(const RequestTree& tree, const Job& job, const FoundShare& found);

/// Hashes everything again and returns SHA256d(header).
/// Errors: kInvalidArgument (a part out of its limits; a version that is not kTemplateVersion with
/// bits of kVersionMask set), kDataLoss (the hash misses the target, or is not the one claimed). It
/// does not look at the request tree: see root_of().
Result<hash::Digest> check(const Stamp& stamp);

/// True when all but the nonce and extranonce 2 is the constant software template, the only one for
/// which "the lowest counts" is a rule.
bool is_template(const Stamp& stamp);

enum class Minimality : std::uint8_t {
  kLowest,      // searched again: no lower extranonce 2 or nonce meets the target
  kNotLowest,   // a lower one meets it: this stamp was chosen, not found first
  kNotChecked,  // above kMinimalityHashesMax expected hashes
};

/// Searches from extranonce 2 = 0, nonce = 0 again, with a runner that finds the lowest (such as
/// software_runner()). \pre is_template(stamp) and check(stamp). Errors: those of run.
Result<Minimality> check_minimality(const Stamp& stamp, JobRunner& runner,
                                    std::stop_token stop = {});

}  // namespace calx::work
