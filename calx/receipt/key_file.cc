#include "calx/receipt/key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"

namespace calx::receipt {
namespace {

// "calx-key-1 ", 64 hex digits of the secret, newline.
constexpr std::string_view kKeyPrefix = "calx-key-1 ";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kKeyFileBytes = kKeyPrefix.size() + 2 * kSecretBytes + 1;
constexpr unsigned kKeyMode = 0600;

std::unexpected<Error> refuse(const std::filesystem::path& path, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("key file {}: {}", path.string(), why));
}

// Kind, owner and mode are those of the opened file, so that no other file can slip in between.
Result<void> check_file(const std::filesystem::path& path, int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    return refuse(path, "is no regular file");
  }
  if (status.st_uid != ::geteuid()) {
    return refuse(path, fmt::format("belongs to user {}, wanted {}", status.st_uid, ::geteuid()));
  }
  const unsigned mode = status.st_mode & 07777u;
  if ((mode & ~kKeyMode) != 0) {
    return refuse(path,
                  fmt::format("has mode {:04o}, wanted 0600 (others could sign as you)", mode));
  }
  if (status.st_size != static_cast<off_t>(kKeyFileBytes)) {
    return refuse(path, fmt::format("has {} bytes, wanted {}; it is left as it is", status.st_size,
                                    kKeyFileBytes));
  }
  return {};
}

Result<SigningKey> parse_key(const std::filesystem::path& path, std::string_view text) {
  std::array<std::uint8_t, kSecretBytes> secret{};
  if (!text.starts_with(kKeyPrefix) || !text.ends_with('\n') ||
      !from_hex(text.substr(kKeyPrefix.size(), 2 * kSecretBytes), secret)) {
    return refuse(path, "holds no calx-key-1; it is left as it is");
  }
  auto key = SigningKey::from_secret(secret);
  sodium_memzero(secret.data(), secret.size());
  return key;
}

// kNotFound only when there is no such file.
Result<SigningKey> read_key(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    const int code = errno;
    return fail(code == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                fmt::format("cannot read key file {}: {}", path.string(), std::strerror(code)));
  }
  std::array<char, kKeyFileBytes> text{};
  auto checked = check_file(path, descriptor);
  ssize_t got = 0;
  if (checked) got = ::read(descriptor, text.data(), text.size());
  ::close(descriptor);
  if (!checked) return fail(std::move(checked));
  if (got != static_cast<ssize_t>(text.size())) return refuse(path, "could not be read whole");
  auto key = parse_key(path, {text.data(), text.size()});
  sodium_memzero(text.data(), text.size());
  return key;
}

Result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (folder.empty() || std::filesystem::is_directory(folder, error)) return {};
  const bool made = std::filesystem::create_directories(folder, error);
  if (made && !error) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (error) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot make folder {}: {}", folder.string(), error.message()));
  }
  return {};
}

}  // namespace

Result<KeyFile> open_key_file(const std::filesystem::path& path) {
  auto key = read_key(path);
  if (key) return KeyFile{.key = std::move(*key), .created = false};
  if (key.error().code != ErrorCode::kNotFound) return fail(std::move(key));

  CALX_TRY(make_folder(path.parent_path()));
  hash::Digest secret = random_digest();
  std::string text = fmt::format("{}{}\n", kKeyPrefix, to_hex(secret));
  sodium_memzero(secret.data(), secret.size());
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  const auto created = create_file(path, bytes, kKeyMode);
  sodium_memzero(text.data(), text.size());
  // Another process may have made the file in between: then its key counts.
  if (!created && created.error().code != ErrorCode::kInvalidArgument) {
    return std::unexpected(created.error());
  }
  key = read_key(path);
  if (!key) return fail(std::move(key));
  return KeyFile{.key = std::move(*key), .created = created.has_value()};
}

}  // namespace calx::receipt
