// Goal: a value holds what was put in, and a reader of receipts gets a sentence, not a surprise.
// Method: laws and faults.
#include "calx/format/json.h"

#include <gmock/gmock.h>

namespace calx::format {
namespace {

using testing::HasSubstr;

TEST(JsonTest, HoldsEveryKind) {
  Json json{{"flag", true}, {"count", 7}, {"name", "x"}, {"inner", {{"a", -1}}}};
  json.set("list", Json::array({1, "two", false}));
  EXPECT_EQ(*json.find("flag")->boolean(), true);
  EXPECT_EQ(*json.find("count")->integer(), 7);
  EXPECT_EQ(*json.find("name")->string(), "x");
  EXPECT_EQ(*json.find("inner")->find("a")->integer(), -1);
  EXPECT_EQ(json.find("list")->elements()->size(), 3u);
  EXPECT_EQ(json.find("none"), nullptr);
  EXPECT_EQ(json.find("name")->find("x"), nullptr);
  EXPECT_EQ(json.kind(), "object");
}

TEST(JsonTest, SetReplacesAndEraseTakesAway) {
  Json json;
  json.set("a", 1).set("b", 2).set("a", 3);
  EXPECT_EQ(json.members()->size(), 2u);
  EXPECT_EQ(*json.find("a")->integer(), 3);
  EXPECT_TRUE(json.erase("a"));
  EXPECT_FALSE(json.erase("a"));
}

TEST(JsonTest, EqualityIgnoresTheOrderOfMembersOnly) {
  EXPECT_EQ((Json{{"a", 1}, {"b", 2}}), (Json{{"b", 2}, {"a", 1}}));
  EXPECT_NE((Json{{"a", 1}}), (Json{{"a", 1}, {"b", 2}}));
  EXPECT_NE(Json::array({1, 2}), Json::array({2, 1}));
  EXPECT_NE(Json(1), Json(true));
}

TEST(JsonTest, MembersOfAStatedKindOrASentence) {
  const Json json{
      {"steps", "50"}, {"count", 2}, {"ok", false}, {"o", Json()}, {"l", Json::array()}};
  EXPECT_EQ(string_member(json, "steps", "receipt").value(), "50");
  EXPECT_EQ(integer_member(json, "count", "receipt").value(), 2);
  EXPECT_EQ(boolean_member(json, "ok", "receipt").value(), false);
  EXPECT_NE(object_member(json, "o", "receipt").value(), nullptr);
  EXPECT_NE(array_member(json, "l", "receipt").value(), nullptr);
  EXPECT_EQ(integer_member(json, "steps", "receipt.image").error().message,
            "receipt.image: \"steps\" is of kind string, wanted an integer");
  EXPECT_EQ(string_member(json, "seed", "receipt").error().message,
            "receipt: \"seed\" is missing, wanted a string");
  EXPECT_FALSE(boolean_member(json, "count", "receipt"));
  EXPECT_FALSE(object_member(json, "l", "receipt"));
  EXPECT_FALSE(array_member(json, "o", "receipt"));
}

TEST(JsonTest, UnknownMembersAreRefusedAndPrintable) {
  const Json json{{"a", 1}, {"b\x1b[31m", 2}};
  EXPECT_TRUE(only_members(json, {"a", "b\x1b[31m"}, "receipt"));
  EXPECT_EQ(only_members(json, {"a"}, "receipt").error().message,
            R"(receipt: "b\x1b[31m" is no known member)");
  EXPECT_THAT(only_members(Json(1), {}, "receipt").error().message, HasSubstr("kind integer"));
}

}  // namespace
}  // namespace calx::format
