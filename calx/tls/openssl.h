// OpenSSL, opened on first need: linking it costs every start of calx 1.6 ms. Private.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "calx/base/result.h"

// What this layer calls. Functions alone: OpenSSL's macros would call past the table.
#define CALX_OPENSSL_FUNCTIONS(X)       \
  X(BIO_clear_flags)                    \
  X(BIO_get_data)                       \
  X(BIO_get_new_index)                  \
  X(BIO_meth_new)                       \
  X(BIO_meth_set_ctrl)                  \
  X(BIO_meth_set_read)                  \
  X(BIO_meth_set_write)                 \
  X(BIO_new)                            \
  X(BIO_set_data)                       \
  X(BIO_set_flags)                      \
  X(BIO_set_init)                       \
  X(ERR_clear_error)                    \
  X(ERR_peek_last_error)                \
  X(ERR_reason_error_string)            \
  X(SSL_CTX_check_private_key)          \
  X(SSL_CTX_ctrl)                       \
  X(SSL_CTX_free)                       \
  X(SSL_CTX_load_verify_file)           \
  X(SSL_CTX_new)                        \
  X(SSL_CTX_set_default_verify_paths)   \
  X(SSL_CTX_set_num_tickets)            \
  X(SSL_CTX_set_options)                \
  X(SSL_CTX_set_verify)                 \
  X(SSL_CTX_use_PrivateKey_file)        \
  X(SSL_CTX_use_certificate_chain_file) \
  X(SSL_ctrl)                           \
  X(SSL_do_handshake)                   \
  X(SSL_free)                           \
  X(SSL_get0_param)                     \
  X(SSL_get_error)                      \
  X(SSL_get_verify_result)              \
  X(SSL_is_init_finished)               \
  X(SSL_new)                            \
  X(SSL_pending)                        \
  X(SSL_read_ex)                        \
  X(SSL_set1_host)                      \
  X(SSL_set_accept_state)               \
  X(SSL_set_bio)                        \
  X(SSL_set_connect_state)              \
  X(SSL_shutdown)                       \
  X(SSL_write_ex)                       \
  X(TLS_client_method)                  \
  X(TLS_server_method)                  \
  X(X509_VERIFY_PARAM_set1_ip_asc)      \
  X(X509_verify_cert_error_string)

namespace calx::tls {

/// The functions of the libssl that this was compiled for, with their own types.
struct OpenSsl {
#define CALX_OPENSSL_MEMBER(name) decltype(&::name) name = nullptr;
  CALX_OPENSSL_FUNCTIONS(CALX_OPENSSL_MEMBER)
#undef CALX_OPENSSL_MEMBER
};

/// Opens it once; thread-safe. Errors: kUnavailable (it is not on this machine, or another one).
Result<const OpenSsl*> open_openssl();
/// The same. \pre open_openssl() succeeded
const OpenSsl& openssl() noexcept;

}  // namespace calx::tls
