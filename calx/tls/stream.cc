#include "calx/tls/stream.h"

#include <cerrno>
#include <cstring>

#include "calx/tls/openssl.h"
#include "calx/tls/socket_bio.h"

namespace calx::tls {
namespace {

SSL* ssl(void* native) { return static_cast<SSL*>(native); }

SSL* new_ssl(const Context& context, int descriptor) {
  SSL* made = openssl().SSL_new(static_cast<SSL_CTX*>(context.native()));
  if (made == nullptr) return nullptr;
  BIO* bio = new_socket_bio(descriptor);
  if (bio == nullptr) {
    openssl().SSL_free(made);
    return nullptr;
  }
  openssl().SSL_set_bio(made, bio, bio);
  return made;
}

bool send_name(SSL* stream, std::string name) {
  return openssl().SSL_ctrl(stream, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                            name.data()) == 1;
}

std::unexpected<Error> no_memory() {
  return fail(ErrorCode::kResourceExhausted, "TLS: no memory for a stream");
}

}  // namespace

Stream::Stream(std::shared_ptr<const Context> context, void* native) noexcept
    : context_(std::move(context)), native_(native) {}

Stream::~Stream() { openssl().SSL_free(ssl(native_)); }

Result<std::unique_ptr<Stream>> Stream::accept(std::shared_ptr<const Context> context,
                                               int descriptor) {
  SSL* made = new_ssl(*context, descriptor);
  if (made == nullptr) return no_memory();
  openssl().SSL_set_accept_state(made);
  return std::unique_ptr<Stream>(new Stream(std::move(context), made));
}

Result<std::unique_ptr<Stream>> Stream::connect(std::shared_ptr<const Context> context,
                                                int descriptor, const std::string& server_name) {
  SSL* made = new_ssl(*context, descriptor);
  if (made == nullptr) return no_memory();
  std::unique_ptr<Stream> stream(new Stream(std::move(context), made));
  openssl().SSL_set_connect_state(made);
  // An address is looked for among the certificate's addresses, and is never sent as a name.
  const bool address = openssl().X509_VERIFY_PARAM_set1_ip_asc(openssl().SSL_get0_param(made),
                                                               server_name.c_str()) == 1;
  if (!address &&
      (openssl().SSL_set1_host(made, server_name.c_str()) != 1 || !send_name(made, server_name))) {
    return no_memory();
  }
  openssl().ERR_clear_error();
  return stream;
}

Step Stream::step_of(int result) {
  const int wrong = errno;
  const int error = openssl().SSL_get_error(ssl(native_), result);
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return Step::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return Step::kWantsWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Step::kClosed;
    default:
      break;
  }
  const long verdict = openssl().SSL_get_verify_result(ssl(native_));
  const char* reason = openssl().ERR_reason_error_string(openssl().ERR_peek_last_error());
  if (verdict != X509_V_OK) {
    failure_ = openssl().X509_verify_cert_error_string(verdict);
  } else if (reason != nullptr) {
    failure_ = reason;
  } else {
    failure_ = wrong == 0 ? "the other side hung up" : std::strerror(wrong);
  }
  openssl().ERR_clear_error();
  return Step::kFailed;
}

Step Stream::handshake() {
  openssl().ERR_clear_error();
  errno = 0;
  const int result = openssl().SSL_do_handshake(ssl(native_));
  return result == 1 ? Step::kDone : step_of(result);
}

Step Stream::read(std::span<char> into, std::size_t& got) {
  openssl().ERR_clear_error();
  errno = 0;
  const int result = openssl().SSL_read_ex(ssl(native_), into.data(), into.size(), &got);
  return result == 1 ? Step::kDone : step_of(result);
}

Step Stream::write(std::string_view from, std::size_t& sent) {
  openssl().ERR_clear_error();
  errno = 0;
  const int result = openssl().SSL_write_ex(ssl(native_), from.data(), from.size(), &sent);
  return result == 1 ? Step::kDone : step_of(result);
}

bool Stream::pending() const noexcept { return openssl().SSL_pending(ssl(native_)) > 0; }

void Stream::finish() noexcept {
  if (openssl().SSL_is_init_finished(ssl(native_)) == 1 && failure_.empty())
    openssl().SSL_shutdown(ssl(native_));
  openssl().ERR_clear_error();
}

}  // namespace calx::tls
