#include "calx/tls/socket_bio.h"

#include <sys/socket.h>

#include <bit>
#include <cerrno>
#include <cstdint>

#include "calx/tls/openssl.h"

namespace calx::tls {
namespace {

// The descriptor travels in the pointer that OpenSSL keeps for us.
int descriptor_of(BIO* bio) {
  return static_cast<int>(std::bit_cast<std::intptr_t>(openssl().BIO_get_data(bio)));
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int write_bytes(BIO* bio, const char* bytes, int count) {
  openssl().BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  const auto sent =
      ::send(descriptor_of(bio), bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  if (sent < 0 && would_block())
    openssl().BIO_set_flags(bio, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY);
  return static_cast<int>(sent);
}

int read_bytes(BIO* bio, char* bytes, int count) {
  openssl().BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  const auto got = ::recv(descriptor_of(bio), bytes, static_cast<std::size_t>(count), 0);
  if (got < 0 && would_block())
    openssl().BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
  return static_cast<int>(got);
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* make_method() {
  BIO_METHOD* method =
      openssl().BIO_meth_new(openssl().BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "calx socket");
  if (method == nullptr) return nullptr;
  openssl().BIO_meth_set_write(method, write_bytes);
  openssl().BIO_meth_set_read(method, read_bytes);
  openssl().BIO_meth_set_ctrl(method, control);
  return method;
}

}  // namespace

BIO* new_socket_bio(int descriptor) {
  static BIO_METHOD* const method = make_method();
  BIO* bio = method == nullptr ? nullptr : openssl().BIO_new(method);
  if (bio == nullptr) return nullptr;
  openssl().BIO_set_data(bio, std::bit_cast<void*>(std::intptr_t{descriptor}));
  openssl().BIO_set_init(bio, 1);
  return bio;
}

}  // namespace calx::tls
