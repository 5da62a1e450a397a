// Goal: a latent of another program has its shape, its call and its refusals.
// Method: vectors of torch 1.13 and rng_philox.py; a fault for each refusal.
#include "calx/noise/compat/foreign_latent.h"

#include <gmock/gmock.h>

namespace calx::noise::compat {
namespace {

using testing::HasSubstr;

ForeignRequest request(Generator generator, std::vector<std::uint64_t> shape) {
  return {.generator = generator, .seed = Seed::parse("42").value(), .shape = std::move(shape)};
}

std::vector<float> values(const ForeignRequest& wanted) {
  const auto latent = make_foreign_latent(wanted);
  EXPECT_TRUE(latent);
  const auto seen = format::view<float>(*latent).value();
  return {seen.begin(), seen.end()};
}

TEST(ForeignLatentTest, TorchDrawsTheWholeShapeAtOnceAndCallsFollowOneAnother) {
  EXPECT_NEAR(values(request(Generator::kTorchCpu, {2, 4, 64, 64}))[16384], -1.30465865, 2e-6);
  auto second = request(Generator::kTorchCpu, {16});
  second.call = 1;
  EXPECT_NEAR(values(second)[0], 1.64231694, 2e-6);
}

TEST(ForeignLatentTest, PhiloxTakesTheCallAsItsCounter) {
  auto second = request(Generator::kNvPhilox, {2, 2});
  second.call = 1;
  EXPECT_NEAR(values(second)[3], 0.75664864, 1e-6);
}

TEST(ForeignLatentTest, GoesToAnotherSeedOnTheSphere) {
  auto mixed = request(Generator::kTorchCpu, {64});
  const auto start = values(mixed);
  mixed.towards.emplace(Seed::parse("43").value(), 0.0);
  EXPECT_EQ(values(mixed), start);
  mixed.towards->second = 1.0;
  auto other = request(Generator::kTorchCpu, {64});
  other.seed = Seed::parse("43").value();
  EXPECT_EQ(values(mixed), values(other));
}

TEST(ForeignLatentTest, NamesWhatIsWrong) {
  auto wrong = request(Generator::kTorchCpu, {64});
  wrong.seed = Seed::parse("hello").value();
  EXPECT_THAT(make_foreign_latent(wrong).error().message, HasSubstr("an integer"));
  wrong = request(Generator::kNvPhilox, {64});
  wrong.precision = Precision::kF16;
  EXPECT_EQ(make_foreign_latent(wrong).error().code, ErrorCode::kUnimplemented);
  EXPECT_FALSE(make_foreign_latent(request(Generator::kTorchCpu, {})));
  wrong = request(Generator::kTorchCpu, {64});
  wrong.call = 1ull << 40;
  EXPECT_THAT(make_foreign_latent(wrong).error().message, HasSubstr("wanted below"));
  EXPECT_THAT(parse_generator("cuda").error().message, HasSubstr("nv-philox"));
}

}  // namespace
}  // namespace calx::noise::compat
