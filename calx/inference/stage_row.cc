#include "calx/inference/stage_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "calx/base/assert.h"

namespace calx::inference {
namespace {

constexpr std::optional<double> kNone;
constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr std::array<std::string_view, kMetrics> kMetricNames = {"raw", "centred", "r2", "clean_db",
                                                                 "digital_db"};

constexpr std::array kTexts = {
    RowText{"digital", "digital U-Net", {kNone, kNone, kNone, 24.18, kInfinite}},
    RowText{"noisy", "noisy input", {kNone, kNone, kNone, 12.04, kNone}},
    RowText{"constant", "constant (mean of the fit)", {.8680, 0., .000, 10.56, 10.8}},
    RowText{"shuffled", "paper pipeline, inputs shuffled", {.7640, .143, -.90, 7.89, 8.0}},
    RowText{"rrr-16-shuffled", "RRR k = 16, inputs shuffled", {}},
    RowText{"oracle-published",
            "published oracle (A x, B d) + Gram J16",
            {.9915, .950, .943, 23.25, 30.1}},
    RowText{"oracle-consistent", "consistent oracle b = M z", {1., 1., 1., 24.18, 140.}},
    RowText{
        "gram-no-decoder", "Gram J16, b_enc oracle, b_dec = 0", {-.2030, -.230, -2.90, 5.95, 6.0}},
    RowText{"gram-clamped",
            "Gram J16, x clamped, b_dec = B d_mean, no digital",
            {.8589, -.10, -.09, 9.94, 10.1}},
    RowText{
        "paper", "paper pipeline, Gram J16, 2,560 parameters", {.9751, .796, .844, 20.65, 23.6}},
    RowText{"paper-folded",
            "the same 2,560, coupling removed (folded digital)",
            {.9814, .849, .890, 21.14, 24.7}},
    RowText{"transfer-folded",
            "the same, no bottleneck: transfer on the true b_enc, no coupling",
            {.9847, .898, .906, 22.47, 27.5}},
    RowText{"transfer", "transfer on the true b_enc, with Gram J16", {}},
    RowText{"paper-biases",
            "paper pipeline with biases, 2,708 parameters",
            {.9763, .808, .847, 21.95, 26.3}},
    RowText{"paper-biases-folded",
            "the same 2,708, coupling removed (folded digital)",
            {.9843, .862, .899, 22.46, 28.0}},
    RowText{"weights-16", "the network's own skip weights, k = 16, best scalar", {}},
    RowText{"cca-16", "CCA k = 16", {}},
    RowText{"rrr-1", "RRR k = 1, mean", {.9698, .734, .821, 18.83, 20.4}},
    RowText{"rrr-2", "RRR k = 2, mean", {.9845, .906, .930, 22.24, 27.3}},
    RowText{"rrr-4", "RRR k = 4, mean", {.9902, .940, .951, 22.24, 27.4}},
    RowText{"rrr-8", "RRR k = 8, mean", {.9942, .959, .967, 23.12, 31.0}},
    RowText{"rrr-16", "RRR k = 16, mean", {.9957, .968, .974, 23.24, 31.6}},
    RowText{"rrr-16-folded",
            "the same as digital multiply-adds: 2,048 a pixel, no substrate",
            {.9957, .968, .974, 23.24, 31.6}},
    RowText{"rrr-32", "RRR k = 32, mean", {.9962, .971, .976, 23.28, 31.8}},
    RowText{"rrr-64", "RRR full rank 64, mean", {.9963, .972, .977, 23.27, 31.8}},
    RowText{"rrr-16-draws-1",
            "RRR k = 16, B = kT C^-1, one thermal snapshot",
            {.9918, .933, .948, 22.71, 28.8}},
    RowText{"rrr-16-draws-4", "RRR k = 16, mean of 4 snapshots", {.9947, .959, .968, 23.10, 30.7}},
    RowText{
        "rrr-16-draws-16", "RRR k = 16, mean of 16 snapshots", {.9954, .966, .972, 23.21, 31.4}},
    RowText{
        "rrr-16-draws-100", "RRR k = 16, mean of 100 snapshots", {.9956, .968, .974, 23.24, 31.6}},
    RowText{"rrr-4-draws-1", "RRR k = 4, one thermal snapshot", {.9823, .872, .903, 21.08, 24.4}},
    RowText{"rrr-16-uniform-1", "RRR k = 16, B = beta I, one snapshot of a trajectory", {}},
    RowText{"rrr-16-uniform-4", "RRR k = 16, B = beta I, mean of 4 of a trajectory", {}},
    RowText{"both-16",
            "RRR k = 16, coupling to [h1, u] (skip + upsampled)",
            {.9980, .989, .990, 23.56, 34.5}},
    RowText{"both-16-draws-1", "RRR k = 16, coupling to [h1, u], one thermal snapshot", {}},
    RowText{"upsampled-16", "RRR k = 16, no skip (u only)", {.9916, .951, .951, 20.50, 23.4}},
};

Result<std::int64_t> whole(const format::Json& object, std::string_view key) {
  const format::Json* value = object.find(key);
  if (value && value->integer() && *value->integer() >= 0) return *value->integer();
  return fail(ErrorCode::kDataLoss, fmt::format("record: no whole number \"{}\"", key));
}

Result<std::string> text(const format::Json& object, std::string_view key) {
  const format::Json* value = object.find(key);
  if (value && value->string()) return *value->string();
  return fail(ErrorCode::kDataLoss, fmt::format("record: no text \"{}\"", key));
}

}  // namespace

double metric(const DecoderFigures& figures, std::size_t which) noexcept {
  const std::array values = {figures.raw, figures.centred, figures.r2, figures.clean_db,
                             figures.digital_db};
  static_assert(values.size() == kMetrics);
  CALX_ASSERT(which < kMetrics);
  return values[which];
}

std::span<const RowText> row_texts() noexcept { return kTexts; }

std::string title_of(std::string_view key) {
  const auto found = std::ranges::find(kTexts, key, &RowText::key);
  return std::string(found == kTexts.end() ? key : found->title);
}

std::string exact_text(double value) { return fmt::format("{:.17g}", value); }

Result<double> exact_number(const format::Json& object, std::string_view key) {
  CALX_ASSIGN(digits, text(object, key));
  double value = 0;
  const char* const end = digits.data() + digits.size();
  if (std::from_chars(digits.data(), end, value).ptr == end) return value;
  return fail(ErrorCode::kDataLoss, fmt::format("record: \"{}\" is {}, no number", key, digits));
}

format::Json to_json(const SnapshotManner& manner) {
  return {{"scheme", manner.scheme},
          {"label", manner.label},
          {"noise", manner.noise},
          {"step_share", exact_text(manner.step_share)},
          {"steps", static_cast<std::int64_t>(manner.steps)},
          {"burn_in_tau", exact_text(manner.burn_in_tau)},
          {"condition", exact_text(manner.condition)},
          {"independent", exact_text(manner.independent)},
          {"origin", std::string(to_string(manner.origin))}};
}

Result<SnapshotManner> parse_manner(const format::Json& json) {
  CALX_ASSIGN(scheme, text(json, "scheme"));
  CALX_ASSIGN(label, text(json, "label"));
  CALX_ASSIGN(noise, text(json, "noise"));
  CALX_ASSIGN(step_share, exact_number(json, "step_share"));
  CALX_ASSIGN(steps, whole(json, "steps"));
  CALX_ASSIGN(burn_in_tau, exact_number(json, "burn_in_tau"));
  CALX_ASSIGN(condition, exact_number(json, "condition"));
  CALX_ASSIGN(independent, exact_number(json, "independent"));
  CALX_ASSIGN(origin_word, text(json, "origin"));
  CALX_ASSIGN(origin, parse_origin(origin_word));
  return SnapshotManner{.scheme = scheme,
                        .label = label,
                        .noise = noise,
                        .step_share = step_share,
                        .steps = static_cast<std::uint64_t>(steps),
                        .burn_in_tau = burn_in_tau,
                        .condition = condition,
                        .independent = independent,
                        .origin = origin};
}

format::Json to_json(const StageRow& row) {
  format::Json json = {{"key", row.key}};
  for (std::size_t m = 0; m < kMetrics; ++m) {
    json.set(kMetricNames[m], exact_text(metric(row.figures, m)));
  }
  json.set("parameters", static_cast<std::int64_t>(row.parameters));
  json.set("wires", static_cast<std::int64_t>(row.wires));
  if (row.manner) json.set("manner", to_json(*row.manner));
  return json;
}

Result<StageRow> parse_row(const format::Json& json) {
  StageRow row;
  CALX_ASSIGN(key, text(json, "key"));
  row.key = key;
  std::array<double, kMetrics> values{};
  for (std::size_t m = 0; m < kMetrics; ++m) {
    CALX_ASSIGN(value, exact_number(json, kMetricNames[m]));
    values[m] = value;
  }
  row.figures = {values[0], values[1], values[2], values[3], values[4]};
  CALX_ASSIGN(parameters, whole(json, "parameters"));
  CALX_ASSIGN(wires, whole(json, "wires"));
  row.parameters = static_cast<std::uint64_t>(parameters);
  row.wires = static_cast<std::uint64_t>(wires);
  if (const format::Json* manner = json.find("manner")) {
    CALX_ASSIGN(parsed, parse_manner(*manner));
    row.manner = std::move(parsed);
  }
  return row;
}

}  // namespace calx::inference
