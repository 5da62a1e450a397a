// Goal: a substrate travels through a file unchanged, and through a machine as its defects say.
// Method: round trips; faults in files, a number that is none among them; laws of quantisers, dead
// wires and gains on many elements; faults.
#include "calx/thermo/substrate_file.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "calx/format/safetensors.h"
#include "calx/thermo/defects.h"
#include "calx/thermo/example_substrate.h"
#include "calx/thermo/stiffness.h"

namespace calx::thermo {
namespace {

using testing::HasSubstr;

Substrate full_example() {
  Substrate s = example_substrate(20, 4, 2);
  s.modules[1].quartic = {0.25};
  s.modules.push_back({.name = "input", .units = 7, .clamped = true});
  s.couplings.push_back({.first = 2,
                         .second = 0,
                         .left = example_matrix(7, 3, 1, 1),
                         .right = example_matrix(20, 3, 1, 2)});
  return s;
}

void expect_equal(const Substrate& a, const Substrate& b) {
  ASSERT_EQ(a.modules.size(), b.modules.size());
  for (std::size_t i = 0; i < a.modules.size(); ++i) {
    EXPECT_EQ(a.modules[i].name, b.modules[i].name);
    EXPECT_EQ(a.modules[i].units, b.modules[i].units);
    EXPECT_EQ(a.modules[i].quadratic, b.modules[i].quadratic);
    EXPECT_EQ(a.modules[i].quartic, b.modules[i].quartic);
    EXPECT_EQ(a.modules[i].intra, b.modules[i].intra);
    EXPECT_EQ(a.modules[i].bias, b.modules[i].bias);
    EXPECT_EQ(a.modules[i].clamped, b.modules[i].clamped);
  }
  ASSERT_EQ(a.couplings.size(), b.couplings.size());
  for (std::size_t i = 0; i < a.couplings.size(); ++i) {
    EXPECT_EQ(a.couplings[i].first, b.couplings[i].first);
    EXPECT_EQ(a.couplings[i].second, b.couplings[i].second);
    EXPECT_EQ(a.couplings[i].left, b.couplings[i].left);
    EXPECT_EQ(a.couplings[i].right, b.couplings[i].right);
    EXPECT_EQ(a.couplings[i].strength, b.couplings[i].strength);
  }
}

TEST(SubstrateFileTest, KeepsEveryNumber) {
  const Substrate s = full_example();
  expect_equal(parse_substrate(encode_substrate(s).value()).value(), s);
}

std::string refusal_after(void (*change)(format::Safetensors&)) {
  auto file = format::parse_safetensors(encode_substrate(full_example()).value()).value();
  change(file);
  const auto result = parse_substrate(format::encode_safetensors(file).value());
  return result ? "accepted" : result.error().message;
}

format::Array& tensor(format::Safetensors& file, std::string_view name) {
  for (auto& named : file.tensors) {
    if (named.name == name) return named.array;
  }
  throw std::out_of_range("no such tensor");
}

TEST(SubstrateFileTest, RefusesFilesThatHoldNoSubstrate) {
  EXPECT_EQ(refusal_after([](format::Safetensors&) {}), "accepted");
  EXPECT_THAT(refusal_after([](format::Safetensors& file) {
                const double nan = std::nan("");
                std::memcpy(tensor(file, "coupling.0.left").bytes.data() + 16, &nan, 8);
              }),
              HasSubstr("coupling 0: a factor is not a finite number"));
  EXPECT_THAT(refusal_after([](format::Safetensors& file) { file.metadata["format"] = "other"; }),
              HasSubstr("wanted \"calx-substrate-1\""));
  EXPECT_THAT(refusal_after([](format::Safetensors& file) { file.metadata.erase("format"); }),
              HasSubstr("no entry \"format\""));
  EXPECT_THAT(
      refusal_after([](format::Safetensors& file) { file.metadata["module.1.units"] = "many"; }),
      HasSubstr("wanted a number"));
  EXPECT_THAT(
      refusal_after([](format::Safetensors& file) { file.metadata["module.1.clamped"] = "1"; }),
      HasSubstr("wanted yes or no"));
  EXPECT_THAT(refusal_after([](format::Safetensors& file) { file.metadata["coupling.0"] = "0"; }),
              HasSubstr("wanted a number"));
  EXPECT_THAT(refusal_after([](format::Safetensors& file) { file.metadata["coupling.0"] = "0 9"; }),
              HasSubstr("modules 0 and 9"));
  EXPECT_THAT(refusal_after([](format::Safetensors& file) { file.metadata["extra"] = "1"; }),
              HasSubstr("no module or coupling has"));
  EXPECT_THAT(refusal_after([](format::Safetensors& file) {
                tensor(file, "module.1.bias") = format::make_array({2}, std::vector<float>{1, 2});
              }),
              HasSubstr("F64"));
  EXPECT_FALSE(parse_substrate(std::vector<std::uint8_t>(5)));
}

std::shared_ptr<const NoiseSource> source_of() {
  return philox_noise(noise::Seed::from_integer(std::int64_t{21}));
}

TEST(DefectsTest, LeavesAGoodMachineAlone) {
  const Substrate s = full_example();
  expect_equal(built_with(s, {}, *source_of()).value(), s);
}

TEST(DefectsTest, QuantisesToItsLevels) {
  EXPECT_EQ(quantise(0.3, 1, 0), 0.3);
  EXPECT_EQ(quantise(0.3, 1, 2), 0.0);  // -1, 0, 1
  EXPECT_EQ(quantise(0.6, 1, 2), 1.0);
  EXPECT_EQ(quantise(-7, 1, 4), -1.0);
  EXPECT_EQ(quantise(0, 3, 8), 0.0);
  for (int i = -50; i <= 50; ++i) {
    const double value = 0.06 * i;
    EXPECT_LE(std::abs(quantise(value, 3, 8) - value), 3.0 / 127 / 2 + 1e-12);
  }
}

TEST(DefectsTest, KillsAndScalesWiresAtItsRates) {
  Substrate s;
  s.modules = {{.name = "x", .units = 2000, .quadratic = {1.0}}};
  s.couplings = {{.first = 0, .second = 0, .left = example_matrix(2000, 10, 0.001, 4)}};
  for (double& value : s.couplings[0].left.values) value = value < 0 ? -0.001 : 0.001;
  const auto built =
      built_with(s, {.mismatch = 0.1, .dead_wires = 0.05}, *source_of()).value().couplings[0].left;
  double dead = 0, sum = 0, square = 0;
  for (std::size_t i = 0; i < built.values.size(); ++i) {
    const double gain = built.values[i] / s.couplings[0].left.values[i];
    dead += gain == 0 ? 1 : 0;
    if (gain == 0) continue;
    sum += gain;
    square += (gain - 1) * (gain - 1);
  }
  const double n = 20'000, alive = n - dead;
  EXPECT_NEAR(dead / n, 0.05, 5 * std::sqrt(0.05 * 0.95 / n));
  EXPECT_NEAR(sum / alive, 1, 5 * 0.1 / std::sqrt(alive));
  EXPECT_NEAR(square / alive, 0.01, 5 * 0.01 * std::sqrt(2 / alive));
}

TEST(DefectsTest, ReadsWithItsGainsAndNoise) {
  const std::vector<float> x(3 * 500, 2.0f);
  EXPECT_EQ(read_with(x, 500, {}, *source_of()).value(), x);
  const auto seen = read_with(x, 500, {.read_gain = 0.1}, *source_of()).value();
  EXPECT_EQ(std::vector<float>(seen.begin(), seen.begin() + 500),
            std::vector<float>(seen.begin() + 500, seen.begin() + 1000));  // a unit keeps its gain
  const auto noisy = read_with(x, 500, {.read_noise = 0.3}, *source_of()).value();
  double square = 0;
  for (const float value : noisy) square += std::pow(double{value} - 2, 2) / 1500;
  EXPECT_NEAR(square, 0.09, 5 * 0.09 * std::sqrt(2.0 / 1500));
}

TEST(DefectsTest, RefusesWhatIsNoMachine) {
  EXPECT_FALSE(check(Defects{.factor_bits = 1}));
  EXPECT_FALSE(check(Defects{.read_bits = 25}));
  EXPECT_FALSE(check(Defects{.mismatch = -0.1}));
  EXPECT_FALSE(check(Defects{.read_noise = INFINITY}));
  EXPECT_THAT(check(Defects{.dead_wires = 1.5}).error().message, HasSubstr("wanted 0 to 1"));
  EXPECT_FALSE(read_with(std::vector<float>(7), 2, {}, *source_of()));
  EXPECT_FALSE(written_with({}, {.bias_bits = 1}));
}

}  // namespace
}  // namespace calx::thermo
