// calx device doctor: why an Antminer's device is busy, and what a person can do about it.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "apps/cli/device.h"
#include "calx/device/doctor.h"
#include "calx/format/canonical_json.h"

namespace calx::cli {
namespace {

Result<int> examine(const std::string& root, bool json) {
  const auto findings = device::examine_bitmain(root);
  if (json) {
    auto list = format::Json::array();
    for (const device::Finding& finding : findings) {
      list.push(format::Json{
          {"kind", to_string(finding.kind)}, {"seen", finding.seen}, {"remedy", finding.remedy}});
    }
    CALX_ASSIGN(text, format::encode_pretty_json(format::Json{{"findings", list}}));
    fmt::print("{}", text);
  } else {
    for (const device::Finding& finding : findings) {
      fmt::print("{:<10} {}\n{:<10} {}\n", to_string(finding.kind), finding.seen, "",
                 finding.remedy);
    }
  }
  return findings.front().kind == device::FindingKind::kFree ? kDone : kCheckFailed;
}

}  // namespace

void add_device_doctor(CLI::App& device, Session& session) {
  auto* verb = device.add_subcommand("doctor", "why an Antminer says: device or resource busy");
  auto root = std::make_shared<std::string>("/");
  verb->add_option("--root", *root, "look below this folder instead of /")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  verb->callback([root, &session] {
    session.action = [root, &session] { return examine(*root, session.json); };
  });
  verb->footer(
      "Only looks: it opens no device, stops nothing and changes nothing.\n"
      "Exit status 1: something stands in the way.");
}

}  // namespace calx::cli
