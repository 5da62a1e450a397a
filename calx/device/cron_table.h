// Lines of cron tables that start a miner: found, commented out behind a mark, and put back.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"

namespace calx::device {

inline constexpr std::string_view kCronMark = "#calx-doctor# ";
inline constexpr std::uint64_t kCronBytesMax = 1 << 20;

struct CronLine {
  std::string table = {};  // as seen from the root: "/etc/crontabs/root"
  std::size_t number = 0;  // of the line, from 1
  std::string text = {};   // without the mark

  friend bool operator==(const CronLine&, const CronLine&) = default;
};

/// Lines in force that name cgminer or bmminer, in etc/crontab, etc/cron.d, etc/crontabs,
/// var/spool/cron and var/spool/cron/crontabs below `root`.
std::vector<CronLine> find_miner_lines(const std::filesystem::path& root);
/// Lines behind the mark, in the same tables.
std::vector<CronLine> find_marked_lines(const std::filesystem::path& root);

/// Puts the mark before the line. The table is written whole or not at all and keeps its owner and
/// permissions, without which cron would not read it.
/// Errors: kDataLoss when the line is not as it was found; kUnavailable (a link, a table that leads
/// out of the root, no permission).
Result<void> mark_line(const std::filesystem::path& root, const CronLine& line);
/// Takes the mark away, wherever in the table the line is by now. A line that is in force already
/// is left so. Errors: kNotFound (no such line), kUnavailable.
Result<void> unmark_line(const std::filesystem::path& root, const CronLine& line);

}  // namespace calx::device
