#include "calx/deploy/far_side.h"

#include <fmt/format.h>

#include "calx/deploy/shell.h"

namespace calx::deploy {
namespace {

// The time at which process $1 began, in ticks since the machine did; "-" without /proc, nothing
// for a process that has ended. Field 22 of /proc/N/stat is the 20th behind the name.
constexpr std::string_view kBorn = R"sh(born() {
  if [ ! -r /proc/self/stat ]; then echo -; return; fi
  set -- $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null)
  case "$1" in ''|Z|X) ;; *) echo "${20}" ;; esac
}
)sh";

// Sets $pid and tells whether it is the agent.
constexpr std::string_view kRunning = R"sh(running() {
  pid= began=
  [ -f calx-agent.pid ] || return 1
  read -r pid began < calx-agent.pid
  case "$pid" in ''|*[!0-9]*) return 1 ;; esac
  [ -n "$began" ] || return 1
  kill -0 "$pid" 2>/dev/null && [ "$(born "$pid")" = "$began" ]
}
)sh";

std::string all_files() {
  std::string names;
  for (const std::string_view file : kFiles) names.append(names.empty() ? "" : " ").append(file);
  return names;
}

}  // namespace

std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

// A folder that begins with a minus is not taken for an option.
FarSide::FarSide(std::string_view folder, std::string_view mark)
    : folder_(
          shell_word(folder.starts_with('/') ? std::string(folder) : fmt::format("./{}", folder))),
      mark_(mark) {}

std::string FarSide::inside(std::string_view script) const {
  return fmt::format("umask 077\ncd {} || exit 1\n{}", folder_, script);
}

std::string FarSide::prepare() const {
  return fmt::format("umask 077\n[ -d {0} ] || {{ mkdir {0} && : > {0}/calx-agent.folder; }}\n",
                     folder_) +
         inside(fmt::format("{}{}pwd\n"
                            "if command -v sha256sum >/dev/null 2>&1; then echo sha256sum; "
                            "else echo none; fi\n"
                            "if running; then echo running; else echo stopped; fi\n",
                            kBorn, kRunning));
}

std::string FarSide::receive(std::string_view file, unsigned mode) const {
  return inside(fmt::format("cat > {0}.new.{1} && chmod {2:o} {0}.new.{1}\n", file, mark_, mode));
}

std::string FarSide::digest(std::string_view file) const {
  return inside(fmt::format("sha256sum < {}.new.{}\n", file, mark_));
}

std::string FarSide::read_back(std::string_view file) const {
  return inside(fmt::format("cat {}.new.{}\n", file, mark_));
}

std::string FarSide::keep() const {
  return inside(fmt::format(R"sh(sync 2>/dev/null
for f in {}; do
  rm -f $f.old
  [ ! -f $f ] || ln $f $f.old 2>/dev/null || cp -p $f $f.old || exit 1
done
)sh",
                            all_files()));
}

std::string FarSide::switch_over() const {
  return inside(fmt::format(R"sh(for f in {}; do
  if [ -f $f.new.{} ]; then mv -f $f.new.{} $f || exit 1; else rm -f $f; fi
done
sync 2>/dev/null
true
)sh",
                            all_files(), mark_, mark_));
}

std::string FarSide::roll_back() const {
  return inside(fmt::format(R"sh(if [ -f {0}.old ]; then there=old; else there=nothing; fi
for f in {1}; do
  if [ -f $f.old ]; then mv -f $f.old $f || exit 1; else rm -f $f; fi
done
sync 2>/dev/null
echo $there
)sh",
                            kBinaryFile, all_files()));
}

std::string FarSide::start() const {
  return inside(fmt::format(R"sh({}by=
if command -v setsid >/dev/null 2>&1; then by=setsid; fi
( trap '' HUP; exec $by /bin/sh ./calx-agent.start ) </dev/null >calx-agent.log 2>&1 &
pid=$!
echo "$pid $(born $pid)" > calx-agent.pid || exit 1
echo $pid
)sh",
                            kBorn));
}

std::string FarSide::state() const {
  return inside(
      fmt::format("{}{}if running; then echo running; else echo stopped; fi\n", kBorn, kRunning));
}

std::string FarSide::signal(std::string_view signal) const {
  return inside(
      fmt::format("{}{}if running; then kill -{} $pid; fi\ntrue\n", kBorn, kRunning, signal));
}

std::string FarSide::log() const {
  return inside(
      "[ ! -f calx-agent.log ] || tail -c 2000 calx-agent.log 2>/dev/null || "
      "tail calx-agent.log\n");
}

std::string FarSide::forget_uploads() const {
  return inside(fmt::format("rm -f *.new.{}\n", mark_));
}

std::string FarSide::clean_up() const {
  return fmt::format(R"sh([ -d {0} ] || exit 0
( cd {0} || exit 1
  for f in {1}; do rm -f $f $f.old $f.new.* || exit 1; done
  rm -f calx-agent.pid calx-agent.log ) || exit 1
if [ -f {0}/calx-agent.folder ]; then
  rm -f {0}/calx-agent.folder
  rmdir {0} 2>/dev/null || echo kept
fi
)sh",
                     folder_, all_files());
}

}  // namespace calx::deploy
