#include "calx/format/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "calx/base/assert.h"

namespace calx::format {
namespace {

std::unexpected<Error> wrong_kind(std::string_view place, std::string_view key, const Json* seen,
                                  std::string_view wanted) {
  const std::string state = seen ? fmt::format("is of kind {}", seen->kind()) : "is missing";
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: {:?} {}, wanted {}", place, key, state, wanted));
}

}  // namespace

Json::Json() noexcept : value_(Members{}) {}
Json::Json(bool value) noexcept : value_(value) {}
Json::Json(std::string value) noexcept : value_(std::move(value)) {}
Json::Json(std::string_view value) : value_(std::string(value)) {}
Json::Json(const char* value) : value_(std::string(value)) {}
Json::Json(Integer integer) noexcept : value_(integer.value) {}
Json::Json(Elements elements) noexcept : value_(std::move(elements)) {}
Json::Json(std::initializer_list<JsonMember> members) : value_(Members{}) {
  for (const JsonMember& member : members) set(member.key, member.value);
}
Json Json::array(Elements elements) { return Json(std::move(elements)); }
Json Json::object(Members members) {
  Json json;
  json.value_ = std::move(members);
  return json;
}

Json::Json(const Json&) = default;
Json::Json(Json&&) noexcept = default;
Json& Json::operator=(const Json&) = default;
Json& Json::operator=(Json&&) noexcept = default;
Json::~Json() = default;

std::string_view Json::kind() const noexcept {
  static constexpr std::array<std::string_view, 5> kNames = {"boolean", "integer", "string",
                                                             "array", "object"};
  return kNames[value_.index()];
}

const Json* Json::find(std::string_view key) const noexcept {
  const Members* const all = members();
  if (all == nullptr) return nullptr;
  const auto found = std::ranges::find(*all, key, &JsonMember::key);
  return found == all->end() ? nullptr : &found->value;
}

Json& Json::set(std::string_view key, Json value) {
  auto* const all = std::get_if<Members>(&value_);
  CALX_ASSERT(all != nullptr);
  const auto found = std::ranges::find(*all, key, &JsonMember::key);
  if (found != all->end()) {
    found->value = std::move(value);
  } else {
    all->push_back({std::string(key), std::move(value)});
  }
  return *this;
}

bool Json::erase(std::string_view key) {
  auto* const all = std::get_if<Members>(&value_);
  CALX_ASSERT(all != nullptr);
  return std::erase_if(*all, [&](const JsonMember& member) { return member.key == key; }) > 0;
}

Json& Json::push(Json value) {
  auto* const all = std::get_if<Elements>(&value_);
  CALX_ASSERT(all != nullptr);
  all->push_back(std::move(value));
  return *this;
}

bool operator==(const Json& a, const Json& b) {
  const auto* const x = a.members();
  const auto* const y = b.members();
  if (x == nullptr || y == nullptr) return a.value_ == b.value_;
  return x->size() == y->size() && std::ranges::all_of(*x, [&](const JsonMember& member) {
           const Json* const other = b.find(member.key);
           return other != nullptr && member.value == *other;
         });
}

Result<std::string> string_member(const Json& object, std::string_view key,
                                  std::string_view place) {
  const Json* const value = object.find(key);
  if (value && value->string()) return *value->string();
  return wrong_kind(place, key, value, "a string");
}

Result<std::int64_t> integer_member(const Json& object, std::string_view key,
                                    std::string_view place) {
  const Json* const value = object.find(key);
  if (value && value->integer()) return *value->integer();
  return wrong_kind(place, key, value, "an integer");
}

Result<bool> boolean_member(const Json& object, std::string_view key, std::string_view place) {
  const Json* const value = object.find(key);
  if (value && value->boolean()) return *value->boolean();
  return wrong_kind(place, key, value, "true or false");
}

Result<const Json*> object_member(const Json& object, std::string_view key,
                                  std::string_view place) {
  const Json* const value = object.find(key);
  if (value && value->members()) return value;
  return wrong_kind(place, key, value, "an object");
}

Result<const Json*> array_member(const Json& object, std::string_view key, std::string_view place) {
  const Json* const value = object.find(key);
  if (value && value->elements()) return value;
  return wrong_kind(place, key, value, "an array");
}

Result<void> only_members(const Json& object, std::initializer_list<std::string_view> known,
                          std::string_view place) {
  if (!object.members()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is of kind {}, wanted an object", place, object.kind()));
  }
  for (const JsonMember& member : *object.members()) {
    if (std::ranges::find(known, member.key) == known.end()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {:?} is no known member", place, member.key));
    }
  }
  return {};
}

}  // namespace calx::format
