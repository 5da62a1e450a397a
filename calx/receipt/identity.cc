#include "calx/receipt/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"
#include "calx/receipt/fields.h"

namespace calx::receipt {
namespace {

using format::Json;

constexpr std::string_view kPrivate = "private";
constexpr std::array<std::string_view, 3> kSeedTypes = {"bytes", "text", "integer"};
constexpr std::array<std::string_view, 2> kModes = {"seeded", "stamped"};

// Terminated names: the NUL keeps a name from being the start of another.
constexpr std::string_view kPrivateSeedDomain("calx-private-seed-1\0", 20);
constexpr std::string_view kImageSeedDomain("calx-image-seed-1\0", 18);

Result<void> within(std::string_view name, std::uint64_t value, std::uint64_t least,
                    std::uint64_t most) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is {}, wanted {} to {}", name, value, least, most));
}

bool sampler_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+' ||
         c == '-';
}

Json seed_json(const std::variant<noise::Seed, PrivateSeed>& slot) {
  if (const auto* hidden = std::get_if<PrivateSeed>(&slot)) {
    return Json{{"type", kPrivate}, {"value", to_hex(hidden->commitment)}};
  }
  const auto& seed = std::get<noise::Seed>(slot);
  const auto bytes = seed.bytes();
  std::string value;
  switch (seed.type()) {
    case noise::SeedType::kBytes:
      value = to_hex(bytes);
      break;
    case noise::SeedType::kText:
      value.assign(bytes.begin(), bytes.end());
      break;
    case noise::SeedType::kInteger:
      value = seed.to_string();
      break;
  }
  return Json{{"type", kSeedTypes[static_cast<std::size_t>(seed.type())]}, {"value", value}};
}

Result<std::variant<noise::Seed, PrivateSeed>> seed_from_json(const Json& json,
                                                              std::string_view place) {
  CALX_TRY(format::only_members(json, {"type", "value"}, place));
  CALX_ASSIGN(type, format::string_member(json, "type", place));
  if (type == kPrivate) {
    CALX_ASSIGN(commitment, read_digest(json, "value", place));
    return PrivateSeed{commitment};
  }
  if (type == "bytes") {
    CALX_ASSIGN(bytes, read_digest(json, "value", place));
    return noise::Seed::from_bytes(bytes);
  }
  CALX_ASSIGN(value, read_text(json, "value", place, noise::kSeedTextBytesMax));
  if (type == "text") {
    auto seed = noise::Seed::from_text(value);
    if (!seed) return fail(std::move(seed));
    return *seed;
  }
  const auto seed = noise::Seed::parse(value);
  if (type != "integer" || !seed || seed->type() != noise::SeedType::kInteger ||
      seed->to_string() != value) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: a seed of type '{}' and value '{}': wanted bytes, text, integer "
                            "(shortest decimal) or private",
                            place, shown(type), shown(value)));
  }
  return *seed;
}

Json identity_json(const Identity& identity) {
  return Json{{"model", to_hex(identity.model)},
              {"class", identity.class_index},
              {"guidance", identity.guidance_thousandths},
              {"steps", identity.steps},
              {"sampler", identity.sampler},
              {"width", identity.width},
              {"height", identity.height},
              {"seed", seed_json(identity.seed)}};
}

Result<Identity> identity_from_json(const Json& json, std::string_view place) {
  CALX_TRY(format::only_members(
      json, {"model", "class", "guidance", "steps", "sampler", "width", "height", "seed"}, place));
  const auto number = [&](std::string_view key, std::int64_t least, std::int64_t most) {
    return read_integer(json, key, place, least, most);
  };
  CALX_ASSIGN(model, read_digest(json, "model", place));
  CALX_ASSIGN(class_index, number("class", 0, kClassMax));
  CALX_ASSIGN(guidance, number("guidance", 0, kGuidanceThousandthsMax));
  CALX_ASSIGN(steps, number("steps", 1, kStepsMax));
  CALX_ASSIGN(sampler, read_text(json, "sampler", place, kSamplerBytesMax));
  CALX_ASSIGN(width, number("width", 1, kSideMax));
  CALX_ASSIGN(height, number("height", 1, kSideMax));
  CALX_ASSIGN(seed_object, format::object_member(json, "seed", place));
  CALX_ASSIGN(seed, seed_from_json(*seed_object, fmt::format("{}.seed", place)));
  return Identity{.model = model,
                  .class_index = static_cast<std::uint32_t>(class_index),
                  .guidance_thousandths = static_cast<std::uint32_t>(guidance),
                  .steps = static_cast<std::uint32_t>(steps),
                  .sampler = sampler,
                  .width = static_cast<std::uint32_t>(width),
                  .height = static_cast<std::uint32_t>(height),
                  .seed = seed};
}

}  // namespace

