// Goal: a share is judged as miners and pools judge it, byte order included.
// Method: vector test: a measured Stratum V1 share with one merkle branch and version rolling, each
// intermediate value, and six variants that must be accepted or refused; and an image of another
// project whose header was found by a real miner.
#include "calx/work/share.h"

#include <gmock/gmock.h>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"
#include "calx/work/coinbase.h"

namespace calx::work {
namespace {

std::vector<std::uint8_t> bytes(std::string_view digits) { return from_hex(digits).value(); }

hash::Digest digest(std::string_view digits) {
  hash::Digest out{};
  EXPECT_TRUE(from_hex(digits, out));
  return out;
}

hash::Digest example_commitment() {
  const auto nonce = bytes("00112233445566778899aabbccddeeff");
  return hash::Sha256().update("calx-example-request-1").update(nonce).finish();
}

Job example_job() {
  Job job = template_job(example_commitment(), *Target::from_difficulty(0.0009765625));
  job.branches = {digest("0bdb36e25789818635ef68c08feb67d26b139162b219f13150f1da5b4242a224")};
  job.previous_hash = *parse_stratum_previous_hash(
      "30876c8ca059900ab3433f2b5df96bfffd1b46c400000aa00000000000000000");
  job.version_mask = kVersionMask;
  return job;
}

Share example_share() {
  return {.extranonce_1 = bytes("ca1c0001"),
          .extranonce_2 = bytes("0100000000000000"),
          .ntime = 0x68e00000,
          .nonce = 0x0005ff78,
          .version_bits = 0x00006000};
}

TEST(ShareTest, TheTemplateIsTheCoinbaseOfTheWorkedExample) {
  const Job job = example_job();
  EXPECT_TRUE(check(job));
  EXPECT_EQ(to_hex(example_commitment()),
            "4606d8ecd40e6ed35c43666bf2086f8feb56ee9ed4d11d7db563f6727975ff30");
  EXPECT_EQ(to_hex(job.coinbase_part_1),
            "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff1603"
            "40d10c2f63616c782f");
  EXPECT_EQ(to_hex(job.coinbase_part_2),
            "ffffffff02000000000000000001510000000000000000226a204606d8ecd40e6ed35c43666bf2086f8feb"
            "56ee9ed4d11d7db563f6727975ff3000000000");
  EXPECT_EQ(job.version, 0x20000000u);
  EXPECT_EQ(job.nbits, 0x17023a04u);
  EXPECT_EQ(job.ntime, 0x68e00000u);
}

TEST(ShareTest, EveryStepOfTheWorkedExampleIsAsMeasured) {
  const Job job = example_job();
  const Share share = example_share();
  const auto txid = coinbase_txid(job.coinbase_part_1, share.extranonce_1, share.extranonce_2,
                                  job.coinbase_part_2);
  EXPECT_EQ(to_hex(txid), "ad71c47ed1fa5cb13ad891ee0919059202337d7522a076eed4f94fdf1fd6f940");
  EXPECT_EQ(to_hex(merkle_root(txid, job.branches)),
            "295e7587e589c5c1a3928c237d77c7ef07853186072b1bb3e398f999a8095d80");
  EXPECT_EQ(display_hash(job.previous_hash),
            "000000000000000000000aa0fd1b46c45df96bffb3433f2ba059900a30876c8c");
  EXPECT_EQ(stratum_previous_hash(job.previous_hash),
            "30876c8ca059900ab3433f2b5df96bfffd1b46c400000aa00000000000000000");

  const CheckedShare checked = check_share(job, share);
  EXPECT_EQ(checked.verdict, ShareVerdict::kAccepted);
  EXPECT_EQ(to_hex(encode(checked.header)),
            "006000208c6c87300a9059a02b3f43b3ff6bf95dc4461bfda00a00000000000000000000295e7587e589c5"
            "c1a3928c237d77c7ef07853186072b1bb3e398f999a8095d800000e068043a021778ff0500");
  EXPECT_EQ(to_hex(checked.hash),
            "626afaa9d13612349bf3367ae38004bff3270da4ef5c0d87d64b5bd892000000");
  EXPECT_NEAR(share_difficulty(checked.hash), 0.00680979105133603, 1e-17);
}

TEST(ShareTest, TheNextNonceIsAboveTheTarget) {
  Share share = example_share();
  share.nonce = 0x0005ff79;
  const auto checked = check_share(example_job(), share);
  EXPECT_EQ(checked.verdict, ShareVerdict::kAboveTarget);
  EXPECT_EQ(display_hash(checked.hash).substr(0, 16), "b04c2896559a5f3f");
}

TEST(ShareTest, WithoutTheVersionBitsItIsAboveTheTarget) {
  Share share = example_share();
  share.version_bits = 0;
  const auto checked = check_share(example_job(), share);
  EXPECT_EQ(checked.verdict, ShareVerdict::kAboveTarget);
  EXPECT_EQ(display_hash(checked.hash).substr(0, 16), "25d28d05877a73ba");
}

TEST(ShareTest, ANonceInTheWrongByteOrderIsAboveTheTarget) {
  Share share = example_share();
  share.nonce = 0x78ff0500;
  const auto checked = check_share(example_job(), share);
  EXPECT_EQ(checked.verdict, ShareVerdict::kAboveTarget);
  EXPECT_EQ(display_hash(checked.hash).substr(0, 16), "8ca83d36d052bda0");
}

TEST(ShareTest, AnUnpaddedNonceIsTheSameNonce) {
  EXPECT_EQ(parse_nonce("5ff78").value(), 0x0005ff78u);
  EXPECT_EQ(parse_nonce("0005ff78").value(), 0x0005ff78u);
  for (const char* bad : {"", "123456789", "-1", "0x12", "12 "}) {
    EXPECT_EQ(parse_nonce(bad).error().code, ErrorCode::kInvalidArgument) << bad;
  }
}

TEST(ShareTest, WhatTheJobDoesNotAllowIsMalformed) {
  const auto verdict = [](auto&& change) {
    Share share = example_share();
    change(share);
    return check_share(example_job(), share).verdict;
  };
  EXPECT_EQ(verdict([](Share& s) { s.version_bits = 0x00007001; }), ShareVerdict::kMalformed);
  EXPECT_EQ(verdict([](Share& s) { s.extranonce_2 = bytes("01000000"); }),
            ShareVerdict::kMalformed);
  EXPECT_EQ(verdict([](Share& s) { s.extranonce_1 = bytes("ca1c"); }), ShareVerdict::kMalformed);
  EXPECT_EQ(verdict([](Share& s) { s.ntime -= 1; }), ShareVerdict::kMalformed);
  EXPECT_EQ(verdict([](Share& s) { s.ntime += kRollSecondsMax + 1; }), ShareVerdict::kMalformed);
}

TEST(ShareTest, AJobOutsideItsLimitsIsNamed) {
  const auto message = [](auto&& change) {
    Job job = example_job();
    change(job);
    return check(job).error().message;
  };
  EXPECT_THAT(message([](Job& j) { j.coinbase_part_2[0] = 0; }), testing::HasSubstr("part 2"));
  EXPECT_THAT(message([](Job& j) { j.coinbase_part_1[41] ^= 1; }), testing::HasSubstr("script"));
  EXPECT_THAT(message([](Job& j) { j.coinbase_part_1[0] = 2; }), testing::HasSubstr("null input"));
  EXPECT_THAT(message([](Job& j) { j.branches.resize(33); }), testing::HasSubstr("33 branches"));
  EXPECT_THAT(message([](Job& j) { j.version |= 0x2000; }), testing::HasSubstr("mask"));
  EXPECT_THAT(message([](Job& j) { j.extranonce2_bytes = 17; }), testing::HasSubstr("extranonce"));
}

// A PNG signed by a BM1387 in another project (about 1.5e12 hashes): only the header is ours to
// read.
TEST(ShareTest, AHeaderFoundByARealMinerReachesItsDifficulty) {
  hash::Header header{};
  ASSERT_TRUE(
      from_hex("00000020bdef966be056caeaadd552820232596c988af60f6bb5ae12a707a3566dd1b23d"
               "a8dc26c7b3bb55638a82d61268330e1d7558bcf8c5e9b556b8a43b97807ba9a9"
               "5ec36469ffff001d693ff293",
               header));
  const auto hash = block_hash(header);
  EXPECT_EQ(display_hash(hash), "0000000000becc6c0454007d5f8dc4947a6845135b8de50bd9de7da746255c9a");
  EXPECT_NEAR(share_difficulty(hash), 343.4775012846037, 1e-12);
  EXPECT_TRUE(Target::from_difficulty(343, 1)->met_by(hash));
  EXPECT_FALSE(Target::from_difficulty(344, 1)->met_by(hash));
}

}  // namespace
}  // namespace calx::work
