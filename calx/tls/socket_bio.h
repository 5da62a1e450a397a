// How OpenSSL reaches a socket: as its own way does, but without SIGPIPE. Private.
#pragma once

#include <openssl/bio.h>

namespace calx::tls {

/// Over a socket that it does not close. Null: out of memory.
BIO* new_socket_bio(int descriptor);

}  // namespace calx::tls
