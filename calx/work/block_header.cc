#include "calx/work/block_header.h"

#include <algorithm>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"

namespace calx::work {
namespace {

void put_little_endian(hash::Header& header, std::size_t offset, std::uint32_t value) noexcept {
  for (std::size_t i = 0; i < 4; ++i) {
    header[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

hash::Digest reversed_in_words(hash::Digest bytes) noexcept {
  for (std::size_t word = 0; word < bytes.size(); word += 4) {
    std::swap(bytes[word], bytes[word + 3]);
    std::swap(bytes[word + 1], bytes[word + 2]);
  }
  return bytes;
}

}  // namespace

hash::Header encode(const BlockHeader& header) noexcept {
  hash::Header out{};
  put_little_endian(out, 0, header.version);
  std::ranges::copy(header.previous_hash, out.begin() + 4);
  std::ranges::copy(header.merkle_root, out.begin() + 36);
  put_little_endian(out, 68, header.ntime);
  put_little_endian(out, 72, header.nbits);
  put_little_endian(out, 76, header.nonce);
  return out;
}

hash::Digest block_hash(const hash::Header& header) noexcept { return hash::sha256d(header); }

Result<hash::Digest> parse_stratum_previous_hash(std::string_view digits) {
  hash::Digest bytes{};
  CALX_TRY(from_hex(digits, bytes));
  return reversed_in_words(bytes);
}

std::string stratum_previous_hash(const hash::Digest& previous_hash) {
  return to_hex(reversed_in_words(previous_hash));
}

std::string display_hash(const hash::Digest& hash) {
  hash::Digest bytes = hash;
  std::ranges::reverse(bytes);
  return to_hex(bytes);
}

}  // namespace calx::work
