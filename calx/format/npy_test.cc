// Goal: numpy reads what we write and we read what numpy writes; nothing else is taken.
// Method: files of numpy 1.24.2 byte for byte, round trips of every dtype, and each fault of a
// header.
#include "calx/format/npy.h"

#include <gmock/gmock.h>

#include <string>

#include "calx/format/corpus_test.h"

namespace calx::format {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::uint8_t> with_header(std::string_view dictionary, std::size_t data_bytes,
                                      std::uint8_t version = 1) {
  std::vector<std::uint8_t> bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', version, 0};
  bytes.push_back(static_cast<std::uint8_t>(dictionary.size()));
  bytes.push_back(static_cast<std::uint8_t>(dictionary.size() >> 8));
  if (version > 1) bytes.insert(bytes.end(), 2, 0);
  append(bytes, dictionary);
  bytes.insert(bytes.end(), data_bytes, 7);
  return bytes;
}

std::string refusal(std::string_view dictionary, std::size_t data_bytes = 4) {
  const auto array = parse_npy(with_header(dictionary, data_bytes));
  return array ? "taken" : array.error().message;
}

// Vector: np.save of float32 [[1, -2]]; SHA-256 of the file 0a14c68d...451a456a39.
TEST(NpyTest, WritesTheBytesOfNumpy) {
  const Array array = make_array({1, 2}, std::vector<float>{1.0f, -2.0f});
  const auto bytes = encode_npy(array).value();
  EXPECT_EQ(bytes.size(), 136u);
  EXPECT_EQ(bytes, corpus_file("npy/f4_1x2.npy"));
  EXPECT_EQ(encode_npy({Dtype::kBool, {}, {1}}).value(), corpus_file("npy/no_dimensions_bool.npy"));
  EXPECT_EQ(encode_npy({Dtype::kF16, {0, 3}, {}}).value(), corpus_file("npy/empty_0x3_f2.npy"));
}

TEST(NpyTest, ReadsFortranOrderIntoCOrder) {
  const auto array = parse_npy(corpus_file("npy/fortran_i8_2x3.npy")).value();
  EXPECT_THAT(array.shape, ElementsAre(2, 3));
  EXPECT_THAT(view<std::int64_t>(array).value(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(NpyTest, ReadsBigEndianAndLaterVersions) {
  EXPECT_THAT(view<double>(parse_npy(corpus_file("npy/big_endian_f8_3.npy")).value()).value(),
              ElementsAre(1.5, -2.25, 1e300));
  EXPECT_THAT(view<std::uint16_t>(parse_npy(corpus_file("npy/version_2_u2.npy")).value()).value(),
              ElementsAre(1, 2, 65535));
  const auto complex = parse_npy(corpus_file("npy/version_3_c8.npy")).value();
  EXPECT_EQ(complex, (Array{Dtype::kC64, {1}, make_array({2}, std::vector<float>{1, 2}).bytes}));
}

TEST(NpyTest, EveryDtypeSurvivesTheRoundTrip) {
  for (const Dtype dtype :
       {Dtype::kBool, Dtype::kU8, Dtype::kI8, Dtype::kU16, Dtype::kI16, Dtype::kU32, Dtype::kI32,
        Dtype::kU64, Dtype::kI64, Dtype::kF16, Dtype::kF32, Dtype::kF64, Dtype::kC64}) {
    Array array{dtype, {3, 2}, {}};
    for (std::size_t i = 0; i < 6 * element_bytes(dtype); ++i) {
      array.bytes.push_back(static_cast<std::uint8_t>(i * 37));
    }
    const auto bytes = encode_npy(array).value();
    EXPECT_EQ((bytes.size() - array.bytes.size()) % 64, 0u);
    EXPECT_EQ(parse_npy(bytes).value(), array) << to_string(dtype);
  }
}

TEST(NpyTest, HasNoWordForBrainFloats) {
  EXPECT_THAT(encode_npy({Dtype::kBf16, {1}, {0, 0}}).error().message, HasSubstr("BF16"));
  EXPECT_EQ(encode_npy({Dtype::kF32, {1}, {0}}).error().code, ErrorCode::kInvalidArgument);
}

TEST(NpyTest, TakesKeysInAnyOrderAndEitherQuote) {
  EXPECT_EQ(refusal(R"({"shape": (4,), "descr": "|u1", "fortran_order": False})"), "taken");
}

TEST(NpyTest, NamesWhatIsWrongWithAHeader) {
  const std::string rest = "'fortran_order': False, 'shape': (1,), }";
  EXPECT_THAT(refusal("{'descr': '|O', " + rest), HasSubstr("descr \"|O\""));
  EXPECT_THAT(refusal("{'descr': [('a', '<f4')], " + rest), HasSubstr("records"));
  EXPECT_THAT(refusal("{'descr': '|f4', " + rest), HasSubstr("no byte order"));
  EXPECT_THAT(refusal("{'descr': '', " + rest), HasSubstr("descr"));
  EXPECT_THAT(refusal("{" + rest), HasSubstr("a key is missing"));
  EXPECT_THAT(refusal("{'descr': '<f4', 'descr': '<f4', " + rest), HasSubstr("each key once"));
  EXPECT_THAT(refusal("{'descr': '<f4', 'x': 1, " + rest), HasSubstr("'descr'"));
  EXPECT_THAT(refusal("{'descr': '<f4', " + rest + " x"), HasSubstr("nothing after"));
  EXPECT_THAT(refusal("{'descr' '<f4', " + rest), HasSubstr("':'"));
  EXPECT_THAT(refusal("{'descr': '<f4' " + rest), HasSubstr("',' or '}'"));
  EXPECT_THAT(refusal("{'descr': '<f\\x34', " + rest), HasSubstr("descr"));
  EXPECT_THAT(refusal("__import__('os')"), HasSubstr("a dictionary"));
}

TEST(NpyTest, NamesWhatIsWrongWithAShape) {
  const std::string rest = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  for (const char* const shape :
       {"(1)", "1", "(-1,)", "(1.5,)", "(,)", "(99999999999999999999,)", "(1,,)", "(1", "[1]"}) {
    EXPECT_THAT(refusal(rest + shape + "}"), HasSubstr("tuple")) << shape;
  }
  EXPECT_THAT(refusal(rest + "(4294967296, 4294967296)}"), HasSubstr("64 bits"));
  EXPECT_THAT(refusal("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}"),
              HasSubstr("True or False"));
}

TEST(NpyTest, RefusesTooFewAndTooManyBytes) {
  const auto whole = corpus_file("npy/f4_1x2.npy");
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{9}, std::size_t{11},
                                 std::size_t{100}, whole.size() - 1}) {
    EXPECT_FALSE(parse_npy(std::span(whole).first(size))) << size;
  }
  EXPECT_EQ(parse_npy(std::span(whole).first(100)).error().code, ErrorCode::kDataLoss);
  auto longer = whole;
  longer.push_back(0);
  EXPECT_THAT(parse_npy(longer).error().message, HasSubstr("9 bytes of data, wanted 8"));
}

TEST(NpyTest, RefusesOtherVersionsAndGiantHeaders) {
  auto bytes = corpus_file("npy/f4_1x2.npy");
  bytes[6] = 4;
  EXPECT_EQ(parse_npy(bytes).error().code, ErrorCode::kUnimplemented);
  auto giant = corpus_file("npy/version_2_u2.npy");
  giant[11] = 0x7f;
  EXPECT_THAT(parse_npy(giant).error().message, HasSubstr("wanted at most 65535"));
}

}  // namespace
}  // namespace calx::format
