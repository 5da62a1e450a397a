#include "calx/base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>

namespace calx {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }
  /// Closes now; false if the system reports a late write error.
  bool close() noexcept { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

std::unexpected<Error> system_error(const char* verb, const std::filesystem::path& path, int code) {
  auto kind = ErrorCode::kUnavailable;
  if (code == ENOENT || code == ENOTDIR) kind = ErrorCode::kNotFound;
  if (code == ENOSPC || code == EDQUOT || code == EFBIG) kind = ErrorCode::kResourceExhausted;
  return fail(kind, fmt::format("cannot {} {}: {}", verb, path.string(), std::strerror(code)));
}

bool write_all(int fd, std::span<const std::uint8_t> bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  static std::atomic<unsigned> serial{0};
  return path.parent_path() /
         fmt::format(".{}.{}-{}.part", path.filename().string(), ::getpid(), serial++);
}

void sync_folder(const std::filesystem::path& path) noexcept {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() >= 0) ::fsync(fd.get());
}

Result<void> write_by_rename(const std::filesystem::path& path, std::span<const std::uint8_t> bytes,
                             unsigned mode, bool replace) {
  const auto part = temporary_beside(path);
  Descriptor fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (fd.get() < 0) return system_error("write", path, errno);
  int code = 0;
  if (!write_all(fd.get(), bytes) || ::fsync(fd.get()) != 0) code = errno;
  if (!fd.close() && code == 0) code = errno;
  if (code == 0 && replace && ::rename(part.c_str(), path.c_str()) != 0) code = errno;
  if (code == 0 && !replace && ::link(part.c_str(), path.c_str()) != 0) code = errno;
  if (code != 0 || !replace) ::unlink(part.c_str());
  if (code == EEXIST && !replace) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} exists already and is never replaced", path.string()));
  }
  if (code != 0) return system_error("write", path, code);
  sync_folder(path);
  return {};
}

std::span<const std::uint8_t> as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Result<void> write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes,
                        unsigned mode) {
  return write_by_rename(path, bytes, mode, /*replace=*/true);
}

Result<void> write_file(const std::filesystem::path& path, std::string_view text, unsigned mode) {
  return write_by_rename(path, as_bytes(text), mode, /*replace=*/true);
}

Result<void> create_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes,
                         unsigned mode) {
  return write_by_rename(path, bytes, mode, /*replace=*/false);
}

Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path,
                                            std::uint64_t bytes_max) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return system_error("read", path, errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return system_error("read", path, errno);
  if (S_ISDIR(info.st_mode)) return system_error("read", path, EISDIR);
  std::vector<std::uint8_t> bytes;
  try {
    const auto size = std::min(static_cast<std::uint64_t>(info.st_size), bytes_max);
    bytes.reserve(static_cast<std::size_t>(size) + 1);
    constexpr std::size_t kChunkBytes = 1 << 20;
    while (bytes.size() <= bytes_max) {
      const std::size_t old = bytes.size();
      bytes.resize(old + kChunkBytes);
      const ssize_t n = ::read(fd.get(), bytes.data() + old, kChunkBytes);
      bytes.resize(old + (n > 0 ? static_cast<std::size_t>(n) : 0));
      if (n == 0) return bytes;
      if (n < 0 && errno != EINTR) return system_error("read", path, errno);
    }
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{}: {} bytes do not fit in memory", path.string(), info.st_size));
  }
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("{}: over {} bytes, wanted at most that", path.string(), bytes_max));
}

}  // namespace calx
