// calx device model: what a kind of miner gives, beside this machine's own processor.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/device.h"
#include "calx/base/origin.h"
#include "calx/device/model.h"
#include "calx/device/physics.h"
#include "calx/hash/kernel.h"
#include "calx/hash/speed.h"

namespace calx::cli {
namespace {

using Report = nlohmann::ordered_json;
using device::DeviceModel;
using device::Figure;

constexpr double kDifficulties[] = {1, 16, 64, 256, 8192};
constexpr double kLatentBits = 4 * 64 * 64 * 32;
constexpr std::chrono::milliseconds kMeasureTime{100};

// 1234567 -> "1.235 M", 12 -> "12 ", for a unit to follow: four digits are more than any of these numbers deserves.
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

struct Rate {
  double hashes_per_second;
  std::optional<double> watts;  // nothing when nobody measured it
  double mask;
};

Report row_json(const Rate& rate, double difficulty) {
  const auto wait = device::wait_for(rate.hashes_per_second, difficulty);
  const double bits = device::bits_per_second(rate.hashes_per_second, difficulty);
  Report row{
      {"difficulty", difficulty},
      {"stock", difficulty >= rate.mask},
      {"returns_per_second", device::returns_per_second(rate.hashes_per_second, difficulty)},
      {"wait_seconds",
       {{"mean", wait.mean},
        {"median", wait.quantile(0.5)},
        {"p95", wait.quantile(0.95)},
        {"p99", wait.quantile(0.99)}}},
      {"free_bits_per_second", bits},
      {"latent_seconds", kLatentBits / bits},
      {"stamp_seconds", device::stamp_wait(rate.hashes_per_second, difficulty, rate.mask).mean}};
  if (rate.watts) {
    const double cost = std::max(difficulty, rate.mask);
    row["joules_per_stamp"] = device::joules_per_return(*rate.watts, rate.hashes_per_second, cost);
    row["joules_per_byte"] =
        device::joules_per_byte(*rate.watts, rate.hashes_per_second, difficulty);
  }
  return row;
}

void print_row(const Report& row) {
  const auto joules = [&](const char* key) {
    return row.contains(key) ? metric(row[key].get<double>()) + "J" : std::string("-");
  };
  const auto& wait = row["wait_seconds"];
  fmt::print("  {:>8.4g}{} {:>10} {:>10} {:>10} {:>10} {:>10} {:>11} {:>10} {:>10} {:>10}\n",
             row["difficulty"].get<double>(), row["stock"].get<bool>() ? ' ' : '*',
             metric(row["returns_per_second"].get<double>()), duration(wait["mean"].get<double>()),
             duration(wait["median"].get<double>()), duration(wait["p95"].get<double>()),
             duration(wait["p99"].get<double>()),
             metric(row["free_bits_per_second"].get<double>()) + "bit",
             duration(row["stamp_seconds"].get<double>()), joules("joules_per_stamp"),
             joules("joules_per_byte"));
}

void print_heading() {
  fmt::print("  {:>8}  {:>10} {:>10} {:>10} {:>10} {:>10} {:>11} {:>10} {:>10} {:>10}\n", "D",
             "returns/s", "mean wait", "median", "p95", "p99", "per second", "stamp", "J/stamp",
             "J/byte");
}

void print_figure(const char* name, const std::string& value, const Figure& figure) {
  fmt::print("  {:<17}{:<12}{:<10} {}\n", name, value, to_string(figure.source), figure.note);
}

std::vector<double> difficulties_with(double mask) {
  std::vector<double> all(std::begin(kDifficulties), std::end(kDifficulties));
  if (std::find(all.begin(), all.end(), mask) == all.end()) all.insert(all.begin(), mask);
  return all;
}

Report table(const Rate& rate) {
  auto rows = Report::array();
  for (const double difficulty : difficulties_with(rate.mask)) {
    rows.push_back(row_json(rate, difficulty));
  }
  return rows;
}

Report describe(const DeviceModel& model) {
  const Rate rate{model.hashes_per_second.value, model.watts.value, model.stock_difficulty.value};
  return {{"kind", std::string(model.kind)},
          {"name", std::string(model.name)},
          {"chips", std::string(model.chips)},
          {"hashes_per_second", to_json(model.hashes_per_second)},
          {"watts", to_json(model.watts)},
          {"stock_difficulty", to_json(model.stock_difficulty)},
          {"least_difficulty", to_json(model.least_difficulty)},
          {"kilowatt_hours_per_day", device::kilowatt_hours_per_day(model.watts.value)},
          {"rates", table(rate)},
          {"origin", std::string(to_string(device::kPhysicsOrigin))}};
}

void print_model(const DeviceModel& model, const Report& report) {
  fmt::print("{} ({}): {}\n", model.name, model.kind, model.chips);
  if (!model.remark.empty()) fmt::print("  {}\n", model.remark);
  print_figure("hash rate", metric(model.hashes_per_second.value) + "H/s", model.hashes_per_second);
  print_figure("power", metric(model.watts.value) + "W", model.watts);
  print_figure("difficulty stock", fmt::format("{:.4g}", model.stock_difficulty.value),
               model.stock_difficulty);
  print_figure("difficulty least", fmt::format("{:.4g}", model.least_difficulty.value),
               model.least_difficulty);
  print_heading();
  for (const Report& row : report["rates"]) print_row(row);
  fmt::print("  mining idly it burns {:.3g} kWh a day; derived figures: {}\n\n",
             report["kilowatt_hours_per_day"].get<double>(), to_string(device::kPhysicsOrigin));
}

// One thread of this processor, measured now. Its joules are not known: nobody measured them.
Result<Report> software_beside() {
  const hash::Kernel& kernel = hash::active_kernel(hash::Operation::kScan);
  CALX_ASSIGN(speed, hash::measure_speed(kernel, kMeasureTime));
  const double rate = 1e6 * speed.mega_per_second[static_cast<std::size_t>(hash::Operation::kScan)];
  return Report{{"kernel", std::string(kernel.name)},
                {"threads", 1},
                {"hashes_per_second", {{"value", rate}, {"source", "measured"}}},
                {"rates", table({rate, std::nullopt, 0x1p-20})},
                {"origin", std::string(to_string(Origin::kSoftware))}};
}

void print_software(const Report& report) {
  fmt::print("this machine's software engine, one thread, kernel {}: {}H/s, measured now\n",
             report["kernel"].get<std::string>(),
             metric(report["hashes_per_second"]["value"].get<double>()));
  print_heading();
  for (const Report& row : report["rates"]) print_row(row);
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
    if (!json) print_model(model, document["devices"].back());
  }
  CALX_ASSIGN(software, software_beside());
  document["software"] = software;
  if (json) {
    fmt::print("{}\n", document.dump(2));
  } else {
    print_software(software);
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
