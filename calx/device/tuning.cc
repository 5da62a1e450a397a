#include "calx/device/tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "calx/base/atomic_file.h"
#include "calx/device/bm13xx_kind.h"

namespace calx::device {
namespace {

using nlohmann::json;

constexpr unsigned kOwnerOnly = 0600;
constexpr double kMhzSlack = 0.5, kMillivoltSlack = 0.5;  // the device may round what it shows

Result<Bm13xxKind> limits_of(std::string name) {
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  CALX_ASSIGN(chip, parse_bm13xx(name));
  return kind_of(chip);
}

Operation inside(const Bm13xxKind& kind, const Operation& asked) {
  Operation cut;
  if (asked.mhz) cut.mhz = clamp_mhz(kind, *asked.mhz);
  if (asked.core_mv) cut.core_mv = std::round(clamp_mv(kind, *asked.core_mv));
  return cut;
}

bool same(const std::optional<double>& wanted, const std::optional<double>& seen, double slack) {
  return !wanted || (seen && std::abs(*wanted - *seen) <= slack);
}

Result<void> set(const LanAddress& device, const std::string& chip, const Operation& to) {
  CALX_ASSIGN(patch, axeos_tuning_patch(chip, to.mhz, to.core_mv));
  CALX_TRY(patch_axeos(device, patch));
  CALX_ASSIGN(info, read_axeos(device));
  if (same(to.mhz, info.mhz, kMhzSlack) && same(to.core_mv, info.core_mv_set, kMillivoltSlack)) {
    return {};
  }
  return fail(ErrorCode::kDataLoss,
              fmt::format("{}: shows {} MHz and {} mV after it was given {}", device.to_string(),
                          info.mhz.value_or(0), info.core_mv_set.value_or(0), patch));
}

std::string line(const char* what, const char* unit, double asked, double wanted, double before) {
  std::string text = fmt::format("{}: {} {}, was {}", what, wanted, unit, before);
  if (asked != wanted) text += fmt::format("; {} was asked, outside the chip's limits", asked);
  return text;
}

json to_json(const Operation& operation) {
  json object = json::object();
  if (operation.mhz) object["mhz"] = *operation.mhz;
  if (operation.core_mv) object["core_mv"] = *operation.core_mv;
  return object;
}

Operation operation_of(const json& root, const char* name) {
  Operation operation;
  const auto found = root.find(name);
  if (found == root.end() || !found->is_object()) return operation;
  const auto number = [&found](const char* key) -> std::optional<double> {
    const auto value = found->find(key);
    if (value == found->end() || !value->is_number()) return std::nullopt;
    const double seen = value->get<double>();
    return std::isfinite(seen) ? std::optional(seen) : std::nullopt;
  };
  operation.mhz = number("mhz"), operation.core_mv = number("core_mv");
  return operation;
}

}  // namespace

Result<TuningPlan> plan_tuning(const LanAddress& device, const Operation& asked) {
  if (!asked.mhz && !asked.core_mv) {
    return fail(ErrorCode::kInvalidArgument, "neither a frequency nor a voltage to set");
  }
  CALX_ASSIGN(info, read_axeos(device));
  const std::string chip = info.chip.value_or("unknown");
  CALX_ASSIGN(kind, limits_of(chip));
  const bool known = (!asked.mhz || info.mhz) && (!asked.core_mv || info.core_mv_set);
  if (!known) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: does not say its present frequency and voltage, so there would be "
                            "no way back",
                            device.to_string()));
  }
  TuningPlan plan{.device = device, .chip = chip, .asked = asked, .wanted = inside(kind, asked)};
  if (asked.mhz) plan.before.mhz = info.mhz;
  if (asked.core_mv) plan.before.core_mv = info.core_mv_set;
  return plan;
}

std::vector<std::string> describe(const TuningPlan& plan) {
  std::vector<std::string> lines;
  if (plan.asked.mhz && plan.wanted.mhz) {
    lines.push_back(
        line("frequency", "MHz", *plan.asked.mhz, *plan.wanted.mhz, plan.before.mhz.value_or(0)));
  }
  if (plan.asked.core_mv && plan.wanted.core_mv) {
    lines.push_back(line("core voltage", "mV", *plan.asked.core_mv, *plan.wanted.core_mv,
                         plan.before.core_mv.value_or(0)));
  }
  const auto kind = limits_of(plan.chip);
  if (kind && inside(*kind, plan.before) != plan.before) {
    lines.push_back(fmt::format(
        "what it has now lies outside the limits of {}: a restore stops at them", plan.chip));
  }
  return lines;
}

Result<void> apply(const TuningPlan& plan) { return set(plan.device, plan.chip, plan.wanted); }

Result<void> restore(const TuningPlan& plan) {
  CALX_ASSIGN(kind, limits_of(plan.chip));
  return set(plan.device, plan.chip, inside(kind, plan.before));
}

std::vector<std::string> describe_restore(const TuningPlan& plan) {
  std::vector<std::string> lines;
  const auto kind = limits_of(plan.chip);
  if (!kind) return lines;
  const Operation to = inside(*kind, plan.before);
  if (to.mhz) lines.push_back(fmt::format("frequency: {} MHz", *to.mhz));
  if (to.core_mv) lines.push_back(fmt::format("core voltage: {} mV", *to.core_mv));
  return lines;
}

Result<void> save_plan(const TuningPlan& plan, const std::filesystem::path& path) {
  const json root = {{"format", kTuningFormat},
                     {"device", plan.device.to_string()},
                     {"chip", plan.chip},
                     {"asked", to_json(plan.asked)},
                     {"wanted", to_json(plan.wanted)},
                     {"before", to_json(plan.before)}};
  return write_file(path, root.dump(2, ' ', true, json::error_handler_t::replace) + "\n",
                    kOwnerOnly);
}

Result<TuningPlan> parse_tuning(std::string_view text) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto word = [&root](const char* key) -> std::string {
    return root.contains(key) && root[key].is_string() ? root[key].get<std::string>() : "";
  };
  if (!root.is_object() || word("format") != kTuningFormat) {
    return fail(ErrorCode::kDataLoss, fmt::format("no saved tuning of format {}", kTuningFormat));
  }
  CALX_ASSIGN(device, parse_lan_address(word("device"), 0));
  TuningPlan plan{.device = device,
                  .chip = word("chip"),
                  .asked = operation_of(root, "asked"),
                  .wanted = operation_of(root, "wanted"),
                  .before = operation_of(root, "before")};
  if (!limits_of(plan.chip) || (!plan.before.mhz && !plan.before.core_mv)) {
    return fail(ErrorCode::kDataLoss, "saved tuning: does not say what was there before");
  }
  return plan;
}

}  // namespace calx::device
