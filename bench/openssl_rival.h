// OpenSSL doing what the hash layer does, in each of its call styles: the spread is sixfold with
// one compression function, so every figure names the style.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "calx/hash/counter.h"
#include "calx/hash/digest.h"

namespace calx::bench {

enum class OpensslStyle {
  kInitUpdateFinal,  // SHA256_Init, SHA256_Update, SHA256_Final: the fastest for short messages
  kEvpFetched,       // EVP_MD_fetch once, EVP_DigestInit_ex2, Update, Final_ex for each message
  kOneShot,          // SHA256()
};

/// Version text of the library that was loaded, not of the headers.
std::string openssl_version();

/// digests[i] = SHA-256 of message i of `length` bytes; messages lie one after another.
/// \pre messages.size() == digests.size() * length
void openssl_digest(OpensslStyle style, std::span<const std::uint8_t> messages, std::size_t length,
                    std::span<hash::Digest> digests);

/// The 52-byte messages of hash::expand, in the same order.
/// \pre digests.size() == rows.row_count * rows.group_count
void openssl_expand(OpensslStyle style, const hash::CounterRows& rows,
                    std::span<hash::Digest> digests);

/// The lowest nonce in first .. first + count - 1 whose double hash ends in 32 zero bits (its top
/// word in Bitcoin's order), by SHA256_Transform from a midstate.
std::optional<std::uint32_t> openssl_scan(const hash::Header& header, std::uint32_t first,
                                          std::uint64_t count);

}  // namespace calx::bench
