// Goal: the bytes that real chips speak.
// Method: vectors: a captured share from job to hash, and every literal frame that is known; law:
// replies survive encoding for every kind; faults: garbage, cut and flipped bytes in a stream.
#include "calx/device/bm13xx_frame.h"

#include <gtest/gtest.h>

#include <random>

#include "calx/base/hex.h"
#include "calx/device/golden_share.h"

namespace calx::device {
namespace {

const Bm13xxKind& kGamma = kind_of(Bm13xx::kBm1370);

TEST(Bm13xxFrameTest, TheCapturedShareIsRebuiltByteForByte) {
  work::BlockHeader header = golden_header();
  EXPECT_EQ(to_hex(work::encode(header)), kGoldenHeader);
  EXPECT_EQ(work::display_hash(work::block_hash(work::encode(header))), kGoldenHash);
  work::BlockHeader job = header;
  job.version = kGoldenVersion;
  EXPECT_EQ(to_hex(full_header_job(kGoldenJobId, job)), kGoldenJobFrame);

  const auto reply = parse_reply(kGamma, *from_hex(kGoldenReply));
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_TRUE(reply->nonce);
  EXPECT_EQ(reply->nonce->nonce, header.nonce);
  EXPECT_EQ(reply->nonce->job_id, kGoldenJobId);
  EXPECT_EQ(reply->nonce->small_core, 2u);
  EXPECT_EQ(reply->nonce->core, 38u);
  EXPECT_EQ(reply->nonce->version_bits, kGoldenVersionBits);
  EXPECT_EQ(reply->nonce->excess, 12);
  EXPECT_EQ(to_hex(encode_reply(kGamma, *reply)).substr(0, 20), kGoldenReply.substr(0, 20));
}

TEST(Bm13xxFrameTest, CommandsAreTheLiteralFrames) {
  EXPECT_EQ(to_hex(read_all(0x00)), "55aa520500000a");
  EXPECT_EQ(to_hex(read_all(0x8c)), "55aa5205008c1d");
  EXPECT_EQ(to_hex(read_all(0x4c)), "55aa5205004c14");
  EXPECT_EQ(to_hex(chain_inactive()), "55aa5305000003");
  EXPECT_EQ(to_hex(set_address(0x00)), "55aa400500001c");
  EXPECT_EQ(to_hex(set_address(0x08)), "55aa4005080007");
  EXPECT_EQ(to_hex(write_one(0, 0x2c, {0x00, 0x7c, 0x00, 0x03})), "55aa4109002c007c000303");
  EXPECT_EQ(to_hex(write_all(0x28, {0x11, 0x30, 0x02, 0x00})),
            "55aa51090028113002000"
            "3");
}

struct LiteralReply {
  std::string_view bytes;
  Bm13xx chip;
};

TEST(Bm13xxFrameTest, ChipIdRepliesSayWhichChipAnswers) {
  for (const auto& [bytes, chip] : {LiteralReply{"aa55136600000000000005", Bm13xx::kBm1366},
                                    LiteralReply{"aa5513680000000000000f", Bm13xx::kBm1368},
                                    LiteralReply{"aa55137000000000000010", Bm13xx::kBm1370}}) {
    const auto reply = parse_reply(kind_of(chip), *from_hex(bytes));
    ASSERT_TRUE(reply && reply->reg) << bytes;
    EXPECT_EQ(reply->reg->value[0] << 8 | reply->reg->value[1], kind_of(chip).chip_id);
    EXPECT_EQ(to_hex(encode_reply(kind_of(chip), *reply)), bytes);
  }
  const auto reg = parse_reply(kind_of(Bm13xx::kBm1397), *from_hex("aa550000c100001802"));
  ASSERT_TRUE(reg && reg->reg);
  EXPECT_EQ(reg->reg->reg, 0x18);
  EXPECT_EQ(reg->reg->value, (RegisterValue{0x00, 0x00, 0xc1, 0x00}));
}

TEST(Bm13xxFrameTest, CapturedNoncesAreTakenApart) {
  const auto a = parse_reply(kGamma, *from_hex("aa551800a640029922f991"));
  ASSERT_TRUE(a && a->nonce);
  EXPECT_EQ(a->nonce->nonce, 0x40a60018u);
  EXPECT_EQ(a->nonce->core, 0x0cu);
  EXPECT_EQ(a->nonce->job_id, 0x48);
  EXPECT_EQ(a->nonce->small_core, 9u);
  EXPECT_EQ(a->nonce->excess, 2);
  // A BM1362, whose replies are read as those of a BM1366.
  const auto b = parse_reply(kind_of(Bm13xx::kBm1366), *from_hex("aa556db88ee10104035494"));
  ASSERT_TRUE(b && b->nonce);
  EXPECT_EQ(b->nonce->nonce, 0xe18eb86du);
  EXPECT_EQ(b->nonce->core, 0x36u);
  EXPECT_EQ(b->nonce->address & 0xfe, 0xdcu) << "address 6E in steps of two";
}

TEST(Bm13xxFrameTest, EveryReplySurvivesEncodingForEveryKind) {
  std::mt19937 rng(1366);
  for (const Bm13xxKind& kind : bm13xx_kinds()) {
    for (int i = 0; i < 200; ++i) {
      NonceReply nonce{.nonce = static_cast<std::uint32_t>(rng()),
                       .job_id = static_cast<std::uint8_t>(rng() % 16 * kind.job_step % kJobIds),
                       .small_core = static_cast<unsigned>(rng()) & kind.small_core_mask,
                       .excess = static_cast<std::uint8_t>(rng())};
      if (kind.form == JobForm::kFullHeader) {
        nonce.version_bits = static_cast<std::uint32_t>(rng() & 0xffffu) << 13;
      }
      const auto bytes = encode_reply(kind, {.nonce = nonce});
      ASSERT_EQ(bytes.size(), kind.reply_bytes);
      const auto again = parse_reply(kind, bytes);
      ASSERT_TRUE(again && again->nonce);
      EXPECT_EQ(again->nonce->nonce, nonce.nonce);
      EXPECT_EQ(again->nonce->job_id, nonce.job_id) << kind.name;
      EXPECT_EQ(again->nonce->small_core, nonce.small_core);
      EXPECT_EQ(again->nonce->version_bits, nonce.version_bits);
      EXPECT_EQ(again->nonce->excess, nonce.excess);
    }
  }
}

TEST(Bm13xxFrameTest, AMidstateJobHasTheStatesOfItsVersionsFromTheLastWordBack) {
  const work::BlockHeader header = golden_header();
  const std::uint32_t versions[] = {header.version, 0x20002000, 0x20004000, 0x20006000};
  const auto frame = midstate_job(4, header, versions);
  ASSERT_EQ(frame.size(), 152u);
  EXPECT_EQ(frame[3], 0x96);
  EXPECT_EQ(to_hex(std::span(frame).subspan(4, 2)), "0404");
  EXPECT_EQ(to_hex(std::span(frame).subspan(18, 4)), kGoldenHeader.substr(128, 8))
      << "the last word of the root";
  // The state of the golden header as its little-endian words, last word of the frame first.
  EXPECT_EQ(to_hex(std::span(frame).subspan(50, 4)), "cc118b7e");
  EXPECT_EQ(to_hex(std::span(frame).subspan(22, 4)), "fb3bdea4");
}

TEST(Bm13xxFrameTest, AStreamIsFoundAgainAfterGarbage) {
  std::mt19937 rng(55);
  Bytes stream;
  std::size_t garbage = 0;
  const Bytes golden = *from_hex(kGoldenReply);
  for (int i = 0; i < 50; ++i) {
    for (std::size_t n = rng() % 30; n > 0; --n, ++garbage) {
      stream.push_back(static_cast<std::uint8_t>(rng() % 0xa0));  // no preamble by chance
    }
    stream.insert(stream.end(), golden.begin(), golden.end());
  }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, stream.size()}) {
    Bm13xxReplyStream replies(kGamma);
    int found = 0;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      replies.push(std::span(stream).subspan(at, std::min(piece, stream.size() - at)));
      while (const auto reply = replies.next()) {
        ASSERT_TRUE(reply->nonce);
        EXPECT_EQ(reply->nonce->nonce, 0x7552034cu);
        ++found;
      }
    }
    EXPECT_EQ(found, 50) << piece;
    EXPECT_EQ(replies.bytes_skipped(), garbage);
  }
}

