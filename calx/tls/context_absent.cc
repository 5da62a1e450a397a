// For builds without OpenSSL: the same functions, each with the one sentence.
#include "calx/tls/context.h"
#include "calx/tls/stream.h"

namespace calx::tls {
namespace {

std::unexpected<Error> absent() {
  return fail(ErrorCode::kUnimplemented,
              "TLS: this program was built without OpenSSL (CALX_TLS=OFF), wanted one with it");
}

}  // namespace

bool available() noexcept { return false; }

Result<std::shared_ptr<const Context>> Context::server(const std::filesystem::path&,
                                                       const std::filesystem::path&) {
  return absent();
}
Result<std::shared_ptr<const Context>> Context::client(const std::filesystem::path&) {
  return absent();
}
Context::~Context() = default;

Result<std::unique_ptr<Stream>> Stream::accept(std::shared_ptr<const Context>, int) {
  return absent();
}
Result<std::unique_ptr<Stream>> Stream::connect(std::shared_ptr<const Context>, int,
                                                const std::string&) {
  return absent();
}
Stream::~Stream() = default;
Step Stream::handshake() { return Step::kFailed; }
Step Stream::read(std::span<char>, std::size_t&) { return Step::kFailed; }
Step Stream::write(std::string_view, std::size_t&) { return Step::kFailed; }
bool Stream::pending() const noexcept { return false; }
void Stream::finish() noexcept {}

}  // namespace calx::tls
