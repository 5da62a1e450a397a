// The API of cgminer and its forks (TCP 4028), read however it is broken in the field: trailing
// NULs, objects without a comma between them, nan for a number, control characters.
//
// Sources: cgminer API-README and api.c @b8491c66; pyasic @e2b9d357 for what firmware sends.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calx/device/lan_address.h"

namespace calx::device {

inline constexpr std::uint16_t kCgminerPort = 4028;
inline constexpr std::size_t kCgminerReplyBytesMax = 256 * 1024;

/// One object of a reply: names and values in their order, numbers as they were written.
using CgminerRow = std::vector<std::pair<std::string, std::string>>;

struct CgminerReply {
  char status = 'F';  // S success, I information, W warning, E error, F fatal
  int code = 0;
  std::string message = {};
  std::vector<std::pair<std::string, std::vector<CgminerRow>>> sections = {};  // SUMMARY, POOLS ...

  /// The rows of a section; none when it is missing.
  [[nodiscard]] const std::vector<CgminerRow>& rows(std::string_view section) const;
};

/// {"command":..., "parameter":...}; no parameter when it is empty.
std::string cgminer_request(std::string_view command, std::string_view parameter);

/// Commas and backslashes of a value inside a parameter list, escaped.
std::string cgminer_escape(std::string_view value);

/// Errors: kDataLoss for what is not JSON after all repairs, or too long.
Result<CgminerReply> parse_cgminer_reply(std::string_view bytes);

/// The number under the first of these names that holds one, as text or not.
std::optional<double> cgminer_number(const CgminerRow& row,
                                     std::initializer_list<std::string_view> names);
std::optional<std::string> cgminer_text(const CgminerRow& row, std::string_view name);

struct CgminerPool {
  int index = 0;
  int priority = 0;
  std::string url = {}, user = {}, status = {};
  bool active = false;
  std::optional<double> difficulty = {};  // "Stratum Difficulty"
};
std::vector<CgminerPool> cgminer_pools(const CgminerReply& reply);

struct CgminerSummary {
  std::optional<double> ghs = {}, elapsed_seconds = {}, accepted = {}, rejected = {};
  std::optional<double> hardware_errors = {}, best_share = {};
  std::optional<double> hardware_error_percent = {};
};
CgminerSummary cgminer_summary(const CgminerReply& reply);

/// What answers: the device's type if it says one ("Antminer S9"), and the program with its
/// version.
struct CgminerVersion {
  std::string type = {}, program = {};
};
CgminerVersion cgminer_version(const CgminerReply& reply);

/// The highest temp... value of a `stats` reply.
std::optional<double> cgminer_celsius(const CgminerReply& stats);

/// One command over a connection of its own.
/// Errors: kUnavailable, kDeadlineExceeded (also half-open sockets), kDataLoss; a reply of status E
/// or F is kUnavailable with its message.
Result<CgminerReply> ask_cgminer(const LanAddress& device, std::string_view command,
                                 std::string_view parameter, Patience patience);

}  // namespace calx::device
