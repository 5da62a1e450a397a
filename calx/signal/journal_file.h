// The journal's file: owned by one process, written and read at offsets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "calx/base/result.h"

namespace calx::signal {

class JournalFile {
 public:
  /// Opens or creates it (mode 0600) and locks it against other processes.
  /// Errors: kUnavailable (locked, or the system refuses), kResourceExhausted (the disk).
  static Result<JournalFile> open(const std::filesystem::path& path);
  ~JournalFile();
  JournalFile(JournalFile&& other) noexcept;
  JournalFile& operator=(JournalFile&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  /// Errors of all: kUnavailable and kResourceExhausted as the system says; kDataLoss when the
  /// file is shorter than what is read.
  [[nodiscard]] Result<std::uint64_t> size() const;
  Result<void> write(std::span<const std::uint8_t> bytes, std::uint64_t offset);
  [[nodiscard]] Result<std::vector<std::uint8_t>> read(std::uint64_t offset,
                                                       std::uint64_t size) const;
  /// What was written is on the disk when it returns.
  Result<void> sync();
  /// Cuts the file off, on the disk too when it returns.
  Result<void> truncate(std::uint64_t size);

 private:
  JournalFile(std::filesystem::path path, int descriptor);
  [[nodiscard]] std::unexpected<Error> refused(std::string_view what) const;

  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace calx::signal
