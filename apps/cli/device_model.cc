// calx device model: what a kind of miner gives, beside this machine's own processor.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/device.h"
#include "calx/base/origin.h"
#include "calx/device/model.h"
#include "calx/device/physics.h"
#include "calx/device/rate_table.h"
#include "calx/hash/kernel.h"
#include "calx/hash/speed.h"

namespace calx::cli {
namespace {

using Report = nlohmann::ordered_json;
using device::DeviceModel;
using device::Figure;

constexpr double kSoftwareDifficulty = 0x1p-20;  // 4096 hashes: what a processor is good for
constexpr std::chrono::milliseconds kMeasureTime{100};

// 1234567 -> "1.235 M", 12 -> "12 ", for a unit to follow: four digits are more than any of these
// numbers deserves.
std::string metric(double value) {
  static constexpr const char* kSteps[] = {" ", " k", " M", " G", " T"};
  std::size_t step = 0;
  while (value >= 1000 && step + 1 < std::size(kSteps)) {
    value /= 1000;
    ++step;
  }
  return fmt::format("{:.4g}{}", value, kSteps[step]);
}

std::string duration(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.3g} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (seconds < 1e4) return fmt::format("{:.4g} s", seconds);
  if (seconds < 2 * 86400.0) return fmt::format("{:.3g} h", seconds / 3600);
  if (seconds < 1000 * 86400.0) return fmt::format("{:.3g} days", seconds / 86400);
  return fmt::format("{:.3g} years", seconds / (365.25 * 86400));
}

Report to_json(const Figure& figure) {
  return {{"value", figure.value},
          {"source", std::string(to_string(figure.source))},
          {"note", std::string(figure.note)}};
}

Report to_json(const device::RateRow& row) {
  Report json{{"difficulty", row.difficulty},
              {"stock", row.stock},
              {"returns_per_second", row.returns_per_second},
              {"wait_seconds",
               {{"mean", row.wait.mean},
                {"median", row.wait.quantile(0.5)},
                {"p95", row.wait.quantile(0.95)},
                {"p99", row.wait.quantile(0.99)}}},
              {"free_bits_per_second", row.free_bits_per_second},
              {"latent_seconds", row.latent_seconds},
              {"stamp_seconds", row.stamp_seconds}};
  if (row.joules_per_stamp) json["joules_per_stamp"] = *row.joules_per_stamp;
  if (row.joules_per_byte) json["joules_per_byte"] = *row.joules_per_byte;
  return json;
}

void print_row(const device::RateRow& row) {
  const auto joules = [](std::optional<double> value) {
    return value ? metric(*value) + "J" : std::string("-");
  };
  fmt::print("  {:>8.4g}{} {:>10} {:>10} {:>10} {:>10} {:>10} {:>11} {:>10} {:>10} {:>10}\n",
             row.difficulty, row.stock ? ' ' : '*', metric(row.returns_per_second),
             duration(row.wait.mean), duration(row.wait.quantile(0.5)),
             duration(row.wait.quantile(0.95)), duration(row.wait.quantile(0.99)),
             metric(row.free_bits_per_second) + "bit", duration(row.stamp_seconds),
             joules(row.joules_per_stamp), joules(row.joules_per_byte));
}

void print_heading() {
  fmt::print("  {:>8}  {:>10} {:>10} {:>10} {:>10} {:>10} {:>11} {:>10} {:>10} {:>10}\n", "D",
             "returns/s", "mean wait", "median", "p95", "p99", "per second", "stamp", "J/stamp",
             "J/byte");
}

void print_figure(const char* name, const std::string& value, const Figure& figure) {
  fmt::print("  {:<17}{:<12}{:<10} {}\n", name, value, to_string(figure.source), figure.note);
}

Report to_json(const std::vector<device::RateRow>& rows) {
  auto json = Report::array();
  for (const auto& row : rows) json.push_back(to_json(row));
  return json;
}

device::Rate rate_of(const DeviceModel& model) {
  return {model.hashes_per_second.value, model.watts.value, model.stock_difficulty.value};
}

Report describe(const DeviceModel& model) {
  return {{"kind", std::string(model.kind)},
          {"name", std::string(model.name)},
          {"chips", std::string(model.chips)},
          {"hashes_per_second", to_json(model.hashes_per_second)},
          {"watts", to_json(model.watts)},
          {"stock_difficulty", to_json(model.stock_difficulty)},
          {"least_difficulty", to_json(model.least_difficulty)},
          {"kilowatt_hours_per_day", device::kilowatt_hours_per_day(model.watts.value)},
          {"rates", to_json(device::rate_table(rate_of(model)))},
          {"origin", std::string(to_string(device::kPhysicsOrigin))}};
}

void print_model(const DeviceModel& model) {
  fmt::print("{} ({}): {}\n", model.name, model.kind, model.chips);
  if (!model.remark.empty()) fmt::print("  {}\n", model.remark);
  print_figure("hash rate", metric(model.hashes_per_second.value) + "H/s", model.hashes_per_second);
  print_figure("power", metric(model.watts.value) + "W", model.watts);
  print_figure("difficulty stock", fmt::format("{:.4g}", model.stock_difficulty.value),
               model.stock_difficulty);
  print_figure("difficulty least", fmt::format("{:.4g}", model.least_difficulty.value),
               model.least_difficulty);
  print_heading();
  for (const auto& row : device::rate_table(rate_of(model))) print_row(row);
  fmt::print("  mining idly it burns {:.3g} kWh a day; derived figures: {}\n\n",
             device::kilowatt_hours_per_day(model.watts.value), to_string(device::kPhysicsOrigin));
}

// A quick look at one thread of this processor, now. Its joules are not known: nobody measured
// them.
Result<device::Rate> software_rate(const hash::Kernel& kernel) {
  CALX_ASSIGN(speed, hash::measure_speed(kernel, kMeasureTime));
  const double mega = speed.mega_per_second[static_cast<std::size_t>(hash::Operation::kScan)];
  return device::Rate{.hashes_per_second = 1e6 * mega, .mask = kSoftwareDifficulty};
}

Report software_json(const hash::Kernel& kernel, const device::Rate& rate) {
  return {{"kernel", std::string(kernel.name)},
          {"threads", 1},
          {"hashes_per_second", {{"value", rate.hashes_per_second}, {"source", "measured"}}},
          {"rates", to_json(device::rate_table(rate))},
          {"origin", std::string(to_string(Origin::kSoftware))}};
}

void print_software(const hash::Kernel& kernel, const device::Rate& rate) {
  fmt::print("this machine's software engine, one thread, kernel {}: {}H/s, measured now\n",
             kernel.name, metric(rate.hashes_per_second));
  print_heading();
  for (const auto& row : device::rate_table(rate)) print_row(row);
  fmt::print(
      "  origin {}; joules: nothing here measures them\n\n"
      "D: share difficulty, D * 2^32 hashes a return. * not with stock firmware: the stamp then\n"
      "waits for the mask. per second: bits that D does not force (224 - log2 D a return).\n",
      to_string(Origin::kSoftware));
}

Result<int> show_models(const std::vector<std::string>& kinds, double giga_per_second, bool json) {
  std::vector<DeviceModel> models;
  for (const std::string& kind : kinds) {
    if (kind == "all") {
      const auto all = device::device_models();
      models.insert(models.end(), all.begin(), all.end());
      continue;
    }
    CALX_ASSIGN(model, device::find_device_model(kind));
    models.push_back(model);
  }
  Report document{{"devices", Report::array()}};
  for (DeviceModel& model : models) {
    if (giga_per_second > 0) {
      model.hashes_per_second = {giga_per_second * 1e9, device::Source::kReported, "--ghs"};
    }
    document["devices"].push_back(describe(model));
    if (!json) print_model(model);
  }
  const hash::Kernel& kernel = hash::active_kernel(hash::Operation::kScan);
  CALX_ASSIGN(software, software_rate(kernel));
  document["software"] = software_json(kernel, software);
  if (json) {
    fmt::print("{}\n", document.dump(2));
  } else {
    print_software(kernel, software);
  }
  return kDone;
}

}  // namespace

void add_device_model(CLI::App& device, Session& session) {
  auto* verb = device.add_subcommand("model", "the physics of a kind of miner");
  auto kinds = std::make_shared<std::vector<std::string>>();
  auto giga_per_second = std::make_shared<double>(0);
  verb->add_option("kind", *kinds,
                   "lv06 lv07 lv08 bitaxe-ultra bitaxe-supra bitaxe-gamma s1 s3 s9 nerdminer, or "
                   "all")
      ->required();
  verb->add_option("--ghs", *giga_per_second, "the rate that your device reports, in GH/s")
      ->check(CLI::Range(1e-6, 1e9));
  verb->callback([=, &session] {
    session.action = [=, &session] { return show_models(*kinds, *giga_per_second, session.json); };
  });
}

}  // namespace calx::cli
