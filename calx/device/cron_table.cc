#include "calx/device/cron_table.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <system_error>

#include "calx/base/atomic_file.h"

namespace calx::device {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTablesMax = 1000;

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (entries.size() == kTablesMax) break;
    entries.push_back(it->path());
  }
  std::ranges::sort(entries);
  return entries;
}

// Lines with their ends, so that joining them gives the same bytes.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::string_view bare(std::string_view line) {
  return line.ends_with('\n') ? line.substr(0, line.size() - 1) : line;
}

Result<std::vector<std::string>> read_lines(const fs::path& table) {
  CALX_ASSIGN(bytes, read_file(table, kCronBytesMax));
  return lines_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// The text that a miner's line has once the mark, if it must have one, is gone.
std::optional<std::string> miner_text(std::string_view line, bool marked) {
  if (line.starts_with(kCronMark) != marked) return std::nullopt;
  if (marked) line.remove_prefix(kCronMark.size());
  const std::size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos || line[first] == '#') return std::nullopt;
  const bool miner = line.find("cgminer") != std::string_view::npos ||
                     line.find("bmminer") != std::string_view::npos;
  return miner ? std::optional<std::string>(line) : std::nullopt;
}

std::vector<CronLine> find(const fs::path& root, bool marked) {
  std::vector<fs::path> tables = {root / "etc/crontab"};
  for (const char* folder :
       {"etc/cron.d", "var/spool/cron/crontabs", "var/spool/cron", "etc/crontabs"}) {
    for (const fs::path& entry : entries_of(root / folder)) tables.push_back(entry);
  }
  std::vector<CronLine> found;
  for (const fs::path& table : tables) {
    std::error_code error;
    if (!fs::is_regular_file(table, error)) continue;
    const auto lines = read_lines(table);
    if (!lines) continue;
    for (std::size_t i = 0; i < lines->size(); ++i) {
      auto text = miner_text(bare((*lines)[i]), marked);
      if (!text) continue;
      found.push_back({.table = "/" + table.lexically_relative(root).generic_string(),
                       .number = i + 1,
                       .text = std::move(*text)});
    }
  }
  return found;
}

// The table's place, if it is a file of its own that lies below the root.
Result<fs::path> place_of(const fs::path& root, const CronLine& line) {
  fs::path table = root / fs::path(line.table).relative_path();
  std::error_code error;
  const fs::path base = fs::canonical(root, error);
  const fs::path folder = error ? fs::path() : fs::canonical(table.parent_path(), error);
  const fs::path inside = folder.lexically_relative(base);
  const bool out = error || inside.empty() || *inside.begin() == "..";
  if (out || !fs::is_regular_file(fs::symlink_status(table, error))) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: is no plain file below {}, so it is left alone", table.string(),
                            root.string()));
  }
  return table;
}

Result<void> write_lines(const fs::path& table, const std::vector<std::string>& lines) {
  struct stat before{};
  if (::stat(table.c_str(), &before) != 0) {
    return fail(ErrorCode::kUnavailable, table.string() + ": cannot be looked at");
  }
  std::string text;
  for (const std::string& line : lines) text += line;
  constexpr mode_t kPermissions = 07777;
  CALX_TRY(write_file(table, text, before.st_mode & kPermissions));
  if (::chown(table.c_str(), before.st_uid, before.st_gid) == 0 &&
      ::chmod(table.c_str(), before.st_mode & kPermissions) == 0) {
    return {};
  }
  return fail(ErrorCode::kUnavailable,
              fmt::format("{}: written, but its owner could not be kept: {}", table.string(),
                          std::error_code(errno, std::generic_category()).message()));
}

}  // namespace

std::vector<CronLine> find_miner_lines(const fs::path& root) { return find(root, false); }

std::vector<CronLine> find_marked_lines(const fs::path& root) { return find(root, true); }

Result<void> mark_line(const fs::path& root, const CronLine& line) {
  CALX_ASSIGN(table, place_of(root, line));
  CALX_ASSIGN(lines, read_lines(table));
  if (line.number == 0 || line.number > lines.size() || bare(lines[line.number - 1]) != line.text) {
    return fail(ErrorCode::kDataLoss, fmt::format("{} line {}: is not \"{}\" any more", line.table,
                                                  line.number, line.text));
  }
  lines[line.number - 1].insert(0, kCronMark);
  return write_lines(table, lines);
}

Result<void> unmark_line(const fs::path& root, const CronLine& line) {
  CALX_ASSIGN(table, place_of(root, line));
  CALX_ASSIGN(lines, read_lines(table));
  const std::string marked = std::string(kCronMark) + line.text;
  for (std::string& seen : lines) {
    if (bare(seen) != marked) continue;
    seen.erase(0, kCronMark.size());
    return write_lines(table, lines);
  }
  for (const std::string& seen : lines) {
    if (bare(seen) == line.text) return {};
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("{}: has no line \"{}\" behind the mark", line.table, line.text));
}

}  // namespace calx::device
