// Goal: a stamp says that the work was done for these requests, and nothing passes that was not
// hashed again.
// Method: vector (docs/protocol/stamp.md, made there by Python's hashlib), laws (the lowest nonce
// counts; the target is bound before the work), faults (every field of a stamp changed).
#include "calx/work/stamp.h"

#include <gmock/gmock.h>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"
#include "calx/work/coinbase.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::work {
namespace {

constexpr std::uint32_t kBits = 12;

TreeLeaf numbered(std::uint32_t number) {
  TreeLeaf leaf;
  leaf.commitment = hash::Sha256().update("request").update_u32(number).finish();
  const auto salt = hash::Sha256().update("salt").update_u32(number).finish();
  std::copy_n(salt.begin(), leaf.salt.size(), leaf.salt.begin());
  return leaf;
}

RequestTree three_requests() {
  const std::vector<TreeLeaf> leaves = {numbered(0), numbered(1), numbered(2)};
  return *RequestTree::build(leaves);
}

Stamp example() {
  return *make_stamp(three_requests(), *Target::from_work_bits(kBits), software_runner());
}

TEST(StampTest, TheStampOfTheProtocolTextIsFoundAgain) {
  const Stamp stamp = example();
  EXPECT_EQ(to_hex(stamp_payload(stamp.target, stamp.leaves, stamp.root)),
            "29686e3d1b9d2d5950304dd9e746807ec6ccc7b4bf9aa3608436fc3711c9321a");
  EXPECT_EQ(to_hex(stamp.extranonce_2), "0000000000000000");
  EXPECT_EQ(stamp.nonce, 0x00000c79u);
  EXPECT_EQ(to_hex(stamp.hash), "d81aec86dae49b8ce61aea29f525807d963c5f03fd0c5c2bf4f53b76f4100600");
  EXPECT_EQ(check(stamp).value(), stamp.hash);
  EXPECT_EQ(stamp.origin, Origin::kSoftware);
}

TEST(StampTest, TheLowestNonceCountsAndAHigherOneIsFoundOut) {
  const Stamp stamp = example();
  ASSERT_TRUE(is_template(stamp));
  EXPECT_EQ(check_minimality(stamp, software_runner()).value(), Minimality::kLowest);

  Stamp chosen = stamp;
  while (true) {  // the next nonce that meets the target too: just as valid, but chosen
    ++chosen.nonce;
    chosen.hash = {};
    const auto wrong_claim = check(chosen);
    if (wrong_claim.error().message.find("the stamp says") != std::string::npos) break;
  }
  const auto part_2 = coinbase_part_2(stamp_payload(chosen.target, chosen.leaves, chosen.root));
  const auto txid =
      coinbase_txid(chosen.coinbase_part_1, chosen.extranonce_1, chosen.extranonce_2, part_2);
  chosen.hash = block_hash(encode({.version = chosen.version,
                                   .previous_hash = chosen.previous_hash,
                                   .merkle_root = txid,
                                   .ntime = chosen.ntime,
                                   .nbits = chosen.nbits,
                                   .nonce = chosen.nonce}));
  EXPECT_TRUE(check(chosen));
  EXPECT_EQ(check_minimality(chosen, software_runner()).value(), Minimality::kNotLowest);
}

TEST(StampTest, AboveTheLimitMinimalityIsNotChecked) {
  Stamp stamp = example();
  stamp.target = *Target::from_work_bits(22);
  EXPECT_EQ(stamp.target.expected_hashes(), kMinimalityHashesMax);
  stamp.target = *Target::from_work_bits(23);
  EXPECT_EQ(check_minimality(stamp, software_runner()).value(), Minimality::kNotChecked);
}

TEST(StampTest, EveryChangedFieldIsRefused) {
  const auto refused = [](auto&& change) {
    Stamp stamp = example();
    change(stamp);
    return !check(stamp);
  };
  EXPECT_FALSE(refused([](Stamp&) {}));
  EXPECT_TRUE(refused([](Stamp& s) { s.target = *Target::from_work_bits(kBits - 1); }));
  EXPECT_TRUE(refused([](Stamp& s) { s.leaves = 2; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.leaves = 0; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.root[31] ^= 1; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.version ^= 0x2000; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.version ^= 1; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.previous_hash[0] ^= 1; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.coinbase_part_1.back() ^= 1; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.coinbase_part_1[0] ^= 1; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.extranonce_1[0] ^= 1; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.extranonce_2[0] ^= 1; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.extranonce_2.push_back(0); }));
  EXPECT_TRUE(refused([](Stamp& s) { s.branches.push_back({}); }));
  EXPECT_TRUE(refused([](Stamp& s) { s.branches.resize(33); }));
  EXPECT_TRUE(refused([](Stamp& s) { ++s.ntime; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.nbits = 0x1d00ffff; }));
  EXPECT_TRUE(refused([](Stamp& s) { ++s.nonce; }));
  EXPECT_TRUE(refused([](Stamp& s) { s.hash[0] ^= 1; }));
}

TEST(StampTest, ThePayloadBindsTargetLeavesAndRoot) {
  const auto tree = three_requests();
  const auto target = *Target::from_work_bits(kBits);
  const auto payload = stamp_payload(target, 3, tree.root());
  EXPECT_NE(payload, stamp_payload(*Target::from_work_bits(kBits + 1), 3, tree.root()));
  EXPECT_NE(payload, stamp_payload(target, 2, tree.root()));
  EXPECT_NE(payload, stamp_payload(target, 3, hash::Digest{}));
}

TEST(StampTest, AJobForAnotherTreeMakesNoStamp) {
  const auto tree = three_requests();
  const auto target = *Target::from_work_bits(0);
  const Job job = template_job(stamp_payload(target, 2, tree.root()), target);
  const auto found = software_runner().run(job, {});
  ASSERT_TRUE(found);
  EXPECT_THAT(stamp_from_share(tree, job, *found).error().message,
              testing::HasSubstr("does not carry the payload"));
}

// A searcher that lies about its find.
class LyingRunner final : public JobRunner {
 public:
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kEmulated; }
  Result<FoundShare> run(const Job& job, std::stop_token) override {
    return FoundShare{.share = {.extranonce_1 = std::vector<std::uint8_t>(job.extranonce1_bytes),
                                .extranonce_2 = std::vector<std::uint8_t>(job.extranonce2_bytes),
                                .ntime = job.ntime,
                                .nonce = 5},
                      .origin = origin()};
  }
};

