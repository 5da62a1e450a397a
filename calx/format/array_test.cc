// Goal: an array never claims more elements than it holds.
// Method: laws over every dtype, and faults.
#include "calx/format/array.h"

#include <gmock/gmock.h>

#include <array>
#include <limits>

namespace calx::format {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ArrayTest, GivesBackTheValuesItWasMadeOf) {
  const std::vector<float> values = {1.0f, -2.0f, 0.5f};
  const Array array = make_array({3, 1}, values);
  EXPECT_EQ(array.dtype, Dtype::kF32);
  EXPECT_THAT(view<float>(array).value(), ElementsAre(1.0f, -2.0f, 0.5f));
}

TEST(ArrayTest, ReadsHalfFloatsAsTheirBits) {
  const std::vector<std::uint16_t> bits = {0x3c00, 0xbc00};
  const Array half = make_array({2}, bits, Dtype::kF16);
  const Array brain = make_array({2}, bits, Dtype::kBf16);
  EXPECT_THAT(view<std::uint16_t>(half).value(), ElementsAre(0x3c00, 0xbc00));
  EXPECT_THAT(view<std::uint16_t>(brain).value(), ElementsAre(0x3c00, 0xbc00));
  EXPECT_FALSE(view<std::int16_t>(half));
}

TEST(ArrayTest, RefusesAViewOfAnotherKindOrAWrongSize) {
  Array array = make_array({2}, std::vector<float>{1, 2});
  EXPECT_THAT(view<double>(array).error().message, HasSubstr("elements are F32, wanted F64"));
  array.bytes.pop_back();
  EXPECT_THAT(view<float>(array).error().message, HasSubstr("7 bytes, wanted 8"));
}

TEST(ArrayTest, CountsNoDimensionsAsOneElementAndAZeroAsNone) {
  EXPECT_EQ(element_count({}).value(), 1u);
  const std::array<std::uint64_t, 3> none = {4, 0, 5};
  EXPECT_EQ(byte_count(Dtype::kF64, none).value(), 0u);
}

TEST(ArrayTest, RefusesShapesThatOverflow) {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 32;
  const std::array<std::uint64_t, 2> elements = {kHalf, kHalf};
  EXPECT_EQ(element_count(elements).error().code, ErrorCode::kInvalidArgument);
  const std::array<std::uint64_t, 1> bytes = {std::numeric_limits<std::uint64_t>::max() / 4};
  EXPECT_TRUE(byte_count(Dtype::kU16, bytes));
  EXPECT_EQ(byte_count(Dtype::kF64, bytes).error().code, ErrorCode::kInvalidArgument);
  const std::vector<std::uint64_t> many(kDimensionsMax + 1, 1);
  EXPECT_THAT(element_count(many).error().message, HasSubstr("33 dimensions, wanted at most 32"));
}

TEST(ArrayTest, FindsByName) {
  const std::vector<NamedArray> arrays = {{"a", {}}, {"b", {}}};
  EXPECT_EQ(find(arrays, "b"), &arrays[1].array);
  EXPECT_EQ(find(arrays, "c"), nullptr);
}

}  // namespace
}  // namespace calx::format
