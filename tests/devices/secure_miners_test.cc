// Goal: the emulated miners and the bridge, which share no code above TLS, work over it; a miner
// does not talk to a bridge whose certificate it does not trust, nor to one without any.
// Method: law and fault tests over loopback, certificates made here.
#include <gmock/gmock.h>

#include "calx/emulate/farm.h"
#include "calx/stratum/bridge.h"
#include "calx/tls/certificate_test.h"

namespace calx {
namespace {

using testing::HasSubstr;

class SecureMinersTest : public testing::Test {
 protected:
  stratum::BridgeOptions bridge(const tls::CertificateFiles& files) {
    stratum::BridgeOptions options;
    options.port = 0;
    options.vardiff.log2_start = -22;
    options.tls_certificate = files.certificate;
    options.tls_key = files.key;
    return options;
  }

  static Result<emulate::FarmReport> work_at(const stratum::Bridge& bridge,
                                             const std::filesystem::path& roots,
                                             const char* name = "") {
    emulate::FarmOptions options{.port = bridge.port(), .count = 4};
    options.run_time = std::chrono::seconds(2);
    for (const char* kind : {"s3", "bitaxe-gamma", "s9", "nerdminer"}) {
      options.devices.push_back(emulate::find_emulated_device(kind, 4).value());
    }
    options.miner.faults = emulate::FaultPlan::parse("lie=0.1,disconnect=0.05").value();
    options.miner.speed = 20;
    options.tls = tls::Context::client(roots).value();
    options.tls_name = name;
    return emulate::run_farm(options, {});
  }

  tls::CertificateMaker maker_{"calx_devices_tls_test"};
  tls::CertificateFiles files_ = maker_.make("localhost");
};

TEST_F(SecureMinersTest, EmulatedMinersWorkAndReconnectAndAreJudgedAsPlanned) {
  const auto server = stratum::Bridge::start(bridge(files_)).value();
  const auto report = work_at(*server, files_.certificate);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(report->ledger.accepted(), 20u);
  EXPECT_GT(report->connections, 4u) << "nobody was disconnected";
  EXPECT_EQ(report->ledger.wrong(), 0u);
}

TEST_F(SecureMinersTest, AnUntrustedAnExpiredAndAMisnamedCertificateAreRefused) {
  const auto other = maker_.make("other"), expired = maker_.make("expired", -60);
  const auto server = stratum::Bridge::start(bridge(files_)).value();
  const auto untrusted = work_at(*server, other.certificate);
  ASSERT_FALSE(untrusted);
  EXPECT_EQ(untrusted.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(untrusted.error().message, HasSubstr("self-signed"));
  EXPECT_THAT(work_at(*server, files_.certificate, "pool.example").error().message,
              HasSubstr("mismatch"));
  const auto old = stratum::Bridge::start(bridge(expired)).value();
  EXPECT_THAT(work_at(*old, expired.certificate).error().message, HasSubstr("expired"));
  EXPECT_EQ(server->metrics().miners, 0u);
}

TEST_F(SecureMinersTest, ABridgeWithoutACertificateIsNotTalkedTo) {
  stratum::BridgeOptions plain = bridge({});
  const auto server = stratum::Bridge::start(plain).value();
  EXPECT_EQ(work_at(*server, files_.certificate).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(server->metrics().miners, 0u);
}

}  // namespace
}  // namespace calx
