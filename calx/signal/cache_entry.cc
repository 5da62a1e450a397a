#include "calx/signal/cache_entry.h"

#include <algorithm>
#include <string_view>

#include "calx/hash/sha256.h"
#include "calx/signal/stamp_bytes.h"

namespace calx::signal {
namespace {

using std::string_view_literals::operator""sv;

hash::Digest check_of(const CacheQuestion& question, std::span<const std::uint8_t> body) {
  return hash::Sha256()
      .update("calx-cache-entry-1\0"sv)
      .update(cache_key(question))
      .update(body)
      .finish();
}

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::kDataLoss, std::string(what));
}

}  // namespace

hash::Digest cache_key(const CacheQuestion& question) noexcept {
  return hash::Sha256()
      .update("calx-cache-1\0"sv)
      .update(question.commitment)
      .update(question.target.bytes())
      .update_u8(static_cast<std::uint8_t>(question.origin))
      .finish();
}

std::vector<std::uint8_t> encode_entry(const CacheQuestion& question,
                                       const StampedRequest& stamped) {
  std::vector<std::uint8_t> bytes;
  append_stamped(bytes, stamped);
  const auto check = check_of(question, bytes);
  bytes.insert(bytes.end(), check.begin(), check.end());
  return bytes;
}

Result<StampedRequest> read_entry(const CacheQuestion& question,
                                  std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kEntryCheckBytes) return damaged("the entry is too short");
  const auto body = bytes.first(bytes.size() - kEntryCheckBytes);
  if (!std::ranges::equal(check_of(question, body), bytes.last(kEntryCheckBytes))) {
    return damaged("the entry's check does not fit its bytes");
  }
  ByteReader reader(body);
  CALX_ASSIGN(stamped, take_stamped(reader));
  if (reader.left() > 0) return damaged("bytes follow the stamp");
  const work::Stamp& stamp = *stamped.stamp;
  if (stamp.target != question.target) return damaged("the stamp has another target");
  if (stamp.origin != question.origin) return damaged("the stamp has another origin");
  const auto root = work::root_of(question.commitment, stamped.path, stamp.leaves);
  if (!root || *root != stamp.root) return damaged("the path does not lead to the stamp's root");
  if (const auto hash = work::check(stamp); !hash) return damaged(hash.error().message);
  return std::move(stamped);
}

}  // namespace calx::signal
