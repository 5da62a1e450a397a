// A certificate of a run: every check that was made, and a named finding for each that failed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace calx::thermo {

/// Sigmas that a figure may be off; a false finding in 1.7 million checks of normal figures.
inline constexpr double kSigmaMax = 5;
/// Independent samples below which no covariance is judged.
inline constexpr double kJudgedSamplesMin = 1000;

struct Finding {
  std::string check;     // "trace", "virial", ...
  std::string sentence;  // what was seen and what the law wants
};

/// Empty findings mean that every check in `checks` passed. It certifies those checks and no more:
/// not that the substrate is useful, nor that a machine would behave like it.
struct Certificate {
  std::vector<std::string> checks;
  std::vector<Finding> findings;

  [[nodiscard]] bool passed() const noexcept { return !checks.empty() && findings.empty(); }
  [[nodiscard]] bool found(std::string_view check) const noexcept;

  /// Books a check; `sentence` becomes a finding unless `passed`.
  void book(std::string_view check, bool passed, std::string sentence);
  Certificate& operator+=(const Certificate& other);
};

/// One line a check; findings first.
std::string describe(const Certificate& certificate);

}  // namespace calx::thermo
