// Either a value or an error that names the object, the value seen and the value wanted.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace calx {

/// What the caller can do about it. Names and numbers follow gRPC's canonical codes, so a code
/// crosses the wire, the log and the exit status of the command line unchanged.
enum class ErrorCode {
  kCancelled = 1,          // stopped on request; finished parts are valid
  kInvalidArgument = 3,    // fix the call or the input
  kDeadlineExceeded = 4,   // the work may still complete on the device
  kNotFound = 5,           // the named file, model or object does not exist
  kResourceExhausted = 8,  // a named limit, memory or disk space is used up
  kUnimplemented = 12,     // this device or build cannot do it
  kInternal = 13,          // a fault of calx itself: please report it
  kUnavailable = 14,       // retry later, or fall back
  kDataLoss = 15,          // bytes failed a check; never retried silently
};

/// The canonical lower-case name, such as "invalid_argument".
std::string_view to_string(ErrorCode code) noexcept;

/// Exit status of the command line: 2 for what the user can mend (bad input, missing file), 3 for
/// what is unavailable here, 130 for an interruption.
int exit_status(ErrorCode code) noexcept;

struct Error {
  ErrorCode code;
  std::string message;  // one sentence without a full stop: object, value seen, value wanted
};

/// Either a T or an Error. Ignoring one is a warning, and warnings are errors here (g++ 12 does
/// not warn when a plain std::expected is dropped, hence the derived class).
template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

/// Hands the error of one Result on as the error of another.
template <class T>
std::unexpected<Error> fail(Result<T>&& failed) {
  return std::unexpected(std::move(failed).error());
}

}  // namespace calx

// Returns the error of `expression` from the calling function, if it has one.
#define CALX_TRY(expression)                                                          \
  do {                                                                                \
    auto calx_try_result = (expression);                                              \
    if (!calx_try_result) return std::unexpected(std::move(calx_try_result).error()); \
  } while (false)

// Declares `name` as the value of `expression`, or returns its error.
#define CALX_ASSIGN(name, expression)                                           \
  auto name##_result = (expression);                                            \
  if (!name##_result) return std::unexpected(std::move(name##_result).error()); \
  auto& name = *name##_result
