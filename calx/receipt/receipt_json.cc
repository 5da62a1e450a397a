#include "calx/receipt/receipt_json.h"

#include <fmt/format.h>

#include <charconv>

#include "calx/base/hex.h"
#include "calx/receipt/fields.h"
#include "calx/work/coinbase.h"

namespace calx::receipt {
namespace {

using format::Json;

constexpr std::string_view kFormatStem = "calx-receipt-";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kDepth = 8;
constexpr std::uint32_t kSignerBytesMax = kMadeTextBytesMax;

Json stamp_json(const work::Stamp& stamp) {
  return Json{{"target", stamp.target.to_string()},
              {"leaves", stamp.leaves},
              {"root", to_hex(stamp.root)},
              {"version", word_text(stamp.version)},
              {"previous_hash", to_hex(stamp.previous_hash)},
              {"coinbase_part_1", to_hex(stamp.coinbase_part_1)},
              {"extranonce_1", to_hex(stamp.extranonce_1)},
              {"extranonce_2", to_hex(stamp.extranonce_2)},
              {"branches", digests_json(stamp.branches)},
              {"ntime", word_text(stamp.ntime)},
              {"nbits", word_text(stamp.nbits)},
              {"nonce", word_text(stamp.nonce)},
              {"hash", to_hex(stamp.hash)}};
}

Result<work::Stamp> stamp_from_json(const Json& json) {
  constexpr std::string_view kPlace = "receipt.stamp";
  CALX_TRY(format::only_members(
      json,
      {"target", "leaves", "root", "version", "previous_hash", "coinbase_part_1", "extranonce_1",
       "extranonce_2", "branches", "ntime", "nbits", "nonce", "hash"},
      kPlace));
  work::Target::Bytes target{};
  CALX_TRY(read_hex(json, "target", kPlace, target));
  CALX_ASSIGN(leaves, read_integer(json, "leaves", kPlace, 1, work::kLeavesMax));
  CALX_ASSIGN(root, read_digest(json, "root", kPlace));
  CALX_ASSIGN(version, read_word(json, "version", kPlace));
  CALX_ASSIGN(previous_hash, read_digest(json, "previous_hash", kPlace));
  CALX_ASSIGN(part_1, read_bytes(json, "coinbase_part_1", kPlace, work::kCoinbasePart1BytesMax));
  CALX_ASSIGN(extranonce_1, read_bytes(json, "extranonce_1", kPlace, work::kExtranonceBytesMax));
  CALX_ASSIGN(extranonce_2, read_bytes(json, "extranonce_2", kPlace, work::kExtranonceBytesMax));
  CALX_ASSIGN(branches, read_digests(json, "branches", kPlace, work::kBranchesMax));
  CALX_ASSIGN(ntime, read_word(json, "ntime", kPlace));
  CALX_ASSIGN(nbits, read_word(json, "nbits", kPlace));
  CALX_ASSIGN(nonce, read_word(json, "nonce", kPlace));
  CALX_ASSIGN(hash, read_digest(json, "hash", kPlace));
  return work::Stamp{.target = work::Target(target),
                     .leaves = static_cast<std::uint32_t>(leaves),
                     .root = root,
                     .version = version,
                     .previous_hash = previous_hash,
                     .coinbase_part_1 = part_1,
                     .extranonce_1 = extranonce_1,
                     .extranonce_2 = extranonce_2,
                     .branches = branches,
                     .ntime = ntime,
                     .nbits = nbits,
                     .nonce = nonce,
                     .hash = hash};
}

Json path_json(const work::TreePath& path) {
  return Json{{"salt", to_hex(path.salt)},
              {"index", path.index},
              {"siblings", digests_json(path.siblings)}};
}

Result<work::TreePath> path_from_json(const Json& json) {
  constexpr std::string_view kPlace = "receipt.tree";
  CALX_TRY(format::only_members(json, {"salt", "index", "siblings"}, kPlace));
  work::TreePath path;
  CALX_TRY(read_hex(json, "salt", kPlace, path.salt));
  CALX_ASSIGN(index, read_integer(json, "index", kPlace, 0, work::kLeavesMax - 1));
  path.index = static_cast<std::uint32_t>(index);
  CALX_ASSIGN(siblings, read_digests(json, "siblings", kPlace, work::kBranchesMax));
  path.siblings = std::move(siblings);
  return path;
}

Json image_json(const ReceiptImage& image) {
  Json json{{"index", static_cast<std::int64_t>(image.index)}, {"file", image.file}};
  if (image.seed) json.set("seed", to_hex(*image.seed));
  json.set("latent", Json{{"channels", image.latent.channels},
                          {"rows", image.latent.rows},
                          {"columns", image.latent.columns},
                          {"digest", to_hex(image.latent.digest)}});
  json.set("pixels", Json{{"width", image.pixels.width},
                          {"height", image.pixels.height},
                          {"channels", image.pixels.channels},
                          {"depth", kDepth},
                          {"digest", to_hex(image.pixels.digest)}});
  return json;
}

Result<LatentClaim> latent_from_json(const Json& image, std::string_view image_place) {
  const std::string place = fmt::format("{}.latent", image_place);
  CALX_ASSIGN(json, format::object_member(image, "latent", image_place));
  CALX_TRY(format::only_members(*json, {"channels", "rows", "columns", "digest"}, place));
  CALX_ASSIGN(channels, read_integer(*json, "channels", place, 1, kLatentSideMax));
  CALX_ASSIGN(rows, read_integer(*json, "rows", place, 1, kLatentSideMax));
  CALX_ASSIGN(columns, read_integer(*json, "columns", place, 1, kLatentSideMax));
  CALX_ASSIGN(digest, read_digest(*json, "digest", place));
  return LatentClaim{.channels = static_cast<std::uint32_t>(channels),
                     .rows = static_cast<std::uint32_t>(rows),
                     .columns = static_cast<std::uint32_t>(columns),
                     .digest = digest};
}

Result<PixelClaim> pixels_from_json(const Json& image, std::string_view image_place) {
  const std::string place = fmt::format("{}.pixels", image_place);
  CALX_ASSIGN(json, format::object_member(image, "pixels", image_place));
  CALX_TRY(format::only_members(*json, {"width", "height", "channels", "depth", "digest"}, place));
  CALX_ASSIGN(width, read_integer(*json, "width", place, 1, kSideMax));
  CALX_ASSIGN(height, read_integer(*json, "height", place, 1, kSideMax));
  CALX_ASSIGN(channels, read_integer(*json, "channels", place, 1, 4));
  CALX_TRY(read_integer(*json, "depth", place, kDepth, kDepth));
  CALX_ASSIGN(digest, read_digest(*json, "digest", place));
  return PixelClaim{.width = static_cast<std::uint32_t>(width),
                    .height = static_cast<std::uint32_t>(height),
                    .channels = static_cast<std::uint32_t>(channels),
                    .digest = digest};
}

Result<ReceiptImage> image_from_json(const Json& json, const std::string& place) {
  CALX_TRY(format::only_members(json, {"index", "file", "seed", "latent", "pixels"}, place));
  ReceiptImage image;
  CALX_ASSIGN(index, read_integer(json, "index", place, 0, kIndexMax));
  image.index = static_cast<std::uint64_t>(index);
  CALX_ASSIGN(file, read_text(json, "file", place, kFileNameBytesMax));
  image.file = std::move(file);
  if (json.find("seed") != nullptr) {
    CALX_ASSIGN(seed, read_digest(json, "seed", place));
    image.seed = seed;
  }
  CALX_ASSIGN(latent, latent_from_json(json, place));
  image.latent = latent;
  CALX_ASSIGN(pixels, pixels_from_json(json, place));
  image.pixels = pixels;
  return image;
}

Result<std::vector<ReceiptImage>> images_from_json(const Json& json) {
  CALX_ASSIGN(array, format::array_member(json, "images", "receipt"));
  const Json::Elements& elements = *array->elements();
  if (elements.empty() || elements.size() > kCountMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("receipt: {} images, wanted 1 to {}", elements.size(), kCountMax));
  }
  std::vector<ReceiptImage> images;
  images.reserve(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    CALX_ASSIGN(image, image_from_json(elements[i], fmt::format("receipt.images[{}]", i)));
    images.push_back(std::move(image));
  }
  return images;
}

Json origins_json(const Receipt& receipt) {
  return Json{{"work", to_string(receipt.stamp.origin)},
              {"noise", to_string(receipt.noise_origin)},
              {"compute", to_string(receipt.compute_origin)}};
}

Result<void> read_origins(const Json& json, Receipt& receipt) {
  constexpr std::string_view kPlace = "receipt.origins";
  CALX_TRY(format::only_members(json, {"work", "noise", "compute"}, kPlace));
  const auto read = [&](std::string_view key, Origin& out) -> Result<void> {
    CALX_ASSIGN(word, format::string_member(json, key, kPlace));
    CALX_ASSIGN(origin, parse_origin(shown(word)));
    out = origin;
    return {};
  };
  CALX_TRY(read("work", receipt.stamp.origin));
  CALX_TRY(read("noise", receipt.noise_origin));
  return read("compute", receipt.compute_origin);
}

Json made_json(const Receipt& receipt) {
  Json json;
  for (const auto& [key, value] : receipt.made) json.set(key, value);
  return json;
}

Result<std::map<std::string, std::string>> made_from_json(const Json& json) {
  std::map<std::string, std::string> made;
  for (const format::JsonMember& member : *json.members()) {
    CALX_ASSIGN(value, read_text(json, member.key, "receipt.made", kMadeTextBytesMax));
    made.emplace(member.key, std::move(value));
  }
  return made;
}

// "calx-receipt-2" is a promise this program cannot keep, not a damaged file.
Result<void> check_format(const Json& json) {
  CALX_ASSIGN(name, format::string_member(json, "format", "receipt"));
  if (name == kReceiptFormat) return {};
  std::uint32_t version = 0;
  const char* const end = name.data() + name.size();
  if (name.starts_with(kFormatStem) && name.size() <= kFormatStem.size() + 9) {
    const auto [stop, error] = std::from_chars(name.data() + kFormatStem.size(), end, version);
    if (error == std::errc() && stop == end && version > kVersion) {
      return fail(
          ErrorCode::kUnimplemented,
          fmt::format("receipt version {} is newer than this program ({})", name, kReceiptFormat));
    }
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("receipt: format '{}', wanted '{}'", shown(name), kReceiptFormat));
}

Result<void> read_claims(const Json& json, Receipt& receipt) {
  CALX_ASSIGN(request, format::object_member(json, "request", "receipt"));
  CALX_ASSIGN(read_request, request_from_json(*request, "receipt.request"));
  receipt.request = std::move(read_request);
  CALX_ASSIGN(commitment, read_digest(json, "commitment", "receipt"));
  receipt.commitment = commitment;
  CALX_ASSIGN(tree, format::object_member(json, "tree", "receipt"));
  CALX_ASSIGN(path, path_from_json(*tree));
  receipt.path = std::move(path);
  CALX_ASSIGN(stamp_object, format::object_member(json, "stamp", "receipt"));
  CALX_ASSIGN(stamp, stamp_from_json(*stamp_object));
  receipt.stamp = std::move(stamp);
  CALX_ASSIGN(images, images_from_json(json));
  receipt.images = std::move(images);
  return {};
}

Result<void> read_statements(const Json& json, Receipt& receipt) {
  CALX_ASSIGN(origins, format::object_member(json, "origins", "receipt"));
  CALX_TRY(read_origins(*origins, receipt));
  CALX_ASSIGN(signer, read_text(json, "signer", "receipt", kSignerBytesMax));
  receipt.signer = std::move(signer);
  CALX_ASSIGN(made_object, format::object_member(json, "made", "receipt"));
  CALX_ASSIGN(made, made_from_json(*made_object));
  receipt.made = std::move(made);
  CALX_TRY(read_hex(json, "public_key", "receipt", receipt.public_key));
  return read_hex(json, "signature", "receipt", receipt.signature);
}

}  // namespace

