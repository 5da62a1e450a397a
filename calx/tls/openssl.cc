#include "calx/tls/openssl.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <openssl/opensslv.h>

#define CALX_TEXT_OF(number) #number
#define CALX_TEXT(number) CALX_TEXT_OF(number)

namespace calx::tls {
namespace {

constexpr const char* kFile = "libssl.so." CALX_TEXT(OPENSSL_SHLIB_VERSION);

OpenSsl table;

Result<const OpenSsl*> load() {
  void* library = ::dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("TLS: {} cannot be opened ({})", kFile, ::dlerror()));
  }
  // A library looks in what it needs itself, so libcrypto's functions are found through it.
#define CALX_OPENSSL_FIND(name)                                                           \
  table.name = reinterpret_cast<decltype(table.name)>(::dlsym(library, #name));           \
  if (table.name == nullptr) {                                                            \
    return fail(ErrorCode::kUnavailable, fmt::format("TLS: {} has no {}", kFile, #name)); \
  }
  CALX_OPENSSL_FUNCTIONS(CALX_OPENSSL_FIND)
#undef CALX_OPENSSL_FIND
  return &table;
}

}  // namespace

Result<const OpenSsl*> open_openssl() {
  static const Result<const OpenSsl*> opened = load();
  return opened;
}

const OpenSsl& openssl() noexcept { return table; }

}  // namespace calx::tls