// Searches as software does, in versions that it rolls itself, as chips do.
class RollingRunner final : public JobRunner {
 public:
  explicit RollingRunner(std::uint32_t bits) : bits_(bits) {}
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kEmulated; }
  [[nodiscard]] std::uint32_t version_mask() const noexcept override { return kVersionMask; }
  Result<FoundShare> run(const Job& job, std::stop_token stop) override {
    seen_mask = job.version_mask;
    Job rolled = job;
    rolled.version_mask = 0, rolled.version ^= bits_;
    CALX_ASSIGN(found, software_runner().run(rolled, stop));
    found.share.version_bits = bits_;
    found.origin = origin();
    return found;
  }
  std::uint32_t seen_mask = 0;

 private:
  std::uint32_t bits_;
};

TEST(StampTest, RolledVersionBitsInsideTheMaskAreKept) {
  RollingRunner roller(0x00b44000);
  const auto stamp = make_stamp(three_requests(), *Target::from_work_bits(kBits), roller);
  ASSERT_TRUE(stamp) << stamp.error().message;
  EXPECT_EQ(roller.seen_mask, kVersionMask);
  EXPECT_EQ(stamp->version, 0x20b44000u);
  EXPECT_EQ(check(*stamp).value(), stamp->hash);
  EXPECT_FALSE(is_template(*stamp));
  Stamp told = *stamp;
  told.version = kTemplateVersion;
  EXPECT_EQ(check(told).error().code, ErrorCode::kDataLoss);
}

TEST(StampTest, RolledVersionBitsOutsideTheMaskAreRefused) {
  for (const std::uint32_t bits : {0x00001000u, 0x20000000u, 0x40000000u, 0x00000001u}) {
    RollingRunner roller(bits);
    const auto stamp = make_stamp(three_requests(), *Target::from_work_bits(kBits), roller);
    ASSERT_FALSE(stamp);
    EXPECT_THAT(stamp.error().message, testing::HasSubstr("version bits outside the mask"));
  }
  // The work is real, but for a header that no job here asks for.
  const auto tree = three_requests();
  const auto target = *Target::from_work_bits(kBits);
  Job job = template_job(stamp_payload(target, tree.leaves(), tree.root()), target);
  job.version ^= 1;
  const auto found = software_runner().run(job, {});
  ASSERT_TRUE(found);
  const auto refused = stamp_from_share(tree, job, *found);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("version 20000001"));
}

TEST(StampTest, SoftwareGetsNoVersionBitsToRoll) {
  EXPECT_EQ(software_runner().version_mask(), 0u);
  EXPECT_TRUE(is_template(example()));
}

TEST(StampTest, AShareThatMissesTheTargetMakesNoStamp) {
  LyingRunner liar;
  const auto stamp = make_stamp(three_requests(), *Target::from_work_bits(32), liar);
  EXPECT_THAT(stamp.error().message, testing::HasSubstr("above the target"));
}

TEST(StampTest, NothingFoundBeforeTheDeadlineIsNoNonce) {
  const auto hard = *Target::from_work_bits(64);
  const auto late = make_stamp(three_requests(), hard, software_runner(),
                               std::chrono::steady_clock::now() - std::chrono::seconds(1));
  EXPECT_EQ(late.error().code, ErrorCode::kDeadlineExceeded);
  std::stop_source source;
  source.request_stop();
  const auto stopped =
      make_stamp(three_requests(), hard, software_runner(), Deadline::max(), source.get_token());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace calx::work
