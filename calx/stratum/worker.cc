#include "calx/stratum/worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/hash/sha256.h"

namespace calx::stratum {
namespace {

bool plain(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// Compares the digests, whole: where two tokens differ shows in no time.
bool same(std::string_view a, std::string_view b) {
  const hash::Digest left = hash::sha256(a), right = hash::sha256(b);
  unsigned different = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    different |= static_cast<unsigned>(left[i] ^ right[i]);
  }
  return different == 0;
}

}  // namespace

Result<Worker> parse_worker(std::string_view text) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (first == std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument, "worker: wanted name:token or name:token:origin");
  }
  Worker worker;
  worker.name = text.substr(0, first);
  worker.token =
      text.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
  if (!plain(worker.name, kWorkerNameBytesMax) || !plain(worker.token, kTokenBytesMax)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("worker: wanted a name of 1 to {} and a token of 1 to {} printable "
                            "ASCII characters without spaces",
                            kWorkerNameBytesMax, kTokenBytesMax));
  }
  if (second == std::string_view::npos) return worker;
  CALX_ASSIGN(origin, parse_origin(text.substr(second + 1)));
  if (origin != Origin::kEmulated && origin != Origin::kDevice) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("worker '{}': origin {}, wanted emulated or device", worker.name,
                            to_string(origin)));
  }
  worker.origin = origin;
  return worker;
}

const Worker* find_worker(std::span<const Worker> workers, std::string_view name,
                          std::string_view token) {
  const Worker* found = nullptr;
  for (const Worker& worker : workers) {
    const bool token_is_right = same(worker.token, token);
    if (worker.name == name && token_is_right) found = &worker;
  }
  return found;
}

Origin lowered(Origin declared, std::string_view user_agent) noexcept {
  const bool processor =
      user_agent.starts_with("calx-emulator") || user_agent.starts_with("cpuminer");
  return processor ? combine(declared, Origin::kEmulated) : declared;
}

}  // namespace calx::stratum
