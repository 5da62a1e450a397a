// Goal: one call certifies a run, and each negative twin of it fails by name.
// Method: law tests on the untrained published pair; faults.
#include "calx/thermo/certification.h"

#include <gmock/gmock.h>

#include "calx/hash/software_engine.h"
#include "calx/thermo/example_substrate.h"
#include "calx/thermo/published_pair.h"

namespace calx::thermo {
namespace {

using testing::HasSubstr;

CertificationRequest request_of() {
  CertificationRequest request;
  request.seed = noise::Seed::from_integer(std::int64_t{1});
  request.substrate = untrained_pair(24, 8, *philox_noise(request.seed)).value();
  for (Module& module : request.substrate.modules) module.bias.assign(24, 0.1);
  return request;
}

TEST(CertificationTest, PassesAGoodRunOfEveryNoise) {
  for (const std::string noise : {"philox", "calx-noise-1", "sha256d"}) {
    CertificationRequest request = request_of();
    request.noise = noise;
    if (noise == "sha256d") {
      request.scheme = Scheme::kLatticeWalk;
      request.step_share = 0.1;
    }
    const auto done = certify(request);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_TRUE(done->certificate.passed()) << describe(*done);
    EXPECT_EQ(done->origin, Origin::kSoftware);
    EXPECT_EQ(done->sha256d_calls > 0, noise == "sha256d");
    EXPECT_THAT(describe(*done), HasSubstr("pass  virial"));
  }
}

TEST(CertificationTest, ReadsARecordedLog) {
  CertificationRequest request = request_of();
  request.noise = "log";
  request.scheme = Scheme::kLatticeWalk;
  request.step_share = 0.2;
  hash::SoftwareDigestEngine engine;
  constexpr std::uint64_t kStepDigests = 4000 * 48 / kDrawsPerDigest;
  request.log = record_sha256d(engine, "log", 160 * kStepDigests).value();
  const auto done = certify(request);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->certificate.passed()) << describe(*done);
  EXPECT_EQ(done->law, "scheme");
  request.log.bytes.resize(10 * kStepDigests * 32);
  EXPECT_THAT(certify(request).error().message, HasSubstr("last for 10 steps"));
}

// All units with all others, and with alternating sign: kT M^-1 is not what the walk gives.
TEST(CertificationTest, HoldsTheWalkAgainstEitherLaw) {
  CertificationRequest request = request_of();
  Matrix directions(16, 2);
  for (std::size_t i = 0; i < 16; ++i) {
    directions(i, 0) = 0.25;
    directions(i, 1) = i % 2 == 0 ? 0.25 : -0.25;
  }
  request.substrate.modules = {{.name = "x", .units = 16, .quadratic = {0.5}}};
  request.substrate.couplings = {
      {.first = 0, .second = 0, .left = directions, .strength = {1.5, -0.35}}};
  request.scheme = Scheme::kLatticeWalk;
  request.step_share = 0.6;
  request.chains = 16'000;
  const auto own = certify(request).value();
  EXPECT_TRUE(own.certificate.passed()) << describe(own);
  request.own_law = false;
  const auto equilibrium = certify(request).value();
  EXPECT_EQ(equilibrium.law, "equilibrium");
  EXPECT_TRUE(equilibrium.certificate.found("frobenius")) << describe(equilibrium);
}

TEST(CertificationTest, FailsEachTwinByName) {
  const auto found = [](Twin twin, std::string_view check) {
    CertificationRequest request = request_of();
    request.twin = twin;
    const auto done = certify(request).value();
    EXPECT_EQ(done.origin, Origin::kModelled);
    return done.certificate.found(check);
  };
  EXPECT_TRUE(found(Twin::kHeat, "trace"));
  EXPECT_TRUE(found(Twin::kHeat, "virial"));
  EXPECT_TRUE(found(Twin::kDropped, "virial of each unit"));
  EXPECT_TRUE(found(Twin::kBiased, "mean"));
  EXPECT_TRUE(found(Twin::kFlipped, "mean"));
  EXPECT_TRUE(found(Twin::kFlipped, "frobenius"));
}

TEST(CertificationTest, HoldsEulerMaruyamaAgainstTheLawThatIsAskedFor) {
  CertificationRequest request = request_of();
  request.scheme = Scheme::kEulerMaruyama;
  request.step_share = 0.5;
  EXPECT_TRUE(certify(request).value().certificate.found("trace"));
  request.own_law = true;
  const auto own = certify(request).value();
  EXPECT_FALSE(own.certificate.found("trace")) << describe(own);
  EXPECT_TRUE(own.certificate.found("virial"));  // its temperature is too high by any law
}

TEST(CertificationTest, RefusesWhatItCannotJudge) {
  const auto refusal = [](auto&& change) {
    CertificationRequest request = request_of();
    change(request);
    const auto done = certify(request);
    return done ? std::string("accepted") : done.error().message;
  };
  EXPECT_THAT(refusal([](auto& r) { r.noise = "dice"; }), HasSubstr("wanted philox"));
  EXPECT_THAT(refusal([](auto& r) { r.step_share = 0; }), HasSubstr("above 0"));
  EXPECT_THAT(refusal([](auto& r) { r.step_share = 2.5; }), HasSubstr("wanted below 2"));
  EXPECT_THAT(refusal([](auto& r) { r.noise = "sha256d"; }), HasSubstr("lattice random walk"));
  EXPECT_THAT(refusal([](auto& r) { r.substrate.modules[0].clamped = true; }),
              HasSubstr("clamps of shape"));
  EXPECT_THAT(refusal([](auto& r) { r.temperature_kt = -1; }), HasSubstr("temperature"));
  EXPECT_FALSE(parse_twin("evil"));
  for (const Twin twin : twins()) EXPECT_EQ(parse_twin(to_string(twin)).value(), twin);
}

}  // namespace
}  // namespace calx::thermo
