// What a miner may say: one line of JSON as one of a few typed calls.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "calx/base/result.h"

namespace calx::stratum {

struct Subscribe {
  std::string user_agent = {};  // at most kUserAgentBytesMax, printable ASCII; the rest is dropped
};

struct Configure {
  bool version_rolling = false;
  std::uint32_t version_mask = 0;        // what the miner can roll
  std::vector<std::string> others = {};  // extensions that this server does not have
};

struct Authorize {
  std::string user = {}, password = {};
};

struct SuggestDifficulty {
  double difficulty = 0;  // finite and > 0
};

struct SubscribeExtranonce {};

struct Submit {
  std::string user = {}, job_id = {};
  std::vector<std::uint8_t> extranonce_2 = {};
  std::uint32_t ntime = 0;
  std::uint32_t nonce = 0;
  std::uint32_t version_bits = 0;  // 0 when the miner sent none
};

struct GetVersion {};
struct Ping {};

/// A reply of the miner to something that the server asked: it has no method.
struct Answer {};

/// A method that this server does not know.
struct Unknown {
  std::string method = {};
};

/// A known method with parameters that are none.
struct Malformed {
  std::string method = {}, why = {};
};

using Call = std::variant<Subscribe, Configure, Authorize, SuggestDifficulty, SubscribeExtranonce,
                          Submit, GetVersion, Ping, Answer, Unknown, Malformed>;

struct Request {
  std::string id = "null";  // its JSON text, verbatim, whatever its type: clients match on it
  Call call = Answer{};
};

inline constexpr std::size_t kUserAgentBytesMax = 64;
inline constexpr std::size_t kExtensionsMax = 16;  // of one mining.configure

/// Reads one line, without its newline (a carriage return before it is allowed).
/// Errors: kResourceExhausted above kLineBytesMax; kInvalidArgument when it is not a JSON object.
/// Cost: one pass by nlohmann::json and one over the bytes for the id.
Result<Request> parse_request(std::string_view line);

}  // namespace calx::stratum
