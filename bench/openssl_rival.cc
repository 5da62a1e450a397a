// The low-level calls are marked deprecated in OpenSSL 3, and are still its fastest.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bench/openssl_rival.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>

#include "calx/base/assert.h"

namespace calx::bench {
namespace {

void put_big_endian(std::uint8_t* out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

// Calls next(i) for message i and hashes it; one loop for each style, so that none pays for
// another.
template <class Next>
void digest_all(OpensslStyle style, std::size_t length, std::span<hash::Digest> digests,
                const Next& next) {
  if (style == OpensslStyle::kInitUpdateFinal) {
    for (std::size_t i = 0; i < digests.size(); ++i) {
      SHA256_CTX context;
      SHA256_Init(&context);
      SHA256_Update(&context, next(i), length);
      SHA256_Final(digests[i].data(), &context);
    }
  } else if (style == OpensslStyle::kOneShot) {
    for (std::size_t i = 0; i < digests.size(); ++i) SHA256(next(i), length, digests[i].data());
  } else {
    const std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> algorithm(
        EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free);
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                     EVP_MD_CTX_free);
    CALX_ASSERT(algorithm && context);
    for (std::size_t i = 0; i < digests.size(); ++i) {
      EVP_DigestInit_ex2(context.get(), algorithm.get(), nullptr);
      EVP_DigestUpdate(context.get(), next(i), length);
      EVP_DigestFinal_ex(context.get(), digests[i].data(), nullptr);
    }
  }
}

}  // namespace

std::string openssl_version() { return OpenSSL_version(OPENSSL_VERSION); }

void openssl_digest(OpensslStyle style, std::span<const std::uint8_t> messages, std::size_t length,
                    std::span<hash::Digest> digests) {
  CALX_ASSERT(messages.size() == digests.size() * length);
  digest_all(style, length, digests, [&](std::size_t i) { return messages.data() + i * length; });
}

void openssl_expand(OpensslStyle style, const hash::CounterRows& rows,
                    std::span<hash::Digest> digests) {
  CALX_ASSERT(digests.size() == std::size_t{rows.row_count} * rows.group_count);
  std::array<std::uint8_t, 52> message{};
  for (std::size_t i = 0; i < 8; ++i) put_big_endian(&message[4 * i], rows.key[i]);
  put_big_endian(&message[32], rows.word8);
  put_big_endian(&message[36], rows.word9);
  put_big_endian(&message[40], rows.word10);
  std::uint32_t row = 0, group = 0;
  digest_all(style, message.size(), digests, [&](std::size_t) {
    if (group == rows.group_count) ++row, group = 0;
    put_big_endian(&message[44], rows.row_first + row);
    put_big_endian(&message[48], rows.group_first + group++);
    return message.data();
  });
}

std::optional<std::uint32_t> openssl_scan(const hash::Header& header, std::uint32_t first,
                                          std::uint64_t count) {
  SHA256_CTX start, inner, outer;
  SHA256_Init(&start);
  inner = outer = start;
  SHA256_Transform(&start, header.data());

  std::array<std::uint8_t, 64> tail{}, digest{};
  std::copy_n(header.data() + 64, 12, tail.data());
  tail[16] = 0x80;
  put_big_endian(&tail[60], 640);
  digest[32] = 0x80;
  put_big_endian(&digest[60], 256);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto nonce = first + static_cast<std::uint32_t>(i);
    put_big_endian(&tail[12], std::byteswap(nonce));
    std::copy_n(start.h, 8, inner.h);
    SHA256_Transform(&inner, tail.data());
    for (std::size_t word = 0; word < 8; ++word) put_big_endian(&digest[4 * word], inner.h[word]);
    std::copy_n(hash::kInitialState.data(), 8, outer.h);
    SHA256_Transform(&outer, digest.data());
    if (outer.h[7] == 0) return nonce;
  }
  return std::nullopt;
}

}  // namespace calx::bench
