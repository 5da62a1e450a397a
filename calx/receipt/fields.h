// Members of a receipt's objects: read strictly, each with one sentence when it is wrong.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/canonical_json.h"
#include "calx/hash/digest.h"

namespace calx::receipt {

/// Exactly 2 * out.size() lower-case hex digits.
Result<void> read_hex(const format::Json& object, std::string_view key, std::string_view place,
                      std::span<std::uint8_t> out);
Result<hash::Digest> read_digest(const format::Json& object, std::string_view key,
                                 std::string_view place);
/// At most bytes_max bytes as lower-case hex, possibly none.
Result<std::vector<std::uint8_t>> read_bytes(const format::Json& object, std::string_view key,
                                             std::string_view place, std::size_t bytes_max);
/// Eight lower-case hex digits, most significant first.
Result<std::uint32_t> read_word(const format::Json& object, std::string_view key,
                                std::string_view place);
/// An integer from `least` to `most`.
Result<std::int64_t> read_integer(const format::Json& object, std::string_view key,
                                  std::string_view place, std::int64_t least, std::int64_t most);
/// A text of at most bytes_max bytes.
Result<std::string> read_text(const format::Json& object, std::string_view key,
                              std::string_view place, std::size_t bytes_max);
/// An array of at most count_max digests.
Result<std::vector<hash::Digest>> read_digests(const format::Json& object, std::string_view key,
                                               std::string_view place, std::size_t count_max);

/// The start of a stranger's text, fit for a message: printable ASCII, anything else as '?'.
std::string shown(std::string_view text);

std::string word_text(std::uint32_t word);
format::Json digests_json(std::span<const hash::Digest> digests);

}  // namespace calx::receipt
