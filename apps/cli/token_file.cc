#include "apps/cli/token_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/base/atomic_file.h"
#include "calx/remote/server.h"

namespace calx::cli {

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
