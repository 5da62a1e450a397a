#include "apps/cli/secret.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace calx::cli {
namespace {

constexpr std::size_t kSecretBytesMax = 1024;

class Descriptor {
 public:
  explicit Descriptor(int number) noexcept : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return number_; }

 private:
  int number_;
};

// Up to the first line end or the end of the file.
Result<std::string> read_line(int descriptor, std::string_view what) {
  std::string line;
  char c = 0;
  ssize_t got = 0;
  while ((got = ::read(descriptor, &c, 1)) == 1 && c != '\n') {
    if (line.size() == kSecretBytesMax) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("the first line of {} has more than {} bytes", what, kSecretBytesMax));
    }
    line += c;
  }
  if (got < 0) return fail(ErrorCode::kInvalidArgument, fmt::format("{} cannot be read", what));
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty())
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} holds no secret", what));
  return line;
}

}  // namespace

Result<std::string> ask_secret(std::string_view prompt) {
  const Descriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  termios before{};
  if (terminal.get() < 0 || ::tcgetattr(terminal.get(), &before) != 0) {
    return fail(
        ErrorCode::kUnavailable,
        fmt::format("no terminal to ask for the {}use --password-file or --password-fd", prompt));
  }
  termios hidden = before;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal.get(), TCSAFLUSH, &hidden);
  [[maybe_unused]] auto written = ::write(terminal.get(), prompt.data(), prompt.size());
  auto line = read_line(terminal.get(), "the terminal");
  ::tcsetattr(terminal.get(), TCSAFLUSH, &before);
  written = ::write(terminal.get(), "\n", 1);
  return line;
}

Result<std::string> read_secret_file(const std::filesystem::path& file) {
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (opened.get() < 0 || ::fstat(opened.get(), &status) != 0) {
    return fail(ErrorCode::kNotFound, fmt::format("{} cannot be opened", file.string()));
  }
  if ((status.st_mode & 0077) != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has mode {:04o}: a secret is for its owner alone, chmod 600",
                            file.string(), status.st_mode & 07777));
  }
  return read_line(opened.get(), file.string());
}

Result<std::string> read_secret_descriptor(int descriptor) {
  return read_line(descriptor, fmt::format("descriptor {}", descriptor));
}

}  // namespace calx::cli
