// Goal: nothing in a receipt can be changed unnoticed, by a stranger or by the signer.
// Method: mutations generated from the parsed receipt itself: every leaf changed, each key removed,
// a key added to every object, list items swapped, removed and doubled. As they are, signed again
// under another key with the first one pinned, and signed again under the same key.
#include <gmock/gmock.h>

#include <functional>

#include "calx/base/hex.h"
#include "calx/format/canonical_json.h"
#include "calx/receipt/example_receipt.h"

namespace calx::receipt {

void PrintTo(SeedMode mode, std::ostream* out) { *out << to_string(mode); }

namespace {

using format::Json;

struct Mutant {
  std::string what;  // the path and what was done to it
  std::string path;
  Json json;
};

// Another value of the same kind and, for texts, of the same length and alphabet.
std::vector<Json> other_leaves(const Json& leaf) {
  if (const auto* flag = leaf.boolean()) return {Json(!*flag)};
  if (const auto* integer = leaf.integer()) {
    std::vector<Json> others = {Json(*integer + 1), Json(std::int64_t{1} << 40)};
    if (*integer > 0) others.push_back(Json(*integer - 1));
    return others;
  }
  const std::string text = *leaf.string();
  std::vector<Json> others = {Json(text + "0"), Json("")};
  if (text.empty()) return {Json("x")};
  for (const std::size_t at : {std::size_t{0}, text.size() / 2, text.size() - 1}) {
    std::string other = text;
    other[at] = other[at] == '1' ? '2' : '1';
    others.emplace_back(other);
    std::string upper = text;
    upper[at] = static_cast<char>(std::toupper(upper[at]));
    if (upper != text) others.emplace_back(upper);
  }
  return others;
}

using Rebuild = std::function<Json(Json)>;  // the whole receipt with this part replaced

void collect(const Json& part, const std::string& path, const Rebuild& rebuild,
             std::vector<Mutant>& out) {
  const auto add = [&](const std::string& what, Json other) {
    out.push_back({path + ": " + what, path, rebuild(std::move(other))});
  };
  if (const auto* members = part.members()) {
    Json more = part;
    add("key added", more.set("extra", "x"));
    for (const auto& [key, value] : *members) {
      Json less = part;
      less.erase(key);
      out.push_back({path + "." + key + ": key removed", path + "." + key, rebuild(less)});
      collect(
          value, path + "." + key,
          [&, name = key](Json other) {
            Json copy = part;
            return rebuild(copy.set(name, std::move(other)));
          },
          out);
    }
  } else if (const auto* elements = part.elements()) {
    for (std::size_t i = 0; i < elements->size(); ++i) {
      Json::Elements less = *elements, doubled = *elements;
      less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
      doubled.push_back((*elements)[i]);
      add("item removed", Json::array(less));
      add("item doubled", Json::array(doubled));
      if (i > 0) {
        Json::Elements swapped = *elements;
        std::swap(swapped[i - 1], swapped[i]);
        if (!(swapped[i] == swapped[i - 1])) add("items swapped", Json::array(swapped));
      }
      collect((*elements)[i], path + "[" + std::to_string(i) + "]",
              [&, i](Json other) {
                Json::Elements copy = *elements;
                copy[i] = std::move(other);
                return rebuild(Json::array(copy));
              },
              out);
    }
  } else {
    for (Json& other : other_leaves(part)) add("value changed", std::move(other));
  }
}

std::vector<Mutant> mutants_of(const Json& receipt) {
  std::vector<Mutant> out;
  collect(receipt, "receipt", [](Json whole) { return whole; }, out);
  return out;
}

void sign_again(Json& receipt, const SigningKey& key) {
  receipt.erase("signature");
  receipt.set("public_key", to_hex(key.public_key()));
  const std::string text = *format::encode_canonical_json(receipt);
  receipt.set("signature", to_hex(key.sign("calx-receipt-1\n" + text)));
}

class MutationTest : public testing::TestWithParam<SeedMode> {
 protected:
  MutationTest()
      : made_(example::make({.mode = GetParam(), .count = 3, .neighbours = 6})),
        honest_(*format::parse_json(*encode_canonical(made_.receipt))),
        options_(made_.options(toy_)) {}

  Report report_of(const Json& json) const {
    return *verify(*format::encode_canonical_json(json), options_);
  }
  static bool failed(const Report& report, std::string_view name) {
    return example::verdict_of(report, name) == Verdict::kFail;
  }

  example::Made made_;
  Json honest_;
  example::ToyRegenerator toy_;
  VerifyOptions options_;
};

INSTANTIATE_TEST_SUITE_P(, MutationTest, testing::Values(SeedMode::kSeeded, SeedMode::kStamped),
                         [](const auto& mode) { return std::string(to_string(mode.param)); });

TEST_P(MutationTest, TheHonestReceiptPasses) {
  const Report report = report_of(honest_);
  EXPECT_FALSE(report.failed() || report.unchecked()) << example::lines(report);
}

TEST_P(MutationTest, EveryMutationFailsInANamedCheck) {
  const auto mutants = mutants_of(honest_);
  EXPECT_GT(mutants.size(), 400u);
  for (const Mutant& mutant : mutants) {
    const Report report = report_of(mutant.json);
    ASSERT_TRUE(failed(report, "format") || failed(report, "signature")) << mutant.what << "\n"
                                                                         << example::lines(report);
    ASSERT_THAT(report.verdict(), testing::StartsWith("This receipt does not hold: "));
  }
}

TEST_P(MutationTest, SignedAgainUnderAnotherKeyItFailsThePin) {
  const SigningKey stranger = example::key(9);
  options_.key = example::key().public_key();
  for (Mutant& mutant : mutants_of(honest_)) {
    if (mutant.json.members() == nullptr) continue;
    sign_again(mutant.json, stranger);
    const Report report = report_of(mutant.json);
    ASSERT_TRUE(failed(report, "format") || failed(report, "key")) << mutant.what;
  }
}

// What a signer may say without proof; docs/protocol/receipt.md lists the same.
bool is_statement(const std::string& path) {
  return path.starts_with("receipt.origins") || path.starts_with("receipt.made") ||
         path == "receipt.signer" || path.ends_with(".file");
}

TEST_P(MutationTest, SignedAgainUnderTheSameKeyOnlyStatementsPass) {
  std::size_t statements = 0;
  for (Mutant& mutant : mutants_of(honest_)) {
    if (mutant.path == "receipt.signature" || mutant.path == "receipt.public_key") continue;
    sign_again(mutant.json, example::key());
    const Report report = report_of(mutant.json);
    // Showing fewer images of a request is no false claim: the report says "2 of 3 requested".
    const bool withheld = mutant.what == "receipt.images: item removed";
    if (is_statement(mutant.path) || withheld) {
      ++statements;
      continue;
    }
    ASSERT_TRUE(report.failed()) << mutant.what << "\n" << example::lines(report);
    ASSERT_FALSE(failed(report, "signature")) << mutant.what;
  }
  EXPECT_GT(statements, 0u);
}

}  // namespace
}  // namespace calx::receipt
