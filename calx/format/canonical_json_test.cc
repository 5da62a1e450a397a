// Goal: one value, one text; and no text that another program could read as something else.
// Method: the vectors of RFC 8785, round trips, and every refusal.
#include "calx/format/canonical_json.h"

#include <gmock/gmock.h>

#include <string>

namespace calx::format {
namespace {

using testing::HasSubstr;

std::string canonical(std::string_view text) {
  const auto json = parse_json(text);
  return json ? encode_canonical_json(*json).value() : json.error().message;
}

// RFC 8785 section 3.2.3.
TEST(CanonicalJsonTest, SortsTheKeysOfRfc8785) {
  EXPECT_EQ(canonical(R"({
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis"
  })"),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\","
            "\"\u00f6\":\"Latin Small Letter O With Diaeresis\",\"\u20ac\":\"Euro Sign\","
            "\"\U0001f600\":\"Emoji: Grinning Face\","
            "\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}");
}

// RFC 8785 section 3.2.2, the string of its example.
TEST(CanonicalJsonTest, EscapesTheStringOfRfc8785) {
  EXPECT_EQ(canonical(R"(["\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"])"),
            "[\"\u20ac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"]");
  EXPECT_EQ(canonical(R"(["\b\t\f\r\u007f\u0000"])"), "[\"\\b\\t\\f\\r\x7f\\u0000\"]");
}

TEST(CanonicalJsonTest, WritesNumbersLiteralsAndEmptyThings) {
  EXPECT_EQ(canonical(" [ 0 , -1 , 9007199254740991 , -9007199254740991 , true , false ] "),
            "[0,-1,9007199254740991,-9007199254740991,true,false]");
  EXPECT_EQ(canonical("{\"a\":{},\"b\":[]}"), "{\"a\":{},\"b\":[]}");
  EXPECT_EQ(canonical("7"), "7");
}

TEST(CanonicalJsonTest, ThePrettyFormMeansTheSame) {
  const Json json{{"b", Json::array({1, Json{{"x", "y"}}})}, {"a", Json()}, {"c", true}};
  const std::string pretty = encode_pretty_json(json).value();
  EXPECT_EQ(pretty,
            "{\n  \"b\": [\n    1,\n    {\n      \"x\": \"y\"\n    }\n  ],\n  \"a\": {},\n"
            "  \"c\": true\n}\n");
  EXPECT_EQ(parse_json(pretty).value(), json);
}

TEST(CanonicalJsonTest, RefusesNullFloatsAndLargeNumbersByTheirPath) {
  EXPECT_THAT(canonical(R"({"a":{"b":null}})"), HasSubstr("\"$.a.b\" is null"));
  EXPECT_THAT(canonical(R"({"a":[1,2.5]})"), HasSubstr("\"$.a[1]\" is a number with a point"));
  EXPECT_THAT(canonical("1e2"), HasSubstr("\"$\" is a number with a point, an exponent"));
  EXPECT_THAT(canonical("-0"), HasSubstr("is -0"));
  EXPECT_THAT(canonical("9007199254740992"), HasSubstr("2^53"));
  EXPECT_THAT(canonical("-9007199254740992"), HasSubstr("2^53"));
  EXPECT_THAT(canonical("123456789012345678901234567890"), HasSubstr("too many digits"));
}

TEST(CanonicalJsonTest, RefusesDuplicateKeysAlsoWhenEscaped) {
  EXPECT_THAT(canonical(R"({"a":1,"a":1})"), HasSubstr("\"$.a\" appears twice"));
  EXPECT_THAT(canonical(R"({"x":{"a":1,"\u0061":2}})"), HasSubstr("\"$.x.a\" appears twice"));
  EXPECT_EQ(canonical(R"([{"a":1},{"a":2}])"), R"([{"a":1},{"a":2}])");
}

TEST(CanonicalJsonTest, RefusesWhatIsNoUtf8) {
  EXPECT_THAT(canonical("\"\xff\""), HasSubstr("byte 2"));
  EXPECT_THAT(canonical("\"\xc0\x80\""), HasSubstr("UTF-8"));
  EXPECT_THAT(canonical("\"\xed\xa0\x80\""), HasSubstr("UTF-8"));
  EXPECT_THAT(canonical(R"("\ud800")"), HasSubstr("surrogate"));
  EXPECT_THAT(canonical(R"("\udc00")"), HasSubstr("surrogate"));
  EXPECT_THAT(canonical("\xef\xbb\xbf{}"), HasSubstr("byte order mark"));
}

TEST(CanonicalJsonTest, RefusesEverythingAroundAndBetween) {
  for (const char* const text :
       {"",        " ",      "{",       "[1",      "[1,]",   "{\"a\":1,}", "{a:1}",
        "{'a':1}", "[1 2]",  "{} {}",   "nul",     "True",   "01",         "+1",
        "\"a",     "\"\t\"", "\"\\x\"", "// c\n1", "[/**/]", "NaN",        "Infinity"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
  EXPECT_THAT(canonical(std::string_view("{}\0x", 4)), HasSubstr("NUL at byte 2"));
  EXPECT_FALSE(parse_json(std::string_view("[\"\0\"]", 5)));
}

TEST(CanonicalJsonTest, LimitsDepthSizeAndCount) {
  const std::string deepest = std::string(kJsonDepthMax, '[') + std::string(kJsonDepthMax, ']');
  EXPECT_TRUE(parse_json(deepest));
  EXPECT_EQ(parse_json("[" + deepest + "]").error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(parse_json("[1]", 3));
  EXPECT_EQ(parse_json("[1]", 2).error().code, ErrorCode::kResourceExhausted);
  std::string many = "[0";
  for (std::size_t i = 0; i < kJsonValuesMax; ++i) many += ",0";
  EXPECT_EQ(parse_json(many + "]").error().code, ErrorCode::kResourceExhausted);
}

TEST(CanonicalJsonTest, WritesNothingThatItWouldNotRead) {
  const Json large{{"a", Json::array({std::int64_t{1} << 53})}};
  EXPECT_THAT(encode_canonical_json(large).error().message, HasSubstr("$.a[0]"));
  EXPECT_THAT(encode_pretty_json(Json{{"a", "\xff"}}).error().message, HasSubstr("$.a"));
  Json bad_key;
  bad_key.set("\xff", 1);
  EXPECT_EQ(encode_canonical_json(bad_key).error().code, ErrorCode::kInvalidArgument);
  Json deep = Json::array();
  for (std::size_t i = 0; i < kJsonDepthMax; ++i) deep = Json::array({deep});
  EXPECT_EQ(encode_canonical_json(deep).error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace calx::format