PrivateSeed commit(const SeedOpening& opening) {
  const auto bytes = opening.seed.bytes();
  return {hash::Sha256()
              .update(kPrivateSeedDomain)
              .update(opening.salt)
              .update_u8(static_cast<std::uint8_t>(opening.seed.type()))
              .update_u32(static_cast<std::uint32_t>(bytes.size()))
              .update(bytes)
              .finish()};
}

std::string_view to_string(SeedMode mode) noexcept {
  return kModes[static_cast<std::size_t>(mode)];
}

Result<void> check(const Identity& identity) {
  CALX_TRY(within("class", identity.class_index, 0, kClassMax));
  CALX_TRY(
      within("guidance (thousandths)", identity.guidance_thousandths, 0, kGuidanceThousandthsMax));
  CALX_TRY(within("steps", identity.steps, 1, kStepsMax));
  CALX_TRY(within("width", identity.width, 1, kSideMax));
  CALX_TRY(within("height", identity.height, 1, kSideMax));
  if (identity.sampler.empty() || identity.sampler.size() > kSamplerBytesMax ||
      !std::ranges::all_of(identity.sampler, sampler_character)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("sampler '{}': wanted 1 to {} of a-z 0-9 . _ + -",
                            shown(identity.sampler), kSamplerBytesMax));
  }
  return {};
}

Result<void> check(const Request& request) {
  CALX_TRY(check(request.identity));
  CALX_TRY(within("count", request.count, 1, kCountMax));
  return within("first index", request.first_index, 0, kIndexMax - request.count + 1);
}

Result<Json> to_json(const Request& request) {
  CALX_TRY(check(request));
  return Json{{"identity", identity_json(request.identity)},
              {"mode", to_string(request.mode)},
              {"first_index", static_cast<std::int64_t>(request.first_index)},
              {"count", request.count}};
}

Result<Request> request_from_json(const Json& json, std::string_view place) {
  CALX_TRY(format::only_members(json, {"identity", "mode", "first_index", "count"}, place));
  CALX_ASSIGN(object, format::object_member(json, "identity", place));
  CALX_ASSIGN(identity, identity_from_json(*object, fmt::format("{}.identity", place)));
  CALX_ASSIGN(mode, format::string_member(json, "mode", place));
  const auto known = std::ranges::find(kModes, mode);
  if (known == kModes.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: mode '{}', wanted seeded or stamped", place, shown(mode)));
  }
  CALX_ASSIGN(first, read_integer(json, "first_index", place, 0, kIndexMax));
  CALX_ASSIGN(count, read_integer(json, "count", place, 1, kCountMax));
  Request request{.identity = identity,
                  .mode = static_cast<SeedMode>(known - kModes.begin()),
                  .first_index = static_cast<std::uint64_t>(first),
                  .count = static_cast<std::uint32_t>(count)};
  CALX_TRY(check(request));
  return request;
}

Result<hash::Digest> commitment(const Request& request) {
  CALX_ASSIGN(json, to_json(request));
  CALX_ASSIGN(text, format::encode_canonical_json(json));
  return hash::Sha256().update("calx-request-1\n").update(text).finish();
}

Result<hash::Digest> image_seed(const Request& request, std::uint64_t index,
                                const SeedBasis& basis) {
  CALX_TRY(check(request));
  CALX_TRY(within("image index", index, 0, kIndexMax));
  const bool stamped = request.mode == SeedMode::kStamped;
  const bool hidden = std::holds_alternative<PrivateSeed>(request.identity.seed);
  if (stamped != basis.stamp_hash.has_value()) {
    return fail(ErrorCode::kInvalidArgument,
                stamped ? "stamped image seeds need the hash of the stamp, none was given"
                        : "seeded image seeds take no hash of a stamp, one was given");
  }
  if (hidden && !basis.private_salt) {
    return fail(ErrorCode::kUnavailable, "the seed is private and its salt was not given");
  }
  CALX_ASSIGN(text, format::encode_canonical_json(identity_json(request.identity)));
  const auto identity = hash::Sha256().update("calx-identity-1\n").update(text).finish();
  hash::Sha256 seed;
  seed.update(kImageSeedDomain).update(identity).update_u64(index);
  seed.update_u8(stamped ? 1 : 0);
  if (stamped) seed.update(*basis.stamp_hash);
  seed.update_u8(hidden ? 1 : 0);
  if (hidden) seed.update(*basis.private_salt);
  return seed.finish();
}

}  // namespace calx::receipt
