// Writes two signed receipts whose stamps are of emulated BM1370 chips:
//
//     make_rolled_receipt FOLDER
//
// receipt.json   the chips rolled the version inside the mask: it holds
// outside.json   the same work in a version with a bit outside the mask: it must be refused
#include <cstdio>
#include <filesystem>

#include "calx/base/atomic_file.h"
#include "calx/device/bm13xx_driver.h"
#include "calx/device/bm13xx_emulator.h"
#include "calx/receipt/example_receipt.h"
#include "calx/work/scanner_job_runner.h"

namespace calx {
namespace {

constexpr std::uint32_t kWorkBits = 14;
constexpr std::uint32_t kOutside = 0x00001000;  // the bit below the mask's lowest

Result<work::Stamp> chip_stamp(const work::RequestTree& tree, const work::Target& target,
                               work::JobRunner& chips) {
  // Each small core tries a version of its own, one of them the template's.
  for (;;) {
    CALX_ASSIGN(stamp, work::make_stamp(tree, target, chips));
    if (stamp.version != work::kTemplateVersion) return stamp;
  }
}

// What make_stamp() refuses to make.
Result<work::Stamp> outside_stamp(const work::RequestTree& tree, const work::Target& target) {
  work::Job job =
      work::template_job(work::stamp_payload(target, tree.leaves(), tree.root()), target);
  job.version |= kOutside;
  CALX_ASSIGN(found, work::software_runner().run(job, {}));
  const auto checked = work::check_share(job, found.share);
  return work::Stamp{.target = target,
                     .leaves = tree.leaves(),
                     .root = tree.root(),
                     .version = job.version,
                     .previous_hash = job.previous_hash,
                     .coinbase_part_1 = job.coinbase_part_1,
                     .extranonce_1 = found.share.extranonce_1,
                     .extranonce_2 = found.share.extranonce_2,
                     .branches = {},
                     .ntime = found.share.ntime,
                     .nbits = job.nbits,
                     .nonce = found.share.nonce,
                     .hash = checked.hash,
                     .origin = Origin::kEmulated};
}

Result<void> write_receipts(const std::filesystem::path& folder) {
  namespace example = receipt::example;
  auto made = example::make();
  const work::TreeLeaf leaf{.commitment = made.receipt.commitment, .salt = {1, 2, 3}};
  CALX_ASSIGN(tree, work::RequestTree::build({&leaf, 1}));
  CALX_ASSIGN(target, work::Target::from_work_bits(kWorkBits));
  device::Bm13xxEmulator emulator({.chip = device::Bm13xx::kBm1370});
  device::Bm13xxEmulatorWire wire(emulator);
  CALX_ASSIGN(chips,
              device::Bm13xxDriver::open(wire, {.chip = device::Bm13xx::kBm1370,
                                                .base_bits = 12,
                                                .hashes_per_second = 1e6,
                                                .count_silence = std::chrono::milliseconds(1),
                                                .ramp_pause = std::chrono::milliseconds(0),
                                                .chip_pause = std::chrono::milliseconds(0)}));
  CALX_ASSIGN(inside, chip_stamp(tree, target, *chips));
  CALX_ASSIGN(outside, outside_stamp(tree, target));
  for (const auto& [stamp, name] : {std::pair(inside, "receipt.json"), {outside, "outside.json"}}) {
    made.receipt.stamp = stamp;
    made.receipt.path = tree.path(0);
    CALX_TRY(receipt::sign(made.receipt, example::key()));
    CALX_ASSIGN(text, receipt::encode_pretty(made.receipt));
    CALX_TRY(write_file(folder / name, text));
  }
  return {};
}

}  // namespace
}  // namespace calx

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_rolled_receipt FOLDER\n", stderr);
    return 2;
  }
  const auto written = calx::write_receipts(argv[1]);
  if (written) return 0;
  std::fprintf(stderr, "make_rolled_receipt: %s\n", written.error().message.c_str());
  return 1;
}
