// JSON that has one meaning and one form: what receipts are made of and what is signed.
//
// Of JSON's values only objects, arrays, strings, booleans and whole numbers below 2^53 exist here;
// no floats and no null, because programs disagree about them. Reading refuses everything that
// programs read in different ways; writing follows RFC 8785.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "calx/base/result.h"

namespace calx::format {

inline constexpr std::int64_t kJsonIntegerMax = (std::int64_t{1} << 53) - 1;  // and its negative
inline constexpr std::uint64_t kJsonBytesMax = 16'777'216;
inline constexpr std::size_t kJsonDepthMax = 32;  // objects and arrays inside each other

struct JsonMember;

class Json {
 public:
  using Elements = std::vector<Json>;
  using Members = std::vector<JsonMember>;  // keys differ; in the order they were set

  Json() noexcept;  // an empty object
  Json(bool value) noexcept : value_(value) {}
  Json(std::string value) noexcept : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(const char* value) : value_(std::string(value)) {}
  template <std::integral T>
    requires(!std::same_as<T, bool> && (sizeof(T) < 8 || std::signed_integral<T>))
  Json(T value) noexcept : value_(static_cast<std::int64_t>(value)) {}
  Json(std::uint64_t) = delete;  // may pass 2^53: cast it to int64_t, or store it as text
  Json(Elements elements) noexcept;
  Json(std::initializer_list<JsonMember> members);
  static Json array(Elements elements = {});

  Json(const Json&);
  Json(Json&&) noexcept;
  Json& operator=(const Json&);
  Json& operator=(Json&&) noexcept;
  ~Json();

  /// The value if it is of this kind, else null.
  [[nodiscard]] const bool* boolean() const noexcept { return std::get_if<bool>(&value_); }
  [[nodiscard]] const std::int64_t* integer() const noexcept {
    return std::get_if<std::int64_t>(&value_);
  }
  [[nodiscard]] const std::string* string() const noexcept {
    return std::get_if<std::string>(&value_);
  }
  [[nodiscard]] const Elements* elements() const noexcept { return std::get_if<Elements>(&value_); }
  [[nodiscard]] const Members* members() const noexcept { return std::get_if<Members>(&value_); }

  /// "boolean", "integer", "string", "array" or "object".
  [[nodiscard]] std::string_view kind() const noexcept;

  /// The member of this object, or null (also when this is no object). Cost: linear.
  [[nodiscard]] const Json* find(std::string_view key) const noexcept;

  /// Adds or replaces a member. \pre this is an object
  Json& set(std::string_view key, Json value);
  /// Takes a member away; false if there was none. \pre this is an object
  bool erase(std::string_view key);
  /// Adds an element. \pre this is an array
  Json& push(Json value);

  /// Two objects are equal whatever the order of their members.
  friend bool operator==(const Json& a, const Json& b);

 private:
  std::variant<bool, std::int64_t, std::string, Elements, Members> value_;
};

struct JsonMember {
  std::string key;
  Json value;
};

/// Reads one value with white space around it. Refused: a byte order mark, bytes that are no UTF-8,
/// lone surrogates, duplicate keys, null, numbers with a point or an exponent, "-0", numbers of
/// 2^53 and more, comments, anything after the value, and the limits above.
/// Errors: kInvalidArgument names the place as a path, such as "$.image.seed", or as a byte;
/// kResourceExhausted (over `bytes_max` bytes, over kJsonDepthMax deep).
Result<Json> parse_json(std::string_view text, std::uint64_t bytes_max = kJsonBytesMax);

/// RFC 8785: no white space, keys sorted by their UTF-16 code units, shortest escapes.
/// Errors: kInvalidArgument (an integer of 2^53 and more, text that is no UTF-8, both with their
/// path), kResourceExhausted (over kJsonDepthMax deep).
Result<std::string> encode_canonical_json(const Json& value);

/// The same content for people: two spaces a level, one member a line, a newline at the end, keys
/// in the order they were set. Errors: as above.
Result<std::string> encode_pretty_json(const Json& value);

/// A member of an object of a stated kind. `place` is the object's own path, for the message.
/// Errors: kInvalidArgument: "receipt.image: 'steps' is a string, wanted an integer", or missing.
Result<std::string> string_member(const Json& object, std::string_view key, std::string_view place);
Result<std::int64_t> integer_member(const Json& object, std::string_view key,
                                    std::string_view place);
Result<bool> boolean_member(const Json& object, std::string_view key, std::string_view place);
/// The pointer is never null and lives as long as `object`.
Result<const Json*> object_member(const Json& object, std::string_view key, std::string_view place);
Result<const Json*> array_member(const Json& object, std::string_view key, std::string_view place);

/// Errors: kInvalidArgument unless `object` is an object all of whose keys are `known`.
Result<void> only_members(const Json& object, std::initializer_list<std::string_view> known,
                          std::string_view place);

}  // namespace calx::format
