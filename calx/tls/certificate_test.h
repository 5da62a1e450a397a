// Certificates for tests, made here with libcrypto, in a folder of the test's own.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "calx/base/atomic_file.h"

namespace calx::tls {

struct CertificateFiles {
  std::filesystem::path certificate, key;
};

/// Self-signed certificates for localhost and 127.0.0.1. The folder goes with it.
class CertificateMaker {
 public:
  explicit CertificateMaker(const std::string& name)
      : folder_(std::filesystem::temp_directory_path() /
                (name + "." + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~CertificateMaker() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  CertificateMaker(const CertificateMaker&) = delete;
  CertificateMaker& operator=(const CertificateMaker&) = delete;

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  /// Good from two hours ago until `seconds_left` from now, for `names` as OpenSSL writes them.
  CertificateFiles make(const std::string& name, long seconds_left = 3600,
                        const char* names = "DNS:localhost,IP:127.0.0.1") {
    const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const Owned<X509> made(X509_new());
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), seconds_left);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    const Owned<X509_EXTENSION> alternatives(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names));
    X509_add_ext(made.get(), alternatives.get(), -1);
    X509_sign(made.get(), key.get(), EVP_sha256());
    const Owned<BIO> certificate_pem(BIO_new(BIO_s_mem())), key_pem(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(certificate_pem.get(), made.get());
    PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    const CertificateFiles files{folder_ / (name + ".crt"), folder_ / (name + ".key")};
    static_cast<void>(write_file(files.certificate, text_of(certificate_pem.get())));
    static_cast<void>(write_file(files.key, text_of(key_pem.get()), 0600));
    return files;
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  };
  template <class T>
  using Owned = std::unique_ptr<T, Free>;

  static std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
  }

  std::filesystem::path folder_;
  long serial_ = 0;
};

}  // namespace calx::tls
