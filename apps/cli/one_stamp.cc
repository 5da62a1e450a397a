#include "apps/cli/one_stamp.h"

#include <fmt/format.h>

#include <cstdio>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/format/canonical_json.h"
#include "calx/work/request_tree.h"
#include "calx/work/stamp.h"

namespace calx::cli {
namespace {

format::Json to_json(const work::Stamp& stamp) {
  auto branches = format::Json::array();
  for (const hash::Digest& branch : stamp.branches) branches.push(to_hex(branch));
  return {{"target", stamp.target.to_string()},
          {"leaves", stamp.leaves},
          {"root", to_hex(stamp.root)},
          {"version", fmt::format("{:08x}", stamp.version)},
          {"previous_hash", to_hex(stamp.previous_hash)},
          {"coinbase_part_1", to_hex(stamp.coinbase_part_1)},
          {"extranonce_1", to_hex(stamp.extranonce_1)},
          {"extranonce_2", to_hex(stamp.extranonce_2)},
          {"branches", branches},
          {"ntime", fmt::format("{:08x}", stamp.ntime)},
          {"nbits", fmt::format("{:08x}", stamp.nbits)},
          {"nonce", fmt::format("{:08x}", stamp.nonce)},
          {"hash", to_hex(stamp.hash)},
          {"origin", to_string(stamp.origin)}};
}

}  // namespace

Result<void> make_one_stamp(const OneStamp& wanted, work::JobRunner& runner,
                            work::Deadline deadline, std::stop_token stop) {
  work::TreeLeaf leaf;
  CALX_TRY(from_hex(wanted.commitment, leaf.commitment));
  CALX_ASSIGN(tree, work::RequestTree::build({&leaf, 1}));
  CALX_ASSIGN(target, work::Target::from_work_bits(wanted.work_bits));
  CALX_ASSIGN(stamp, work::make_stamp(tree, target, runner, deadline, std::move(stop)));
  CALX_ASSIGN(text, format::encode_pretty_json(to_json(stamp)));
  if (wanted.out.empty()) {
    fmt::print("{}", text);
  } else {
    CALX_TRY(write_file(wanted.out, text));
  }
  fmt::print(stderr, "stamp of {} expected hashes, work origin {}{}\n",
             target.expected_hashes_text(), to_string(stamp.origin),
             wanted.out.empty() ? "" : ": " + wanted.out);
  return {};
}

}  // namespace calx::cli
