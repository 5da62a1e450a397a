#include "calx/format/canonical_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>
#include <vector>

#include "calx/format/utf8.h"

namespace calx::format {
namespace {

using Lexed = nlohmann::json;

/// Builds a Json from the events of nlohmann's parser, which checks syntax and UTF-8. Returning
/// false stops it; error() then says why.
class Builder final : public nlohmann::json_sax<Lexed> {
 public:
  bool null() override { return stop("is null, which has no place here"); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override {
    // Numbers without a sign come as unsigned.
    if (value == 0) return stop("is -0, wanted 0");
    if (value < -kJsonIntegerMax) return stop("is a number of 2^53 or more, wanted less");
    return add(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<std::uint64_t>(kJsonIntegerMax)) {
      return stop("is a number of 2^53 or more, wanted less");
    }
    return add(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t, const string_t&) override {
    return stop("is a number with a point, an exponent or too many digits, wanted an integer");
  }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return stop("is binary"); }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    Level& level = levels_.back();
    level.key = value;
    if (!level.keys.insert(std::move(value)).second) return stop("appears twice");
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& cause) override {
    std::string_view why = cause.what();
    if (const auto dash = why.find(" - "); dash != why.npos) why.remove_prefix(dash + 3);
    why = why.substr(0, why.find("; last read"));
    error_ = {ErrorCode::kInvalidArgument, fmt::format("JSON: byte {}: {}", position, why)};
    return false;
  }

  [[nodiscard]] Error& error() noexcept { return error_; }
  [[nodiscard]] Json& root() noexcept { return root_; }

 private:
  struct Level {
    bool is_object;
    Json::Elements elements;
    Json::Members members;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  [[nodiscard]] std::string path() const {
    std::string text = "$";
    for (const Level& level : levels_) {
      text += level.is_object ? fmt::format(".{}", level.key)
                              : fmt::format("[{}]", level.elements.size());
    }
    return text;
  }

  bool stop(std::string_view why, ErrorCode code = ErrorCode::kInvalidArgument) {
    error_ = {code, fmt::format("JSON: {:?} {}", path(), why)};
    return false;
  }

  bool add(Json value) {
    if (++values_ > kJsonValuesMax) {
      return stop(fmt::format("is value {}, wanted at most {}", values_, kJsonValuesMax),
                  ErrorCode::kResourceExhausted);
    }
    if (levels_.empty()) {
      root_ = std::move(value);
    } else if (Level& level = levels_.back(); level.is_object) {
      level.members.push_back({level.key, std::move(value)});
    } else {
      level.elements.push_back(std::move(value));
    }
    return true;
  }

  bool open(bool is_object) {
    if (levels_.size() == kJsonDepthMax) {
      return stop(fmt::format("is over {} levels deep", kJsonDepthMax),
                  ErrorCode::kResourceExhausted);
    }
    levels_.push_back({is_object, {}, {}, {}, {}});
    return true;
  }

  bool close() {
    Level done = std::move(levels_.back());
    levels_.pop_back();
    return add(done.is_object ? Json::object(std::move(done.members))
                              : Json::array(std::move(done.elements)));
  }

  std::vector<Level> levels_;
  Json root_;
  Error error_{};
  std::size_t values_ = 0;
};

// The way from the root to a value, built only when a message needs it.
struct Place {
  const Place* above;
  std::string_view key;
  std::size_t index;
  bool is_member;
};

std::string to_path(const Place* place) {
  if (place == nullptr) return "$";
  return to_path(place->above) +
         (place->is_member ? fmt::format(".{}", place->key) : fmt::format("[{}]", place->index));
}

class Writer {
 public:
  explicit Writer(bool pretty) noexcept : pretty_(pretty) {}

  Result<void> write(const Json& value, const Place* place, std::size_t depth) {
    if (const bool* const b = value.boolean()) {
      text_ += *b ? "true" : "false";
      return {};
    }
    if (const std::int64_t* const n = value.integer()) {
      if (*n > kJsonIntegerMax || *n < -kJsonIntegerMax) {
        return stop(place, fmt::format("is {}, wanted a magnitude below 2^53", *n));
      }
      fmt::format_to(std::back_inserter(text_), "{}", *n);
      return {};
    }
    if (const std::string* const s = value.string()) return write_string(*s, place);
    if (depth == kJsonDepthMax) {
      return stop(place, fmt::format("is over {} levels deep", kJsonDepthMax),
                  ErrorCode::kResourceExhausted);
    }
    if (value.elements()) return write_array(*value.elements(), place, depth + 1);
    return write_object(*value.members(), place, depth + 1);
  }

