// Goal: a commitment and an image seed follow from what they should, all of it and nothing else.
// Method: vectors (docs/protocol/check_stamp.py, Python's hashlib), laws (every field counts; count
// and first index do not), faults (limits).
#include "calx/receipt/identity.h"

#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "calx/base/hex.h"

namespace calx::receipt {
namespace {

Request example() {
  Request request{.identity = {.class_index = 7,
                               .guidance_thousandths = 2500,
                               .steps = 25,
                               .sampler = "ddim",
                               .width = 32,
                               .height = 32,
                               .seed = *noise::Seed::from_text("hello")},
                  .mode = SeedMode::kSeeded,
                  .first_index = 0,
                  .count = 16};
  request.identity.model.fill(0x11);
  return request;
}

SeedOpening opening() {
  SeedOpening out{.seed = *noise::Seed::from_text("hello")};
  for (std::size_t i = 0; i < out.salt.size(); ++i) out.salt[i] = static_cast<std::uint8_t>(i);
  return out;
}

TEST(IdentityTest, TheVectorsOfTheProtocolTextHold) {
  Request request = example();
  EXPECT_EQ(to_hex(*commitment(request)),
            "f9dfb7c5d6da7a643fd8634ee46086474aaf61d1ec8e83687c1cc899bf89641f");
  EXPECT_EQ(to_hex(*image_seed(request, 0, {})),
            "4f14aac3fb5fb452e0678b43e78943f7de73452b960f7310700c4f57ef9f7229");

  request.mode = SeedMode::kStamped;
  SeedBasis basis{.stamp_hash = hash::Digest{}};
  ASSERT_TRUE(from_hex("d81aec86dae49b8ce61aea29f525807d963c5f03fd0c5c2bf4f53b76f4100600",
                       *basis.stamp_hash));
  EXPECT_EQ(to_hex(*image_seed(request, 5, basis)),
            "d850314df2688e5ab1300e4f879baa6e6d297706ed24e89cebf572672a33477c");

  request = example();
  request.identity.seed = commit(opening());
  EXPECT_EQ(to_hex(commit(opening()).commitment),
            "d8a1ab8548e9861f68733ed7b07550e3d142491ef322d57f0f14803b129babe3");
  EXPECT_EQ(to_hex(*image_seed(request, 0, {.private_salt = opening().salt})),
            "5c098e87a48b7a1f1fbe910c9ef716feccaa7843381e54af13a6324e0450fdca");
}

TEST(IdentityTest, EveryFieldOfTheIdentityChangesTheImageSeed) {
  const std::vector<std::function<void(Identity&)>> changes = {
      [](Identity&) {},
      [](Identity& i) { i.model[31] ^= 1; },
      [](Identity& i) { ++i.class_index; },
      [](Identity& i) { ++i.guidance_thousandths; },
      [](Identity& i) { ++i.steps; },
      [](Identity& i) { i.sampler = "euler"; },
      [](Identity& i) { ++i.width; },
      [](Identity& i) { ++i.height; },
      [](Identity& i) { i.seed = *noise::Seed::from_text("hellp"); },
      [](Identity& i) { i.seed = noise::Seed::from_integer(std::int64_t{7}); },
      [](Identity& i) { i.seed = *noise::Seed::from_text("7"); },
      [](Identity& i) { i.seed = noise::Seed::from_bytes({}); }};
  std::set<hash::Digest> seeds, commitments;
  for (const auto& change : changes) {
    Request request = example();
    change(request.identity);
    seeds.insert(*image_seed(request, 3, {}));
    commitments.insert(*commitment(request));
  }
  EXPECT_EQ(seeds.size(), changes.size());
  EXPECT_EQ(commitments.size(), changes.size());
}

TEST(IdentityTest, CountAndFirstIndexStandOutsideTheIdentity) {
  Request other = example();
  other.first_index = 5;
  other.count = 1;
  EXPECT_EQ(*image_seed(other, 5, {}), *image_seed(example(), 5, {}));
  EXPECT_NE(*commitment(other), *commitment(example())) << "but they are committed to";
  EXPECT_NE(*image_seed(example(), 6, {}), *image_seed(example(), 5, {}));
}

TEST(IdentityTest, ARequestSurvivesTheRoundTripWithEverySeed) {
  for (const auto& seed :
       {noise::Seed::from_integer(std::int64_t{-5}), noise::Seed::from_integer(~std::uint64_t{0}),
        noise::Seed::from_bytes(opening().salt), *noise::Seed::from_text("Grüße \"\n"),
        *noise::Seed::from_text("7")}) {
    Request request = example();
    request.identity.seed = seed;
    EXPECT_EQ(request_from_json(*to_json(request), "request").value(), request);
  }
  Request hidden = example();
  hidden.identity.seed = commit(opening());
  hidden.mode = SeedMode::kStamped;
  EXPECT_EQ(request_from_json(*to_json(hidden), "request").value(), hidden);
}

TEST(IdentityTest, APrivateSeedNeedsItsSaltAndMakesOtherImages) {
  Request hidden = example();
  hidden.identity.seed = commit(opening());
  EXPECT_EQ(image_seed(hidden, 0, {}).error().code, ErrorCode::kUnavailable);
  hash::Digest other_salt = opening().salt;
  other_salt[0] ^= 1;
  const auto right = *image_seed(hidden, 0, {.private_salt = opening().salt});
  EXPECT_NE(*image_seed(hidden, 0, {.private_salt = other_salt}), right);
  EXPECT_NE(*image_seed(example(), 0, {}), right);
  SeedOpening other = opening();
  other.salt = other_salt;
  EXPECT_NE(commit(other), commit(opening()));
}

TEST(IdentityTest, AStampHashIsWantedExactlyInStampedMode) {
  Request request = example();
  EXPECT_FALSE(image_seed(request, 0, {.stamp_hash = hash::Digest{}}));
  request.mode = SeedMode::kStamped;
  EXPECT_THAT(image_seed(request, 0, {}).error().message, testing::HasSubstr("hash of the stamp"));
}

TEST(IdentityTest, EveryLimitIsNamed) {
  const auto message = [](const std::function<void(Request&)>& change) {
    Request request = example();
    change(request);
    const auto made = commitment(request);
    return made ? std::string("accepted") : made.error().message;
  };
  EXPECT_EQ(message([](Request&) {}), "accepted");
  EXPECT_EQ(message([](Request& r) { r.count = 0; }), "count is 0, wanted 1 to 10000");
  EXPECT_EQ(message([](Request& r) { r.count = 1'000'000'000; }),
            "count is 1000000000, wanted 1 to 10000");
  EXPECT_THAT(message([](Request& r) { r.first_index = kIndexMax; }),
              testing::HasSubstr("first index"));
  EXPECT_THAT(message([](Request& r) { r.identity.steps = 0; }), testing::HasSubstr("steps is 0"));
  EXPECT_THAT(message([](Request& r) { r.identity.width = 0; }), testing::HasSubstr("width is 0"));
  EXPECT_THAT(message([](Request& r) { r.identity.height = 99'999; }),
              testing::HasSubstr("height is 99999"));
  EXPECT_THAT(message([](Request& r) { r.identity.class_index = 65'536; }),
              testing::HasSubstr("class is 65536"));
  EXPECT_THAT(message([](Request& r) { r.identity.guidance_thousandths = 1'000'001; }),
              testing::HasSubstr("guidance"));
  EXPECT_THAT(message([](Request& r) { r.identity.sampler = "DDIM"; }),
              testing::HasSubstr("sampler 'DDIM'"));
  EXPECT_THAT(message([](Request& r) { r.identity.sampler.clear(); }),
              testing::HasSubstr("sampler ''"));
}

}  // namespace
}  // namespace calx::receipt