TEST(Bm13xxFrameTest, AFlippedBitCostsOneReplyAndNoMore) {
  const Bytes golden = *from_hex(kGoldenReply);
  for (std::size_t bit = 0; bit < 8 * golden.size(); ++bit) {
    Bytes stream = golden;
    stream[bit / 8] = static_cast<std::uint8_t>(stream[bit / 8] ^ 1u << bit % 8);
    stream.insert(stream.end(), golden.begin(), golden.end());
    Bm13xxReplyStream replies(kGamma);
    replies.push(stream);
    ASSERT_TRUE(replies.next()) << bit;
    EXPECT_FALSE(replies.next()) << bit;
  }
}

TEST(Bm13xxFrameTest, AChipHearsEveryCommandAndNothingElse) {
  Bytes stream = {0x55, 0x55, 0xaa, 0x00};
  for (const Bytes& frame :
       {read_all(0), chain_inactive(), set_address(8), write_all(0x14, {0, 0, 0, 0xff}),
        write_one(8, 0x3c, {1, 2, 3, 4}), full_header_job(8, golden_header())}) {
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  Bytes wrong = set_address(16);
  wrong.back() ^= 1;
  stream.insert(stream.end(), wrong.begin(), wrong.end());
  Bm13xxCommandStream commands;
  commands.push(stream);
  using Kind = Bm13xxCommand::Kind;
  for (const Kind kind :
       {Kind::kRead, Kind::kInactive, Kind::kSetAddress, Kind::kWrite, Kind::kWrite, Kind::kJob}) {
    const auto command = commands.next();
    ASSERT_TRUE(command);
    EXPECT_EQ(command->kind, kind);
  }
  EXPECT_FALSE(commands.next());
}

}  // namespace
}  // namespace calx::device
