// What is typed on the machine that gets an agent: POSIX shell scripts, which a busybox
// understands.
//
// All files stand in one folder and begin with "calx-agent". A deployment switches five of them
// together (kFiles); of each the one before is kept with the ending ".old".
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace calx::deploy {

inline constexpr std::string_view kBinaryFile = "calx-agent", kStartFile = "calx-agent.start",
                                  kTokenFile = "calx-agent.token",
                                  kCertificateFile = "calx-agent.cert", kKeyFile = "calx-agent.key";
inline constexpr std::array kFiles = {kBinaryFile, kStartFile, kTokenFile, kCertificateFile,
                                      kKeyFile};

/// Each function returns a script. Status 0 is success; what a script prints is said beside it.
class FarSide {
 public:
  /// `folder` as the login shell there understands it, relative to its home folder or absolute;
  /// its parent must exist. `mark` tells uploads of one deployment from those of others.
  FarSide(std::string_view folder, std::string_view mark);

  /// Makes the folder, readable for its owner alone. Prints its path, "sha256sum" or "none", and
  /// "running" or "stopped".
  [[nodiscard]] std::string prepare() const;
  /// Standard input becomes the file beside `file` that switch_over() puts in its place.
  [[nodiscard]] std::string receive(std::string_view file, unsigned mode) const;
  /// Prints the SHA-256 of what receive() wrote.
  [[nodiscard]] std::string digest(std::string_view file) const;
  /// Prints what receive() wrote, for a machine without sha256sum.
  [[nodiscard]] std::string read_back(std::string_view file) const;
  /// Keeps what is there as ".old", by a second link where the file system can.
  [[nodiscard]] std::string keep() const;
  /// Every uploaded file takes its place by a rename; files that the new agent has not are removed.
  [[nodiscard]] std::string switch_over() const;
  /// The kept files take their places again. Valid after keep() alone. Prints "old" or "nothing".
  [[nodiscard]] std::string roll_back() const;
  /// Starts the agent without a terminal, in a session of its own where there is setsid. Prints its
  /// process number.
  [[nodiscard]] std::string start() const;
  /// Prints "running" or "stopped". A process is the agent's if it has the number that start()
  /// noted and, where there is /proc, began when that one began.
  [[nodiscard]] std::string state() const;
  /// Sends `signal`, "TERM" or "KILL", to the agent if it runs.
  [[nodiscard]] std::string signal(std::string_view signal) const;
  /// The end of what the agent printed, at most 2,000 bytes.
  [[nodiscard]] std::string log() const;
  /// Removes the uploads of this deployment that took no place.
  [[nodiscard]] std::string forget_uploads() const;
  /// Removes every file that deployments place, and the folder if a deployment made it and it is
  /// empty. Prints "kept" when other files are left there.
  [[nodiscard]] std::string clean_up() const;

 private:
  [[nodiscard]] std::string inside(std::string_view script) const;
  std::string folder_, mark_;
};

}  // namespace calx::deploy
