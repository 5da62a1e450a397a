// Goal: MNIST's files as they are downloaded.
// Method: hand-made files of each kind, the published ones when present, and faults.
#include "calx/format/idx.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "calx/format/corpus_test.h"

namespace calx::format {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(IdxTest, ReadsImagesAndLabels) {
  const auto images = parse_idx(corpus_file("idx/images.idx")).value();
  EXPECT_THAT(images.shape, ElementsAre(2, 3, 3));
  EXPECT_EQ(images.bytes[17], 17);
  const auto labels = parse_idx(corpus_file("idx/labels.idx")).value();
  EXPECT_THAT(view<std::uint8_t>(labels).value(), ElementsAre(7, 2, 1, 0));
}

TEST(IdxTest, ReadsTheSameBehindGzip) {
  EXPECT_EQ(parse_idx(corpus_file("idx/images.idx.gz")).value(),
            parse_idx(corpus_file("idx/images.idx")).value());
}

TEST(IdxTest, ReadsTwoGzipMembersAsOneStream) {
  auto twice = corpus_file("idx/images.idx.gz");
  append(twice, corpus_file("idx/images.idx.gz"));
  EXPECT_THAT(parse_idx(twice).error().message, HasSubstr("52 bytes of data, wanted 18"));
}

TEST(IdxTest, TurnsBigEndianFloatsRound) {
  const auto floats = parse_idx(corpus_file("idx/floats.idx")).value();
  EXPECT_THAT(view<float>(floats).value(), ElementsAre(1.0f, -2.0f));
}

TEST(IdxTest, RefusesABadMagicKindOrShape) {
  auto bytes = corpus_file("idx/labels.idx");
  bytes[0] = 1;
  EXPECT_THAT(parse_idx(bytes).error().message, HasSubstr("two zeros"));
  bytes = corpus_file("idx/labels.idx");
  bytes[2] = 0x0a;
  EXPECT_THAT(parse_idx(bytes).error().message, HasSubstr("0x0a"));
  bytes = corpus_file("idx/labels.idx");
  bytes[3] = 0;
  EXPECT_THAT(parse_idx(bytes).error().message, HasSubstr("0 dimensions"));
  bytes[3] = 200;
  EXPECT_THAT(parse_idx(bytes).error().message, HasSubstr("200 dimensions"));
  bytes[3] = 30;
  EXPECT_EQ(parse_idx(bytes).error().code, ErrorCode::kDataLoss);
}

TEST(IdxTest, RefusesTooFewAndTooManyBytes) {
  auto bytes = corpus_file("idx/labels.idx");
  bytes.pop_back();
  EXPECT_EQ(parse_idx(bytes).error().code, ErrorCode::kDataLoss);
  bytes.insert(bytes.end(), 2, 0);
  EXPECT_EQ(parse_idx(bytes).error().code, ErrorCode::kDataLoss);
}

TEST(IdxTest, FindsDamageInAGzipStream) {
  const auto whole = corpus_file("idx/images.idx.gz");
  for (std::size_t size = 2; size < whole.size(); ++size) {
    ASSERT_EQ(parse_idx(std::span(whole).first(size)).error().code, ErrorCode::kDataLoss) << size;
  }
  auto wrong = whole;
  wrong[wrong.size() - 8] ^= 1;  // its CRC-32
  EXPECT_EQ(parse_idx(wrong).error().code, ErrorCode::kDataLoss);
}

TEST(IdxTest, StopsInflatingAtTheLimit) {
  EXPECT_TRUE(parse_idx(corpus_file("idx/images.idx.gz"), 34));
  EXPECT_EQ(parse_idx(corpus_file("idx/images.idx.gz"), 33).error().code,
            ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace calx::format
