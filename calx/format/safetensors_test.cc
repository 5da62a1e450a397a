// Goal: what the reference reader refuses is refused here, and what its writer writes comes out
// byte for byte.
// Method: the published vector, a file of every size of element, and each attack on the header.
#include "calx/format/safetensors.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "calx/format/corpus_test.h"

namespace calx::format {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::uint8_t> file_of(std::string_view header, std::size_t data_bytes) {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 8; ++i) {
    bytes.push_back(static_cast<std::uint8_t>(std::uint64_t{header.size()} >> (8 * i)));
  }
  append(bytes, header);
  bytes.insert(bytes.end(), data_bytes, 0);
  return bytes;
}

Error refusal(std::string_view header, std::size_t data_bytes = 0) {
  const auto file = parse_safetensors(file_of(header, data_bytes));
  return file ? Error{ErrorCode::kInternal, "taken"} : file.error();
}

std::string tensor(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return "{\"dtype\":\"" + std::string(dtype) + "\",\"shape\":" + std::string(shape) +
         ",\"data_offsets\":" + std::string(offsets) + "}";
}

std::vector<std::string> names(const Safetensors& file) {
  std::vector<std::string> result;
  for (const NamedArray& entry : file.tensors) result.push_back(entry.name);
  return result;
}

// Vector: tensor x = float32 [1, -2], 72 bytes; SHA-256 of the file a1d48823...67b6a.
TEST(SafetensorsTest, WritesTheVector) {
  const Safetensors file{{{"x", make_array({2}, std::vector<float>{1.0f, -2.0f})}}, {}};
  const auto bytes = encode_safetensors(file).value();
  EXPECT_EQ(bytes, corpus_file("safetensors/f32.safetensors"));
  EXPECT_EQ(parse_safetensors(bytes).value(), file);
}

TEST(SafetensorsTest, ReadsAndWritesBackAMixedFile) {
  const auto bytes = corpus_file("safetensors/mixed.safetensors");
  auto file = parse_safetensors(bytes).value();
  EXPECT_THAT(names(file), ElementsAre("ids", "one", "a.weight", "b", "a.bias", "none", "mask"));
  EXPECT_EQ(file.metadata.at("format"), "np \u20ac \"q\"\n");
  EXPECT_THAT(view<std::int64_t>(*find(file.tensors, "ids")).value(), ElementsAre(-1, 7));
  EXPECT_THAT(view<double>(*find(file.tensors, "one")).value(), ElementsAre(2.5));
  EXPECT_THAT(view<std::uint16_t>(*find(file.tensors, "b")).value(), ElementsAre(0x3f80));
  std::ranges::reverse(file.tensors);
  EXPECT_EQ(encode_safetensors(file).value(), bytes) << "order in memory must not show";
}

TEST(SafetensorsTest, EveryDtypeSurvivesTheRoundTripAndIsAligned) {
  Safetensors file;
  for (int i = 0; i < 16; ++i) {
    const auto dtype = static_cast<Dtype>(i);
    Array array{dtype, {3}, {}};
    for (std::uint64_t k = 0; k < 3 * element_bytes(dtype); ++k) {
      array.bytes.push_back(static_cast<std::uint8_t>(16 * i + static_cast<int>(k)));
    }
    file.tensors.push_back({std::string(to_string(dtype)), array});
  }
  const auto bytes = encode_safetensors(file).value();
  const auto again = parse_safetensors(bytes).value();
  ASSERT_EQ(again.tensors.size(), 16u);
  std::size_t at = 0;
  for (const NamedArray& entry : again.tensors) {
    EXPECT_EQ(entry.array, *find(file.tensors, entry.name)) << entry.name;
    EXPECT_EQ(at % element_bytes(entry.array.dtype), 0u) << entry.name;
    at += entry.array.bytes.size();
  }
}

TEST(SafetensorsTest, TakesPaddingAfterTheHeaderAndNothingElse) {
  EXPECT_EQ(refusal("{}   ").message, "taken");
  EXPECT_THAT(refusal(" {}").message, HasSubstr("start with '{'"));
  EXPECT_EQ(refusal("{} x").code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refusal("[]").message, HasSubstr("start with '{'"));
}

TEST(SafetensorsTest, RefusesALengthThatLies) {
  EXPECT_EQ(parse_safetensors(to_bytes("abc")).error().code, ErrorCode::kInvalidArgument);
  auto bytes = file_of("{}", 0);
  bytes[0] = 3;
  EXPECT_EQ(parse_safetensors(bytes).error().code, ErrorCode::kDataLoss);
  bytes[3] = 2;  // 32 MiB
  EXPECT_EQ(parse_safetensors(bytes).error().code, ErrorCode::kResourceExhausted);
  bytes[7] = 0xff;
  EXPECT_THAT(parse_safetensors(bytes).error().message, HasSubstr("at most 100000000"));
}

