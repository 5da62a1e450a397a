#include "calx/signal/journal_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace calx::signal {

JournalFile::JournalFile(std::filesystem::path path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

JournalFile::JournalFile(JournalFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

JournalFile::~JournalFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::unexpected<Error> JournalFile::refused(std::string_view what) const {
  const ErrorCode code =
      errno == ENOSPC || errno == EDQUOT ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable;
  return fail(code, fmt::format("{} of {} fails: {}", what, path_.string(), std::strerror(errno)));
}

Result<JournalFile> JournalFile::open(const std::filesystem::path& path) {
  JournalFile file(path, ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.descriptor_ < 0) return file.refused("opening");
  if (::flock(file.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kUnavailable,
                path.string() + " is in use by another process: one owner at a time");
  }
  return file;
}

Result<std::uint64_t> JournalFile::size() const {
  struct ::stat status{};
  if (::fstat(descriptor_, &status) != 0) return refused("reading the size");
  return static_cast<std::uint64_t>(status.st_size);
}

Result<void> JournalFile::write(std::span<const std::uint8_t> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto count =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<::off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return refused("writing");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<std::vector<std::uint8_t>> JournalFile::read(std::uint64_t offset,
                                                    std::uint64_t size) const {
  if (size > std::vector<std::uint8_t>().max_size()) {  // of a machine of 32 bits
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{} has {} bytes, more than memory here", path_.string(), size));
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto count = ::pread(descriptor_, bytes.data() + done, bytes.size() - done,
                               static_cast<::off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refused("reading");
    if (count == 0) return fail(ErrorCode::kDataLoss, path_.string() + " became shorter");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

Result<void> JournalFile::sync() {
  if (::fdatasync(descriptor_) != 0) return refused("syncing");
  return {};
}

Result<void> JournalFile::truncate(std::uint64_t size) {
  if (::ftruncate(descriptor_, static_cast<::off_t>(size)) != 0 || ::fsync(descriptor_) != 0) {
    return refused("cutting off the torn tail");
  }
  return {};
}

}  // namespace calx::signal
