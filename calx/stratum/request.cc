#include "calx/stratum/request.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "calx/base/hex.h"
#include "calx/stratum/limits.h"
#include "calx/work/coinbase.h"
#include "calx/work/share.h"

namespace calx::stratum {
namespace {

using nlohmann::json;

constexpr std::size_t kJobIdBytesMax = 64;
constexpr std::string_view kSpace = " \t\r\n";

std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

std::size_t skip_value(std::string_view text, std::size_t at) {
  for (int depth = 0; at < text.size();) {
    const char c = text[at];
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
    if (c == '"') {
      at = skip_string(text, at);
      continue;
    }
    depth += (c == '[' || c == '{') ? 1 : (c == ']' || c == '}') ? -1 : 0;
    ++at;
  }
  return at;
}

// The text of the member "id" of a valid JSON object; the last one, as nlohmann::json reads it.
std::string_view id_of(std::string_view text) {
  std::string_view id = "null";
  std::size_t at = text.find('{') + 1;
  for (;;) {
    at = text.find_first_of("\"}", at);
    if (at == std::string_view::npos || text[at] == '}') return id;
    const std::size_t key_end = skip_string(text, at);
    const bool is_id = text.substr(at, key_end - at) == "\"id\"";
    const std::size_t start = text.find_first_not_of(kSpace, text.find(':', key_end) + 1);
    at = skip_value(text, start);
    if (is_id) {
      id = text.substr(start, at - start);
      id = id.substr(0, id.find_last_not_of(kSpace) + 1);
    }
  }
}

// The parameters of one call, by place.
class Parameters {
 public:
  explicit Parameters(const json& list) : list_(list) {}

  [[nodiscard]] std::size_t size() const { return list_.is_array() ? list_.size() : 0; }

  [[nodiscard]] const json& at(std::size_t place) const {
    static const json none;
    return place < size() ? list_[place] : none;
  }

  [[nodiscard]] const std::string* text(std::size_t place) const {
    return at(place).get_ptr<const json::string_t*>();
  }

  // Up to eight hex digits, most significant first.
  [[nodiscard]] std::optional<std::uint32_t> word(std::size_t place) const {
    const std::string* digits = text(place);
    if (digits == nullptr) return {};
    const auto value = work::parse_nonce(*digits);
    return value ? std::optional(*value) : std::nullopt;
  }

 private:
  const json& list_;
};

std::string printable(std::string_view text) {
  std::string kept;
  for (const char c : text.substr(0, kUserAgentBytesMax)) {
    if (c >= ' ' && c <= '~') kept += c;
  }
  return kept;
}

Call subscribe(const Parameters& parameters) {
  const std::string* agent = parameters.text(0);
  return Subscribe{agent == nullptr ? std::string() : printable(*agent)};
}

Call configure(const Parameters& parameters) {
  Configure call;
  const json& extensions = parameters.at(0);
  const json& options = parameters.at(1);
  if (!extensions.is_array() || extensions.size() > kExtensionsMax) {
    return Malformed{"mining.configure", "wanted a list of at most 16 extensions"};
  }
  for (const json& extension : extensions) {
    const auto* name = extension.get_ptr<const json::string_t*>();
    if (name == nullptr) return Malformed{"mining.configure", "an extension is no text"};
    if (*name == "version-rolling") {
      call.version_rolling = true;
    } else {
      call.others.push_back(printable(*name));
    }
  }
  if (!call.version_rolling) return call;
  call.version_mask = 0xffffffff;  // BIP 310: what a client without a mask can roll
  if (!options.is_object() || !options.contains("version-rolling.mask")) return call;
  const json mask = json::array({options["version-rolling.mask"]});
  const auto word = Parameters(mask).word(0);
  if (!word) return Malformed{"mining.configure", "version-rolling.mask is not 1 to 8 hex digits"};
  call.version_mask = *word;
  return call;
}

Call authorize(const Parameters& parameters) {
  const std::string* user = parameters.text(0);
  const std::string* password = parameters.text(1);
  if (user == nullptr) return Malformed{"mining.authorize", "wanted a name and a token"};
  return Authorize{*user, password == nullptr ? std::string() : *password};
}

Call suggest_difficulty(const Parameters& parameters) {
  const json& number = parameters.at(0);
  const double difficulty = number.is_number() ? number.get<double>() : 0.0;
  if (!(difficulty > 0) || !std::isfinite(difficulty)) {
    return Malformed{"mining.suggest_difficulty", "wanted a number above 0"};
  }
  return SuggestDifficulty{difficulty};
}

Call submit(const Parameters& parameters) {
  const auto bad = [](std::string_view why) {
    return Malformed{"mining.submit", std::string(why)};
  };
  if (parameters.size() < 5 || parameters.size() > 6) return bad("wanted 5 or 6 parameters");
  const std::string* user = parameters.text(0);
  const std::string* job_id = parameters.text(1);
  const std::string* extranonce_2 = parameters.text(2);
  if (user == nullptr || job_id == nullptr || extranonce_2 == nullptr) {
    return bad("name, job and extranonce 2 are texts");
  }
  if (job_id->size() > kJobIdBytesMax) return bad("the job id is too long");
  if (extranonce_2->size() > 2 * work::kExtranonceBytesMax) return bad("extranonce 2 is too long");
  auto bytes = from_hex(*extranonce_2);
  if (!bytes) return bad("extranonce 2 is not an even number of hex digits");
  const auto ntime = parameters.word(3);
  const auto nonce = parameters.word(4);
  if (!ntime || !nonce) return bad("time and nonce are 1 to 8 hex digits");
  const auto bits = parameters.size() == 6 ? parameters.word(5) : std::optional(0u);
  if (!bits) return bad("version bits are 1 to 8 hex digits");
  return Submit{*user, *job_id, *std::move(bytes), *ntime, *nonce, *bits};
}

Call call_of(const std::string& method, const Parameters& parameters) {
  if (method == "mining.submit") return submit(parameters);
  if (method == "mining.subscribe") return subscribe(parameters);
  if (method == "mining.configure") return configure(parameters);
  if (method == "mining.authorize") return authorize(parameters);
  if (method == "mining.suggest_difficulty") return suggest_difficulty(parameters);
  if (method == "mining.extranonce.subscribe") return SubscribeExtranonce{};
  if (method == "client.get_version") return GetVersion{};
  if (method == "mining.ping") return Ping{};
  return Unknown{printable(method)};
}

}  // namespace

Result<Request> parse_request(std::string_view line) {
  if (line.size() > kLineBytesMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("line: {} bytes, at most {}", line.size(), kLineBytesMax));
  }
  const json document = json::parse(line, nullptr, false);
  if (!document.is_object()) {
    return fail(ErrorCode::kInvalidArgument, "line: not a JSON object");
  }
  Request request;
  request.id = id_of(line);
  const auto method = document.find("method");
  if (method == document.end() || method->is_null()) return request;
  const auto* name = method->get_ptr<const json::string_t*>();
  if (name == nullptr) {
    request.call = Malformed{"", "the method is no text"};
    return request;
  }
  const auto list = document.find("params");
  static const json none = json::array();
  request.call = call_of(*name, Parameters(list == document.end() ? none : *list));
  return request;
}

}  // namespace calx::stratum
