#include "calx/tls/context.h"

#include <fmt/format.h>

#include <string>
#include <system_error>

#include "calx/tls/openssl.h"

namespace calx::tls {
namespace {

std::string reason() {
  const char* text = openssl().ERR_reason_error_string(openssl().ERR_peek_last_error());
  openssl().ERR_clear_error();
  return text == nullptr ? "no reason given" : text;
}

Result<void> wanted_file(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::is_regular_file(file, error)) return {};
  return fail(ErrorCode::kNotFound, fmt::format("{}: there is no such file", file.string()));
}

SSL_CTX* configured(const SSL_METHOD* method) {
  const OpenSsl& ssl = openssl();
  SSL_CTX* context = ssl.SSL_CTX_new(method);
  if (context == nullptr) return nullptr;
  ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nullptr);
  ssl.SSL_CTX_set_options(context,
                          SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  ssl.SSL_CTX_set_num_tickets(context, 0);
  ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, nullptr);
  ssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
                   nullptr);
  return context;
}

std::unexpected<Error> no_memory() {
  return fail(ErrorCode::kResourceExhausted, "TLS: no memory for a context");
}

}  // namespace

bool available() noexcept { return true; }

Result<std::shared_ptr<const Context>> Context::server(const std::filesystem::path& certificate,
                                                       const std::filesystem::path& key) {
  CALX_TRY(wanted_file(certificate));
  CALX_TRY(wanted_file(key));
  CALX_ASSIGN(ssl, open_openssl());
  SSL_CTX* native = configured(ssl->TLS_server_method());
  if (native == nullptr) return no_memory();
  std::shared_ptr<const Context> context(new Context(native));
  if (openssl().SSL_CTX_use_certificate_chain_file(native, certificate.c_str()) != 1) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: wanted a certificate in PEM ({})",
                                                         certificate.string(), reason()));
  }
  if (openssl().SSL_CTX_use_PrivateKey_file(native, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      openssl().SSL_CTX_check_private_key(native) != 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: wanted the key of {} in PEM ({})", key.string(),
                            certificate.string(), reason()));
  }
  return context;
}

Result<std::shared_ptr<const Context>> Context::client(const std::filesystem::path& roots) {
  CALX_ASSIGN(ssl, open_openssl());
  SSL_CTX* native = configured(ssl->TLS_client_method());
  if (native == nullptr) return no_memory();
  std::shared_ptr<const Context> context(new Context(native));
  openssl().SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  if (roots.empty()) {
    openssl().SSL_CTX_set_default_verify_paths(native);
    return context;
  }
  CALX_TRY(wanted_file(roots));
  if (openssl().SSL_CTX_load_verify_file(native, roots.c_str()) != 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: wanted certificates in PEM ({})", roots.string(), reason()));
  }
  return context;
}

Context::~Context() { openssl().SSL_CTX_free(static_cast<SSL_CTX*>(native_)); }

}  // namespace calx::tls
