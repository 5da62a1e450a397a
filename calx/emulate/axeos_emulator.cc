#include "calx/emulate/axeos_emulator.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "calx/device/model.h"

namespace calx::emulate {
namespace {

using Value = nlohmann::ordered_json;

constexpr std::size_t kTextBytesMax = 255;
constexpr double kSupplyMillivolt = 5000;

struct Board {
  std::string_view kind, chip, board;
  double mhz;
};
constexpr Board kBoards[] = {
    {"lv06", "BM1366", "0.11", 485},        {"lv07", "BM1366", "0.11", 485},
    {"lv08", "BM1366", "0.11", 485},        {"bitaxe-ultra", "BM1366", "205", 485},
    {"bitaxe-supra", "BM1368", "401", 490}, {"bitaxe-gamma", "BM1370", "601", 525}};

const HttpAnswer kWrongInput = {400, "Wrong API input"};

bool is_port(const Value& value) {
  return value.is_number_integer() && value.get<std::int64_t>() >= 1 &&
         value.get<std::int64_t>() <= 65535;
}

bool is_text(const Value& value) {
  return value.is_string() && value.get<std::string>().size() <= kTextBytesMax;
}

// Takes the fields of one pool, named with this prefix; false when one of them is wrong.
bool take_pool(const Value& from, const std::string& prefix, AxeosPoolSetting& pool) {
  if (from.contains(prefix + "URL")) {
    if (!is_text(from[prefix + "URL"])) return false;
    pool.url = from[prefix + "URL"].get<std::string>();
  }
  if (from.contains(prefix + "Port")) {
    if (!is_port(from[prefix + "Port"])) return false;
    pool.port = from[prefix + "Port"].get<std::uint16_t>();
  }
  if (from.contains(prefix + "User")) {
    if (!is_text(from[prefix + "User"])) return false;
    pool.user = from[prefix + "User"].get<std::string>();
  }
  if (from.contains(prefix + "Password")) {
    if (!is_text(from[prefix + "Password"])) return false;
    pool.password = from[prefix + "Password"].get<std::string>();
  }
  return true;
}

bool take_number(const Value& from, const char* name, double least, double most, double& into) {
  if (!from.contains(name)) return true;
  if (!from[name].is_number()) return false;
  const double value = from[name].get<double>();
  if (value < least || value > most) return false;
  into = value;
  return true;
}

std::optional<Value> parse_object(std::string_view body) {
  if (body.size() > kAxeosBodyBytesMax) return std::nullopt;
  Value value = Value::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return std::nullopt;
  return value;
}

// "18.7M", as firmware before the change to numbers writes it.
std::string scaled(double value) {
  static constexpr const char* kSteps[] = {"", "k", "M", "G", "T"};
  std::size_t step = 0;
  for (; value >= 1000 && step + 1 < std::size(kSteps); ++step) value /= 1000;
  return fmt::format("{:.3g}{}", value, kSteps[step]);
}

}  // namespace

Result<AxeosEmulator> AxeosEmulator::open(std::string_view kind, AxeosGeneration generation) {
  for (const Board& board : kBoards) {
    if (board.kind != kind) continue;
    CALX_ASSIGN(model, device::find_device_model(kind));
    AxeosEmulator emulator;
    emulator.generation_ = generation;
    emulator.kind_ = kind;
    emulator.chip_ = board.chip;
    emulator.board_ = board.board;
    emulator.version_ = generation == AxeosGeneration::kFlat ? "v2.1.10" : "v2.16.0";
    emulator.chip_ghs_ = model.hashes_per_second.value / 1e9;
    emulator.default_mhz_ = emulator.mhz_ = board.mhz;
    emulator.watts_ = model.watts.value;
    emulator.hostname_ = fmt::format("calx-emulator-{}", kind);
    emulator.stored_[0] = {"pool.example", 3333, "owner", ""};
    emulator.stored_[1] = {"fallback.example", 3333, "owner", ""};
    emulator.running_ = emulator.stored_;
    return emulator;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("AxeOS emulator: kind \"{}\", wanted an LV or Bitaxe", kind));
}

std::string AxeosEmulator::info() const {
  const bool idle = telemetry.overheated || paused_;
  const double rate = idle ? 0 : chip_ghs_ * mhz_ / default_mhz_;
  const double watts = idle ? 1 : watts_ * mhz_ / default_mhz_;
  const bool flat = generation_ == AxeosGeneration::kFlat;
  Value value = {{"power", watts},
                 {"voltage", kSupplyMillivolt},
                 {"current", 1e6 * watts / kSupplyMillivolt},
                 {"temp", telemetry.celsius},
                 {"vrTemp", telemetry.celsius - 5},
                 {"hashRate", rate},
                 {"sharesAccepted", telemetry.accepted},
                 {"sharesRejected", telemetry.rejected},
                 {"uptimeSeconds", telemetry.uptime_seconds},
                 {"freeHeap", 200504},
                 {"coreVoltage", core_mv_},
                 {"coreVoltageActual", core_mv_ - 5},
                 {"frequency", mhz_},
                 {"ASICModel", chip_},
                 {"version", version_},
                 {"boardVersion", board_},
                 {"hostname", hostname_},
                 {"macAddr", "02:CA:1C:00:00:01"},
                 {"overheat_mode", telemetry.overheated ? 1 : 0},
                 {"fanspeed", 60},
                 {"fanrpm", 3600},
                 {"stratumURL", stored_[0].url},
                 {"stratumPort", stored_[0].port},
                 {"stratumUser", stored_[0].user},
                 {"fallbackStratumURL", stored_[1].url},
                 {"fallbackStratumPort", stored_[1].port},
                 {"fallbackStratumUser", stored_[1].user},
                 {"isUsingFallbackStratum", 0}};
  if (flat) {
    value["bestDiff"] = scaled(telemetry.best_difficulty);
    value["stratumDiff"] = telemetry.pool_difficulty;
    return value.dump();
  }
  value["bestDiff"] = telemetry.best_difficulty;
  value["poolDifficulty"] = telemetry.pool_difficulty;
  value["miningPaused"] = paused_;
  value["errorPercentage"] = telemetry.error_percent;
  value["primaryPoolIndex"] = 0;
  value["secondaryPoolIndex"] = 1;
  value["pools"] = Value::array();
  for (std::size_t i = 0; i < 2; ++i) {
    value["pools"].push_back({{"id", i},
                              {"stratumURL", stored_[i].url},
                              {"stratumPort", stored_[i].port},
                              {"stratumUser", stored_[i].user},
                              {"stratumPassword", "*****"}});
  }
  return value.dump();
}

HttpAnswer AxeosEmulator::patch(std::string_view body) {
  const auto value = parse_object(body);
  if (!value) return kWrongInput;
  auto pools = stored_;
  double mhz = mhz_, core_mv = core_mv_, overheat = 0;
  bool right = take_number(*value, "frequency", 1, 65535, mhz) &&
               take_number(*value, "coreVoltage", 1, 65535, core_mv) &&
               take_number(*value, "overheat_mode", 0, 0, overheat);
  if (generation_ == AxeosGeneration::kFlat) {
    right = right && take_pool(*value, "stratum", pools[0]) &&
            take_pool(*value, "fallbackStratum", pools[1]);
  } else if (value->contains("pools")) {
    const Value& list = (*value)["pools"];
    right = right && list.is_array();
    for (std::size_t i = 0; right && i < list.size(); ++i) {
      const bool named = list[i].is_object() && list[i].contains("id") &&
                         list[i]["id"].is_number_unsigned() &&
                         list[i]["id"].get<std::size_t>() < kPoolsMax;
      right = named && take_pool(list[i], "stratum", pools[list[i]["id"].get<std::size_t>()]);
    }
  }
  if (!right) return kWrongInput;
  stored_ = pools;
  mhz_ = mhz;
  core_mv_ = core_mv;
  if (value->contains("overheat_mode")) telemetry.overheated = false;
  return {};
}

HttpAnswer AxeosEmulator::put_pool(std::size_t number, std::string_view body) {
  const auto value = parse_object(body);
  AxeosPoolSetting pool = stored_[number];
  if (!value || !take_pool(*value, "stratum", pool)) return kWrongInput;
  stored_[number] = pool;
  return {};
}

void AxeosEmulator::restart() {
  running_ = stored_;
  telemetry = {};
  paused_ = false;
  ++restarts_;
}

HttpAnswer AxeosEmulator::handle(std::string_view method, std::string_view path,
                                 std::string_view body) {
  constexpr std::string_view kPoolPath = "/api/system/pools/";
  if (method == "GET" && path == "/api/system/info") return {200, info()};
  if (method == "PATCH" && path == "/api/system") return patch(body);
  if (method == "POST" && path == "/api/system/restart") {
    restart();
    return {200, R"({"message":"System will restart shortly."})"};
  }
  const bool pause = path == "/api/system/pause", resume = path == "/api/system/resume";
  if (method == "POST" && (pause || resume) && generation_ == AxeosGeneration::kPools) {
    paused_ = pause;
    return {200, pause ? R"({"message":"Mining paused"})" : R"({"message":"Mining resumed"})"};
  }
  if (method == "PUT" && path.starts_with(kPoolPath) && path.size() == kPoolPath.size() + 1 &&
      generation_ == AxeosGeneration::kPools) {
    const char digit = path.back();
    if (digit >= '0' && digit < '0' + static_cast<char>(kPoolsMax)) {
      return put_pool(static_cast<std::size_t>(digit - '0'), body);
    }
  }
  return {404, "Not found"};
}

}  // namespace calx::emulate
