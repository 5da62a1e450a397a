// Goal: TLS really protects: whoever is not the named server, in time, is refused, and so is
// whoever comes without it. Method: fault. Certificates are made here with libcrypto, each with one
// fault.
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "calx/base/atomic_file.h"
#include "calx/remote/test_server.h"

namespace calx::remote {
namespace {

struct KeyDelete {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Owned = std::unique_ptr<T, KeyDelete>;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

struct Pair {
  std::filesystem::path certificate, key;
};

// Self-signed, for localhost, from two hours ago until `seconds_left` from now.
class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(testing::TempDir()) / ("calx_tls_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Pair make(const std::string& name, long seconds_left = 3600) {
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const Owned<X509> certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), seconds_left);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    const Owned<X509_EXTENSION> names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"));
    X509_add_ext(certificate.get(), names.get(), -1);
    EXPECT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
    const Owned<BIO> certificate_pem(BIO_new(BIO_s_mem())), key_pem(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(certificate_pem.get(), certificate.get());
    PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    const Pair pair{folder_ / (name + ".crt"), folder_ / (name + ".key")};
    EXPECT_TRUE(write_file(pair.certificate, text_of(certificate_pem.get())));
    EXPECT_TRUE(write_file(pair.key, text_of(key_pem.get()), 0600));
    return pair;
  }

  static ServerOptions with(const Pair& pair) {
    auto options = on_a_free_port();
    options.certificate = pair.certificate;
    options.key = pair.key;
    return options;
  }

  static ConnectionOptions trusting(const TestServer& server, const Pair& roots) {
    auto client = server.client();
    client.tls = true;
    client.roots = roots.certificate;
    client.connect_time = std::chrono::seconds(1);
    return client;
  }

  static ErrorCode refusal(const ConnectionOptions& client) {
    const auto connection = connect(client);
    return connection ? ErrorCode::kInternal : connection.error().code;
  }

  std::filesystem::path folder_;
  long serial_ = 0;
};

TEST_F(TlsTest, AClientThatTrustsTheCertificateWorksOverIt) {
  const Pair pair = make("localhost");
  const TestServer server(with(pair));
  const auto connection = connect(trusting(server, pair));
  ASSERT_TRUE(connection) << connection.error().message;
  const work::Job job = work::template_job({}, *work::Target::from_work_bits(8));
  EXPECT_TRUE((*(*connection)->runner())->run(job, {}));
}

TEST_F(TlsTest, PlaintextAndTlsDoNotMeet) {
  const Pair pair = make("localhost");
  const TestServer secure(with(pair));
  auto plain_client = secure.client();
  plain_client.connect_time = std::chrono::seconds(1);
  EXPECT_EQ(refusal(plain_client), ErrorCode::kUnavailable);
  const TestServer plain;
  EXPECT_EQ(refusal(trusting(plain, pair)), ErrorCode::kUnavailable);
}

TEST_F(TlsTest, AnExpiredCertificateIsRefused) {
  const Pair expired = make("expired", -60);
  const TestServer server(with(expired));
  EXPECT_EQ(refusal(trusting(server, expired)), ErrorCode::kUnavailable);
}

TEST_F(TlsTest, ACertificateOfSomebodyElseOrForAnotherNameIsRefused) {
  const Pair pair = make("localhost"), other = make("other");
  const TestServer server(with(pair));
  EXPECT_EQ(refusal(trusting(server, other)), ErrorCode::kUnavailable);
  auto misnamed = trusting(server, pair);
  misnamed.server_name = "miner.example";
  EXPECT_EQ(refusal(misnamed), ErrorCode::kUnavailable);
}

TEST_F(TlsTest, AKeyThatDoesNotFitDoesNotStart) {
  const Pair pair = make("localhost"), other = make("other");
  EXPECT_FALSE(start_server(with({pair.certificate, other.key}), {}));
  EXPECT_EQ(start_server(with({pair.certificate, folder_ / "none"}), {}).error().code,
            ErrorCode::kNotFound);
}

TEST_F(TlsTest, TheTokenIsAskedOverTlsToo) {
  const Pair pair = make("localhost");
  auto options = with(pair);
  options.token = "a token of enough letters";
  const TestServer server(options);
  auto client = trusting(server, pair);
  client.token = "another token, of letters";
  EXPECT_EQ(refusal(client), ErrorCode::kInvalidArgument);
  client.token = options.token;
  EXPECT_TRUE(connect(client));
}

}  // namespace
}  // namespace calx::remote