Result<Json> unsigned_json(const Receipt& receipt) {
  CALX_TRY(check(receipt));
  CALX_ASSIGN(request, to_json(receipt.request));
  Json images = Json::array();
  for (const ReceiptImage& image : receipt.images) images.push(image_json(image));
  return Json{{"format", kReceiptFormat},
              {"request", std::move(request)},
              {"commitment", to_hex(receipt.commitment)},
              {"tree", path_json(receipt.path)},
              {"stamp", stamp_json(receipt.stamp)},
              {"images", std::move(images)},
              {"origins", origins_json(receipt)},
              {"signer", receipt.signer},
              {"made", made_json(receipt)},
              {"public_key", to_hex(receipt.public_key)}};
}

Result<Json> to_json(const Receipt& receipt) {
  CALX_ASSIGN(json, unsigned_json(receipt));
  json.set("signature", to_hex(receipt.signature));
  return json;
}

Result<Receipt> receipt_from_json(const Json& json) {
  if (json.members() == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a receipt is a JSON object, this is of kind {}", json.kind()));
  }
  CALX_TRY(check_format(json));
  CALX_TRY(format::only_members(json,
                                {"format", "request", "commitment", "tree", "stamp", "images",
                                 "origins", "signer", "made", "public_key", "signature"},
                                "receipt"));
  Receipt receipt;
  CALX_TRY(read_claims(json, receipt));
  CALX_TRY(read_statements(json, receipt));
  CALX_TRY(check(receipt));
  return receipt;
}

}  // namespace calx::receipt
