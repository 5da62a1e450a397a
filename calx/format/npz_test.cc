// Goal: read what np.savez writes; believe no size in an archive.
// Method: files of numpy 1.24.2, and one planted lie at a time in an archive built here.
#include "calx/format/npz.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "calx/format/corpus_test.h"
#include "calx/format/npy.h"

namespace calx::format {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

// Places in stored.npz, found from its end record.
struct Places {
  std::size_t end, directory, second_entry;
};

class NpzTest : public testing::Test {
 protected:
  void SetUp() override {
    zip_ = corpus_file("npz/stored.npz");
    ASSERT_GT(zip_.size(), 22u);
    places_.end = zip_.size() - 22;
    places_.directory = read(places_.end + 16, 4);
    places_.second_entry = places_.directory + 46 + read(places_.directory + 28, 2) +
                           read(places_.directory + 30, 2) + read(places_.directory + 32, 2);
  }

  [[nodiscard]] std::size_t read(std::size_t at, std::size_t bytes) const {
    std::size_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) value = value << 8 | zip_[at + i];
    return value;
  }

  void write(std::size_t at, std::size_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
      zip_[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
  }

  [[nodiscard]] Error refusal() const {
    const auto arrays = parse_npz(zip_);
    return arrays ? Error{ErrorCode::kInternal, "taken"} : arrays.error();
  }

  std::vector<std::uint8_t> zip_;
  Places places_{};
};

TEST_F(NpzTest, ReadsWhatNumpyStores) {
  const auto arrays = parse_npz(zip_).value();
  ASSERT_EQ(arrays.size(), 2u);
  EXPECT_EQ(arrays[0].name, "x");
  EXPECT_EQ(arrays[0].array, make_array({1, 2}, std::vector<float>{1, -2}));
  EXPECT_THAT(view<std::uint8_t>(*find(arrays, "y")).value(), ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(NpzTest, ReadsWhatNumpyDeflates) {
  const auto arrays = parse_npz(corpus_file("npz/deflated.npz")).value();
  const Array* const images = find(arrays, "images");
  ASSERT_NE(images, nullptr);
  EXPECT_THAT(images->shape, ElementsAre(4, 8, 8));
  EXPECT_THAT(images->bytes, Each(0));
  EXPECT_THAT(view<std::int32_t>(*find(arrays, "labels")).value(), ElementsAre(3, 1, 4, 1));
}

TEST_F(NpzTest, SkipsACommentAtTheEnd) {
  write(places_.end + 20, 3, 2);
  append(zip_, std::string_view("abc"));
  EXPECT_TRUE(parse_npz(zip_));
  zip_.push_back(0);
  EXPECT_THAT(refusal().message, HasSubstr("no end record"));
}

TEST_F(NpzTest, FindsAChangedByteByItsCrc) {
  zip_[places_.directory - 1] ^= 1;  // the last byte of y
  EXPECT_EQ(refusal().code, ErrorCode::kDataLoss);
  EXPECT_THAT(refusal().message, HasSubstr("CRC-32"));
}

TEST_F(NpzTest, LimitsTheInflatedBytesOfAllEntries) {
  EXPECT_TRUE(parse_npz(zip_, 136 + 133));
  EXPECT_EQ(parse_npz(zip_, 136 + 132).error().code, ErrorCode::kResourceExhausted);
}

TEST_F(NpzTest, RefusesADeflatedEntryThatIsLongerOrShorterThanAnnounced) {
  zip_ = corpus_file("npz/deflated.npz");
  const std::size_t end = zip_.size() - 22;
  const std::size_t size_at = read(end + 16, 4) + 24;
  const std::size_t size = read(size_at, 4);
  write(size_at, size - 1, 4);
  EXPECT_EQ(refusal().code, ErrorCode::kResourceExhausted);
  write(size_at, size + 1, 4);
  EXPECT_EQ(refusal().code, ErrorCode::kDataLoss);
}

TEST_F(NpzTest, RefusesZip64InOneSentence) {
  write(places_.directory + 24, 0xffffffff, 4);
  EXPECT_EQ(refusal().code, ErrorCode::kUnimplemented);
  EXPECT_THAT(refusal().message, HasSubstr("zip64"));
  SetUp();
  write(places_.end + 8, 0xffff, 2);
  write(places_.end + 10, 0xffff, 2);
  EXPECT_THAT(refusal().message, HasSubstr("zip64"));
}

TEST_F(NpzTest, RefusesEncryptionDisksAndOtherMethods) {
  write(places_.directory + 8, 1, 2);
  EXPECT_THAT(refusal().message, HasSubstr("encrypted"));
  SetUp();
  write(places_.directory + 10, 12, 2);
  EXPECT_THAT(refusal().message, HasSubstr("method 12"));
  SetUp();
  write(places_.end + 4, 1, 2);
  EXPECT_THAT(refusal().message, HasSubstr("disks"));
}

TEST_F(NpzTest, RefusesADirectoryThatContradictsItself) {
  write(places_.end + 16, places_.directory + 1, 4);
  EXPECT_THAT(refusal().message, HasSubstr("does not end at its end record"));
  SetUp();
  write(places_.directory, 0, 4);
  EXPECT_THAT(refusal().message, HasSubstr("unsigned"));
  SetUp();
  write(places_.directory + 28, 0xffff, 2);
  EXPECT_THAT(refusal().message, HasSubstr("cut short"));
  SetUp();
  write(places_.end + 8, 1, 2);
  write(places_.end + 10, 1, 2);
  EXPECT_THAT(refusal().message, HasSubstr("more than its entries"));
  SetUp();
  write(places_.end + 8, 5'000, 2);
  write(places_.end + 10, 5'000, 2);
  EXPECT_EQ(refusal().code, ErrorCode::kResourceExhausted);
}

TEST_F(NpzTest, RefusesTwoEntriesOfOneName) {
  zip_[places_.second_entry + 46] = 'x';
  EXPECT_THAT(refusal().message, HasSubstr("two entries"));
}

TEST_F(NpzTest, RefusesAnEntryWhoseLocalHeaderDisagrees) {
  write(places_.directory + 42, 1, 4);
  EXPECT_THAT(refusal().message, HasSubstr("no local header"));
  SetUp();
  zip_[30] = 'z';  // the name in the first local header
  EXPECT_THAT(refusal().message, HasSubstr("another name"));
  SetUp();
  write(places_.directory + 20, places_.directory, 4);
  EXPECT_THAT(refusal().message, HasSubstr("past the end"));
}

TEST_F(NpzTest, RefusesWhatIsNoNpyInside) {
  zip_[places_.directory + 46 + 2] = 'N';  // "x.Npy"
  EXPECT_THAT(refusal().message, HasSubstr("is no .npy"));
}

TEST_F(NpzTest, RefusesEveryCut) {
  for (std::size_t size = 0; size < zip_.size(); ++size) {
    ASSERT_FALSE(parse_npz(std::span(zip_).first(size))) << size;
  }
}

}  // namespace
}  // namespace calx::format
