#include "calx/thermo/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace calx::thermo {

bool Certificate::found(std::string_view check) const noexcept {
  return std::ranges::any_of(findings, [check](const Finding& f) { return f.check == check; });
}

void Certificate::book(std::string_view check, bool passed, std::string sentence) {
  checks.emplace_back(check);
  if (!passed) findings.push_back({std::string(check), std::move(sentence)});
}

Certificate& Certificate::operator+=(const Certificate& other) {
  checks.insert(checks.end(), other.checks.begin(), other.checks.end());
  findings.insert(findings.end(), other.findings.begin(), other.findings.end());
  return *this;
}

std::string describe(const Certificate& certificate) {
  std::string text;
  for (const Finding& finding : certificate.findings) {
    text += fmt::format("FAIL  {}: {}\n", finding.check, finding.sentence);
  }
  for (const std::string& check : certificate.checks) {
    if (!certificate.found(check)) text += fmt::format("pass  {}\n", check);
  }
  if (certificate.checks.empty()) text += "NOT CHECKED\n";
  return text;
}

}  // namespace calx::thermo
