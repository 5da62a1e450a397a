// What makes an image the image it is, and the seed that follows from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "calx/base/result.h"
#include "calx/format/canonical_json.h"
#include "calx/hash/digest.h"
#include "calx/noise/seed.h"

namespace calx::receipt {

inline constexpr std::uint32_t kClassMax = 65'535;
inline constexpr std::uint32_t kGuidanceThousandthsMax = 1'000'000;
inline constexpr std::uint32_t kStepsMax = 10'000;
inline constexpr std::size_t kSamplerBytesMax = 32;
inline constexpr std::uint32_t kSideMax = 16'384;   // pixels
inline constexpr std::uint32_t kCountMax = 10'000;  // images of one request
inline constexpr std::uint64_t kIndexMax = (std::uint64_t{1} << 53) - 1;

/// A seed that is not told: SHA256("calx-private-seed-1\0" || salt32 || u8 type || u32 length ||
/// seed). The salt stays with the owner.
struct PrivateSeed {
  hash::Digest commitment{};
  friend bool operator==(const PrivateSeed&, const PrivateSeed&) = default;
};

/// What the owner of a private seed can show.
struct SeedOpening {
  noise::Seed seed = {};
  hash::Digest salt{};  // 32 random bytes
};

PrivateSeed commit(const SeedOpening& opening);

/// Two equal identities give the same images (on one machine the same bits). Count, first index,
/// engine and work are not part of it.
struct Identity {
  hash::Digest model{};                    // SHA-256 of the weight file
  std::uint32_t class_index = 0;           // <= kClassMax
  std::uint32_t guidance_thousandths = 0;  // 2500 is a guidance of 2.5
  std::uint32_t steps = 1;                 // 1..kStepsMax
  std::string sampler = {};                // 1..32 of a-z 0-9 . _ + -
  std::uint32_t width = 1, height = 1;     // pixels, 1..kSideMax
  std::variant<noise::Seed, PrivateSeed> seed = {};

  friend bool operator==(const Identity&, const Identity&) = default;
};

enum class SeedMode : std::uint8_t {
  kSeeded,   // image seeds follow from identity and index; a stamp only attests
  kStamped,  // they also take the hash of the stamp: another draw costs the work again
};

/// What is committed to before any work: which images, how their seeds are made, how many.
struct Request {
  Identity identity;
  SeedMode mode = SeedMode::kSeeded;
  std::uint64_t first_index = 0;
  std::uint32_t count = 1;  // 1..kCountMax; first_index + count - 1 <= kIndexMax

  friend bool operator==(const Request&, const Request&) = default;
};

/// "seeded" or "stamped".
std::string_view to_string(SeedMode mode) noexcept;

/// Errors: kInvalidArgument names the field, its value and the limit.
Result<void> check(const Identity& identity);
Result<void> check(const Request& request);

/// The objects that stand in a receipt (docs/protocol/receipt.md). Errors: those of check.
Result<format::Json> to_json(const Request& request);
Result<Request> request_from_json(const format::Json& json, std::string_view place);

/// C = SHA256("calx-request-1\n" || RFC 8785 form of the request). Errors: those of check.
Result<hash::Digest> commitment(const Request& request);

/// What an image seed takes beside identity and index.
struct SeedBasis {
  std::optional<hash::Digest> stamp_hash = {};    // SHA256d of the header, raw; for kStamped alone
  std::optional<hash::Digest> private_salt = {};  // for a PrivateSeed alone
};

/// The 32-byte seed of image `index`; its noise is that of noise::Seed::from_bytes(this), stream
/// index 0.
///
///     SHA256("calx-image-seed-1\0" || SHA256("calx-identity-1\n" || RFC 8785 form of the identity)
///            || u64 index || u8 has stamp || [stamp hash] || u8 has salt || [salt])
///
/// Errors: those of check; kInvalidArgument when the stamp hash is there without kStamped or
/// missing with it; kUnavailable when the seed is private and the salt is not given.
Result<hash::Digest> image_seed(const Request& request, std::uint64_t index,
                                const SeedBasis& basis);

}  // namespace calx::receipt
