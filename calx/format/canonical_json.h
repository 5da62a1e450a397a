// JSON that has one meaning and one form: what receipts are made of and what is signed.
//
// Of JSON's values only objects, arrays, strings, booleans and whole numbers below 2^53 exist here;
// no floats and no null, because programs disagree about them. Reading refuses everything that
// programs read in different ways; writing follows RFC 8785.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "calx/base/result.h"
#include "calx/format/json.h"

namespace calx::format {

inline constexpr std::int64_t kJsonIntegerMax = (std::int64_t{1} << 53) - 1;  // and its negative
inline constexpr std::uint64_t kJsonBytesMax = 16'777'216;
inline constexpr std::size_t kJsonValuesMax = 1'048'576;
inline constexpr std::size_t kJsonDepthMax = 32;  // objects and arrays inside each other

/// Reads one value with white space around it. Refused: a byte order mark, bytes that are no UTF-8,
/// lone surrogates, duplicate keys, null, numbers with a point or an exponent, "-0", numbers of
/// 2^53 and more, comments, anything after the value, and the limits above.
/// Errors: kInvalidArgument names the place as a path, such as "$.image.seed", or as a byte;
/// kResourceExhausted (over `bytes_max` bytes, over kJsonDepthMax deep).
Result<Json> parse_json(std::string_view text, std::uint64_t bytes_max = kJsonBytesMax);

/// RFC 8785: no white space, keys sorted by their UTF-16 code units, shortest escapes.
/// Errors: kInvalidArgument (an integer of 2^53 and more, text that is no UTF-8, both with their
/// path), kResourceExhausted (over kJsonDepthMax deep).
Result<std::string> encode_canonical_json(const Json& value);

/// The same content for people: two spaces a level, one member a line, a newline at the end, keys
/// in the order they were set. Errors: as above.
Result<std::string> encode_pretty_json(const Json& value);

}  // namespace calx::format