TEST(SafetensorsTest, RefusesHolesOverlapsAndTrailingBytes) {
  const auto two = [](std::string_view a, std::string_view b) {
    return "{\"a\":" + tensor("U8", "[2]", a) + ",\"b\":" + tensor("U8", "[2]", b) + "}";
  };
  EXPECT_EQ(refusal(two("[0,2]", "[2,4]"), 4).message, "taken");
  EXPECT_THAT(refusal(two("[0,2]", "[3,5]"), 5).message, HasSubstr("starts at byte 3, wanted 2"));
  EXPECT_THAT(refusal(two("[0,2]", "[0,2]"), 2).message, HasSubstr("starts at byte 0, wanted 2"));
  EXPECT_THAT(refusal(two("[1,3]", "[3,5]"), 5).message, HasSubstr("starts at byte 1, wanted 0"));
  EXPECT_EQ(refusal(two("[0,2]", "[2,4]"), 5).code, ErrorCode::kDataLoss);
  EXPECT_EQ(refusal(two("[0,2]", "[2,4]"), 3).code, ErrorCode::kDataLoss);
  EXPECT_EQ(refusal("{}", 1).code, ErrorCode::kDataLoss);
}

TEST(SafetensorsTest, RefusesOffsetsThatDisagreeWithTheShape) {
  const auto one = [](std::string_view dtype, std::string_view shape, std::string_view offsets) {
    return refusal("{\"a\":" + tensor(dtype, shape, offsets) + "}", 8).message;
  };
  EXPECT_EQ(one("F32", "[2]", "[0,8]"), "taken");
  EXPECT_THAT(one("F32", "[3]", "[0,8]"), HasSubstr("wanted 12 bytes"));
  EXPECT_THAT(one("F32", "[2]", "[8,0]"), HasSubstr("spans"));
  EXPECT_THAT(one("F32", "[2]", "[0,8,8]"), HasSubstr("3 data_offsets"));
  EXPECT_THAT(one("F32", "[2]", "[-8,0]"), HasSubstr("whole numbers"));
  EXPECT_THAT(one("F32", "[\"2\"]", "[0,8]"), HasSubstr("whole numbers"));
  EXPECT_THAT(one("F32", "[4503599627370496,4503599627370496]", "[0,8]"), HasSubstr("64 bits"));
  EXPECT_THAT(one("F32", "[2.0]", "[0,8]"), HasSubstr("wanted an integer"));
}

TEST(SafetensorsTest, RefusesUnknownAndNarrowDtypes) {
  EXPECT_EQ(refusal("{\"a\":" + tensor("F4", "[2]", "[0,1]") + "}", 1).code,
            ErrorCode::kUnimplemented);
  EXPECT_EQ(refusal("{\"a\":" + tensor("f32", "[0]", "[0,0]") + "}").code,
            ErrorCode::kInvalidArgument);
}

TEST(SafetensorsTest, RefusesDuplicateAndUnknownKeys) {
  const std::string entry = tensor("U8", "[0]", "[0,0]");
  EXPECT_THAT(refusal("{\"a\":" + entry + ",\"a\":" + entry + "}").message,
              HasSubstr("appears twice"));
  EXPECT_THAT(refusal("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}").message,
              HasSubstr("appears twice"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}})").message,
              HasSubstr("no known member"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[0]}})").message, HasSubstr("is missing"));
  EXPECT_THAT(refusal(R"({"a":1})").message, HasSubstr("wanted an object"));
}

TEST(SafetensorsTest, TakesOnlyTextAsMetadata) {
  EXPECT_EQ(refusal(R"({"__metadata__":{"a":"b"}})").message, "taken");
  EXPECT_THAT(refusal(R"({"__metadata__":{"a":1}})").message, HasSubstr("is no text"));
  EXPECT_THAT(refusal(R"({"__metadata__":"a"})").message, HasSubstr("is no object"));
}

TEST(SafetensorsTest, RefusesToWriteWhatItCouldNotRead) {
  const Array byte{Dtype::kU8, {1}, {0}};
  EXPECT_THAT(encode_safetensors({{{"a", byte}, {"a", byte}}, {}}).error().message,
              HasSubstr("two tensors"));
  EXPECT_THAT(encode_safetensors({{{"__metadata__", byte}}, {}}).error().message,
              HasSubstr("__metadata__"));
  EXPECT_THAT(encode_safetensors({{{"a", {Dtype::kU8, {2}, {0}}}}, {}}).error().message,
              HasSubstr("1 bytes, wanted 2"));
  EXPECT_THAT(encode_safetensors({{{"\xff", byte}}, {}}).error().message, HasSubstr("UTF-8"));
}

}  // namespace
}  // namespace calx::format
