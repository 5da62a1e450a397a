// Goal: a file holds what was put into it, and no changed byte passes unnoticed.
// Method: round trips; a vector; faults: every prefix, one flipped bit in every byte, every kind of
// wrong description.
#include "calx/weights/weights_file.h"

#include <gmock/gmock.h>

#include "calx/base/hex.h"
#include "calx/format/safetensors.h"
#include "calx/hash/sha256.h"

namespace calx::weights {
namespace {

using testing::HasSubstr;

WeightsFile example() {
  std::vector<float> weights(1500);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<float>(static_cast<int>(i * 7919 % 1009) - 504) / 256;
  }
  WeightsFile file;
  file.coded.push_back(
      {"a.weight", *encode_tensor(weights, {15, 100}, {{8, 2, 1}, CodebookKind::kC1, 128})});
  file.coded.push_back({"b", *encode_tensor(weights, {1500}, {{9, 3, 2}, CodebookKind::kG1, 64})});
  file.plain.push_back({"a.bias", format::make_array({3}, std::vector<float>{1, 2, 3})});
  file.metadata["made by"] = "a test";
  return file;
}

TEST(WeightsFileTest, HoldsWhatWasPutIntoIt) {
  const WeightsFile file = example();
  const auto bytes = encode_weights(file);
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(to_hex(hash::sha256(*bytes)),
            "cf7f20e42c6a9f3b38bfab466bf28fda3f0762ae13d700bdb4772aff8b320991");
  const auto read = parse_weights(*bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, file);
  const auto tensors = decode_weights(*read);
  ASSERT_TRUE(tensors);
  const format::Array* const a = format::find(*tensors, "a.weight");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->shape, (std::vector<std::uint64_t>{15, 100}));
  EXPECT_EQ(format::view<float>(*a)->size(), 1500u);
}

TEST(WeightsFileTest, DoesNotDependOnTheOrderOfItsTensors) {
  WeightsFile file = example();
  const auto bytes = encode_weights(file);
  std::swap(file.coded[0], file.coded[1]);
  EXPECT_EQ(*encode_weights(file), *bytes);
}

TEST(WeightsFileTest, RefusesEveryPrefixAndEveryFlippedBit) {
  auto bytes = *encode_weights(example());
  for (std::size_t size = 0; size < bytes.size(); size += size < 1200 ? 1 : 97) {
    ASSERT_FALSE(parse_weights(std::span(bytes).first(size))) << size;
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto bit = static_cast<std::uint8_t>(1u << i % 8);
    bytes[i] ^= bit;
    ASSERT_FALSE(parse_weights(bytes)) << i;
    bytes[i] ^= bit;
  }
  bytes.push_back(0);
  EXPECT_EQ(parse_weights(bytes).error().code, ErrorCode::kDataLoss);
}

TEST(WeightsFileTest, NamesTheTensorThatChanged) {
  auto bytes = *encode_weights(example());
  bytes.back() ^= 4;  // the last tensor of the file is the scales of b
  const auto read = parse_weights(bytes);
  EXPECT_EQ(read.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(read.error().message, HasSubstr("\"b\""));
}

TEST(WeightsFileTest, RefusesWrongDescriptions) {
  const auto raw = *format::parse_safetensors(*encode_weights(example()));
  const auto changed = [&](std::string_view what, std::string_view by) {
    auto copy = raw;
    std::string& text = copy.metadata.at("calx-weights-1/b");
    text.replace(text.find(what), what.size(), by);
    const auto read = parse_weights(*format::encode_safetensors(copy));
    return read ? std::string("accepted") : read.error().message;
  };
  EXPECT_THAT(changed("\"g1\"", "\"h1\""), HasSubstr("codebook \"h1\""));
  EXPECT_THAT(changed("\"3/2\"", "\"5/2\""), HasSubstr("rate"));
  EXPECT_THAT(changed("\"state_bits\":9", "\"state_bits\":99"), HasSubstr("state_bits is 99"));
  EXPECT_THAT(changed("[1500]", "[1501]"), HasSubstr("not those that were sealed"));
  EXPECT_THAT(changed("[1500]", "[15000]"), HasSubstr("wanted"));
  EXPECT_THAT(changed("[1500]", "[-1]"), HasSubstr("whole numbers"));
  EXPECT_THAT(changed("\"group\":64", "\"group\":65"), HasSubstr("power of two"));
  EXPECT_THAT(changed("{\"codebook\"", "{\"codeword\""), HasSubstr("codeword"));
  auto without = raw;
  std::erase_if(without.tensors, [](const auto& tensor) { return tensor.name == "b.scales"; });
  EXPECT_THAT(parse_weights(*format::encode_safetensors(without)).error().message,
              HasSubstr("b.scales"));
  without = raw;
  without.metadata.erase("calx-weights-1");
  EXPECT_EQ(parse_weights(*format::encode_safetensors(without)).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(WeightsFileTest, RefusesToWriteWhatCouldNotBeRead) {
  WeightsFile file = example();
  file.plain.push_back({"b.codes", format::make_array({1}, std::vector<float>{1})});
  EXPECT_EQ(encode_weights(file).error().code, ErrorCode::kInvalidArgument);
  file = example();
  file.metadata["calx-weights-1/c"] = "{}";
  EXPECT_EQ(encode_weights(file).error().code, ErrorCode::kInvalidArgument);
  file = example();
  file.coded[0].tensor.codes.pop_back();
  EXPECT_EQ(encode_weights(file).error().code, ErrorCode::kDataLoss);
}

}  // namespace
}  // namespace calx::weights