  [[nodiscard]] std::string& text() noexcept { return text_; }

 private:
  static std::unexpected<Error> stop(const Place* place, std::string_view why,
                                     ErrorCode code = ErrorCode::kInvalidArgument) {
    return fail(code, fmt::format("JSON: {:?} {}", to_path(place), why));
  }

  Result<void> write_array(const Json::Elements& elements, const Place* place, std::size_t depth) {
    text_ += '[';
    for (std::size_t i = 0; i < elements.size(); ++i) {
      separate(i, depth);
      const Place here{place, {}, i, false};
      CALX_TRY(write(elements[i], &here, depth));
    }
    finish(']', elements.empty(), depth);
    return {};
  }

  Result<void> write_object(const Json::Members& members, const Place* place, std::size_t depth) {
    std::vector<const JsonMember*> order;
    order.reserve(members.size());
    for (const JsonMember& member : members) {
      if (!is_utf8(member.key)) return stop(place, "has a key that is no UTF-8");
      order.push_back(&member);
    }
    if (!pretty_) {
      std::ranges::sort(order, utf16_less,
                        [](const JsonMember* m) -> std::string_view { return m->key; });
    }
    text_ += '{';
    for (std::size_t i = 0; i < order.size(); ++i) {
      separate(i, depth);
      const Place here{place, order[i]->key, 0, true};
      CALX_TRY(write_string(order[i]->key, &here));
      text_ += pretty_ ? ": " : ":";
      CALX_TRY(write(order[i]->value, &here, depth));
    }
    finish('}', order.empty(), depth);
    return {};
  }

  Result<void> write_string(std::string_view text, const Place* place) {
    if (!is_utf8(text)) return stop(place, "is text that is no UTF-8");
    text_ += '"';
    std::size_t plain = 0;  // where the characters begin that stand for themselves
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
      text_.append(text, plain, i - plain);
      plain = i + 1;
      switch (c) {
        case '"':
          text_ += "\\\"";
          break;
        case '\\':
          text_ += "\\\\";
          break;
        case '\b':
          text_ += "\\b";
          break;
        case '\t':
          text_ += "\\t";
          break;
        case '\n':
          text_ += "\\n";
          break;
        case '\f':
          text_ += "\\f";
          break;
        case '\r':
          text_ += "\\r";
          break;
        default:
          fmt::format_to(std::back_inserter(text_), "\\u{:04x}", c);
      }
    }
    text_.append(text, plain);
    text_ += '"';
    return {};
  }

  void separate(std::size_t index, std::size_t depth) {
    if (index > 0) text_ += ',';
    if (pretty_) text_.append("\n").append(2 * depth, ' ');
  }

  void finish(char bracket, bool empty, std::size_t depth) {
    if (pretty_ && !empty) text_.append("\n").append(2 * (depth - 1), ' ');
    text_ += bracket;
  }

  bool pretty_;
  std::string text_;
};

Result<std::string> encode(const Json& value, bool pretty) {
  try {
    Writer writer(pretty);
    CALX_TRY(writer.write(value, nullptr, 0));
    if (pretty) writer.text() += '\n';
    return std::move(writer.text());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "JSON: the text does not fit in memory");
  }
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::uint64_t bytes_max) {
  if (text.size() > bytes_max) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("JSON: {} bytes, wanted at most {}", text.size(), bytes_max));
  }
  // nlohmann's parser skips a byte order mark and takes a NUL for the end.
  if (text.starts_with("\xef\xbb\xbf")) {
    return fail(ErrorCode::kInvalidArgument, "JSON: a byte order mark at byte 0, wanted none");
  }
  if (const auto at = text.find('\0'); at != text.npos) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("JSON: a NUL at byte {}", at));
  }
  try {
    Builder builder;
    if (!Lexed::sax_parse(text.begin(), text.end(), &builder)) {
      return std::unexpected(std::move(builder.error()));
    }
    return std::move(builder.root());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("JSON: the values of {} bytes do not fit in memory", text.size()));
  }
}

Result<std::string> encode_canonical_json(const Json& value) {
  return encode(value, /*pretty=*/false);
}

Result<std::string> encode_pretty_json(const Json& value) { return encode(value, /*pretty=*/true); }

}  // namespace calx::format
