#include "apps/cli/remote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "apps/cli/shared_module.h"
#include "calx/base/atomic_file.h"

namespace calx::cli {

Result<remote::Module*> remote_module() {
  static remote::Module* loaded = nullptr;
  if (loaded != nullptr) return loaded;
  CALX_ASSIGN(symbol, open_shared_module("libcalx_remote.so", remote::kEntry, "-DCALX_SERVER=ON"));
  using Entry = remote::Module* (*)(std::uint32_t);
  remote::Module* module = reinterpret_cast<Entry>(symbol)(remote::kAbi);
  if (module == nullptr) {
    return fail(ErrorCode::kUnavailable, "libcalx_remote.so belongs to another version of calx");
  }
  if (const char* kernel = std::getenv("CALX_KERNEL"); kernel != nullptr && *kernel != '\0') {
    CALX_TRY(module->use_kernel(kernel));
  }
  loaded = module;
  return loaded;
}

Result<std::string> read_token(const std::filesystem::path& file) {
  CALX_ASSIGN(bytes, read_file(file, 2 * remote::kTokenBytesMax));
  const auto end =
      std::ranges::find_if(bytes, [](std::uint8_t c) { return c == '\n' || c == '\r'; });
  std::string token(bytes.begin(), end);
  if (token.empty() || token.size() > remote::kTokenBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the token in {} has {} characters, wanted 1 to {}", file.string(),
                            token.size(), remote::kTokenBytesMax));
  }
  return token;
}

}  // namespace calx::cli
