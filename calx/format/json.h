// The values of which receipts are made: objects, arrays, strings, booleans, whole numbers.
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

struct JsonMember;

class Json {
 public:
  using Elements = std::vector<Json>;
  using Members = std::vector<JsonMember>;  // keys differ; in the order they were set

  Json() noexcept;  // an empty object
  Json(bool value) noexcept;
  Json(std::string value) noexcept;
  Json(std::string_view value);
  Json(const char* value);
  template <std::integral T>
    requires(!std::same_as<T, bool> && (sizeof(T) < 8 || std::signed_integral<T>))
  Json(T value) noexcept : Json(Integer{static_cast<std::int64_t>(value)}) {}
  Json(std::uint64_t) = delete;  // may pass 2^53: cast it to int64_t, or store it as text
  Json(Elements elements) noexcept;
  Json(std::initializer_list<JsonMember> members);
  static Json array(Elements elements = {});
  /// \pre no key occurs twice; set() looks for it, this does not
  static Json object(Members members);

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
  struct Integer {
    std::int64_t value;
  };
  explicit Json(Integer integer) noexcept;

  std::variant<bool, std::int64_t, std::string, Elements, Members> value_;
};

struct JsonMember {
  std::string key;
  Json value;

  friend bool operator==(const JsonMember&, const JsonMember&) = default;
};

/// A member of an object of a stated kind. `place` is the object's own path, for the message.
/// Errors: kInvalidArgument, as in: receipt.image: "steps" is of kind string, wanted an integer.
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
