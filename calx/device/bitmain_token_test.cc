// Goal: the packets of Antminer S1 and S3, as far as they can be known without one.
// Method: vectors: the packets computed from a real header, and a heartbeat that an S3 really sent;
// the packets of a program that never got an answer, refused; laws: what is encoded is read back in
// both dialects and flag orders; faults: flipped bits and garbage in a stream.
#include "calx/device/bitmain_token.h"

#include <gtest/gtest.h>

#include <random>

#include "calx/base/hex.h"
#include "calx/device/golden_share.h"

namespace calx::device {
namespace {

constexpr TokenDialect kS3{BitmainKind::kS3, FlagOrder::kLowFirst};
constexpr TokenDialect kS1{BitmainKind::kS1, FlagOrder::kLowFirst};
constexpr TokenDialect kDialects[] = {
    kS3, kS1, {BitmainKind::kS3, FlagOrder::kHighFirst}, {BitmainKind::kS1, FlagOrder::kHighFirst}};

TokenTask golden_task() {
  return {.new_block = true, .works = {token_work(1, work::encode(golden_header()))}};
}

TEST(BitmainTokenTest, TheGoldenHeaderBecomesTheGoldenTask) {
  EXPECT_EQ(to_hex(token_work(1, work::encode(golden_header())).tail), "cba71955685468d717023a04");
  EXPECT_EQ(
      to_hex(encode(kS3, golden_task())),
      "5200360001000000010000007e8b11cc7c8fb55639b96de6fb20f8a2b4c481eed66dba1b7d5f0664a4de3bfb"
      "cba71955685468d717023a048f8e");
  const auto other = encode({BitmainKind::kS3, FlagOrder::kHighFirst}, golden_task());
  EXPECT_EQ(other[4], 0x80);
  EXPECT_EQ(to_hex(std::span(other).last(2)), "ed51");
}

TEST(BitmainTokenTest, NoncesAndHeartbeatsAreRead) {
  const auto answer =
      parse_answer(kS3, *from_hex("a2001600640000000100000000000000010000007552034c0897"));
  ASSERT_TRUE(answer && answer->nonces) << answer.error().message;
  EXPECT_EQ(answer->nonces->fifo_space, 100u);
  EXPECT_EQ(answer->nonces->total, 1u);
  ASSERT_EQ(answer->nonces->nonces.size(), 1u);
  EXPECT_EQ(answer->nonces->nonces[0].work_id, 1u);
  EXPECT_EQ(answer->nonces->nonces[0].nonce, golden_header().nonce);
  EXPECT_EQ(to_hex(encode(kS3, *answer->nonces)),
            "a2001600640000000100000000000000010000007552034c0897");
  const auto idle = parse_answer(kS3, *from_hex("a2000e00640000000100000000000000f8a4"));
  ASSERT_TRUE(idle && idle->nonces);
  EXPECT_TRUE(idle->nonces->nonces.empty());
  // Caught from an Antminer S3: guiperry/HASHER, docs/BITMAIN-PROTOCOL.md.
  const auto caught = parse_answer(kS3, *from_hex("a2000e00ff00000000000000000000001f32"));
  ASSERT_TRUE(caught && caught->nonces);
  EXPECT_EQ(caught->nonces->fifo_space, 255u);
  EXPECT_EQ(caught->nonces->total, 0u);
}

TEST(BitmainTokenTest, TheStatusRequestIsTheGoldenOne) {
  EXPECT_EQ(to_hex(encode(kS3, TokenStatusRequest{.detect_get = true})),
            "53000800020000000000830d");
}

// Check sums are right in all three; sizes are not, and a kernel driver drops them in silence.
TEST(BitmainTokenTest, PacketsThatNeverGotAnAnswerAreRefused) {
  for (const std::string_view text : {"53000c0000000000000000000000e842",
                                      "510018001e0000000820602dfa00050a000000000000000000008695",
                                      "52002f0001000102030405060708090a0b0c0d0e0f101112131415161718"
                                      "191a1b1c1d1e1ffffefdfcfbfaf9f8f7"
                                      "f6f5f4724f"}) {
    EXPECT_EQ(parse_order(kS3, *from_hex(text)).error().code, ErrorCode::kDataLoss) << text;
  }
}

TEST(BitmainTokenTest, EveryOrderSurvivesEncodingInEveryDialect) {
  for (const TokenDialect dialect : kDialects) {
    const TokenConfig config{.flags = {.reset = true, .frequency = true, .chip_config = true},
                             .chain_check_time = 9,
                             .chains = 32,
                             .chips = 8,
                             .fan_percent = 98,
                             .timeout = 16,
                             .mhz = 250,
                             .voltage = {9, 0x82},
                             .reg_data = {1, 2, 3, 4},
                             .chip = 5,
                             .reg = 4};
    const auto bytes = encode(dialect, config);
    EXPECT_EQ(bytes.size(), dialect.kind == BitmainKind::kS3 ? 24u : 20u);
    const auto order = parse_order(dialect, bytes);
    ASSERT_TRUE(order && order->config);
    EXPECT_TRUE(order->config->flags.reset && order->config->flags.frequency &&
                order->config->flags.chip_config && !order->config->flags.fan);
    EXPECT_EQ(order->config->mhz, 250);
    EXPECT_EQ(order->config->chains, 32);
    EXPECT_EQ(order->config->chain_check_time, 9);
    EXPECT_EQ(order->config->reg_data, config.reg_data);
    EXPECT_EQ(order->config->reg, 4);

    const auto task = parse_order(dialect, encode(dialect, golden_task()));
    ASSERT_TRUE(task && task->task);
    EXPECT_TRUE(task->task->new_block);
    EXPECT_EQ(task->task->works[0].midstate, golden_task().works[0].midstate);
    EXPECT_EQ(task->task->works[0].tail, golden_task().works[0].tail);
    const auto request =
        parse_order(dialect, encode(dialect, TokenStatusRequest{.detect_get = true}));
    ASSERT_TRUE(request && request->request);
    EXPECT_TRUE(request->request->detect_get && !request->request->chip_status);
  }
}

TEST(BitmainTokenTest, EveryAnswerSurvivesEncodingAndAFlippedBitNeverDoes) {
  for (const TokenDialect dialect : kDialects) {
    const TokenStatus status{.fifo_space = 77,
                             .hw_version = {3, 0, 0, 0},
                             .nonce_errors = 12,
                             .reg_value = 0xdeadbeef,
                             .chips = {8, 7},
                             .celsius = {38, -4},
                             .fans = {60, 61, 62}};
    auto bytes = encode(dialect, status);
    if (dialect.kind == BitmainKind::kS1) {
      EXPECT_EQ(bytes.size(), 22u + 5 * 2 + 2 + 3);
    }
    const auto answer = parse_answer(dialect, bytes);
    ASSERT_TRUE(answer && answer->status) << answer.error().message;
    EXPECT_EQ(answer->status->fifo_space, 77u);
    EXPECT_EQ(answer->status->nonce_errors, 12u);
    EXPECT_EQ(answer->status->reg_value, 0xdeadbeefu);
    EXPECT_EQ(answer->status->chips, status.chips);
    EXPECT_EQ(answer->status->celsius, status.celsius);
    EXPECT_EQ(answer->status->fans, status.fans);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1u << bit % 8);
      EXPECT_FALSE(parse_answer(dialect, bytes)) << bit;
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1u << bit % 8);
    }
  }
}

TEST(BitmainTokenTest, AStreamIsFoundAgainAfterGarbage) {
  std::mt19937 rng(3);
  for (const TokenDialect dialect : {kS3, kS1}) {
    const TokenNonces nonces{.fifo_space = 9, .nonces = {{.work_id = 5, .nonce = 6}}};
    const auto packet = encode(dialect, nonces);
    TokenBytes bytes;
    for (int i = 0; i < 30; ++i) {
      for (std::size_t n = rng() % 20; n > 0; --n)
        bytes.push_back(static_cast<std::uint8_t>(rng() % 0xa0));
      bytes.insert(bytes.end(), packet.begin(), packet.end());
    }
    TokenStream stream(dialect);
    int found = 0;
    for (const std::uint8_t byte : bytes) {
      stream.push(std::span(&byte, 1));
      while (const auto answer = stream.next()) {
        ASSERT_TRUE(answer->nonces);
        EXPECT_EQ(answer->nonces->nonces.at(0).nonce, 6u);
        ++found;
      }
    }
    EXPECT_EQ(found, 30);
  }
}

}  // namespace
}  // namespace calx::device
