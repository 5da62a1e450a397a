#include "calx/inference/stage_record.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "calx/format/canonical_json.h"

namespace calx::inference {
namespace {

constexpr std::string_view kPlace = "stage-c record";

using Figure = std::pair<std::string_view, double thermo::GaussianFigures::*>;
constexpr std::array kFigures = {
    Figure{"mean_sigmas", &thermo::GaussianFigures::mean_sigmas},
    Figure{"trace_ratio", &thermo::GaussianFigures::trace_ratio},
    Figure{"trace_sigmas", &thermo::GaussianFigures::trace_sigmas},
    Figure{"frobenius_ratio", &thermo::GaussianFigures::frobenius_ratio},
    Figure{"divergence_ratio", &thermo::GaussianFigures::divergence_ratio},
    Figure{"mode_sigmas", &thermo::GaussianFigures::mode_sigmas},
    Figure{"coverage", &thermo::GaussianFigures::coverage},
    Figure{"coverage_sigmas", &thermo::GaussianFigures::coverage_sigmas},
};

using Cost = std::pair<std::string_view, double thermo::Effort::*>;
constexpr std::array kCosts = {
    Cost{"dac_writes", &thermo::Effort::dac_writes},
    Cost{"program_writes", &thermo::Effort::program_writes},
    Cost{"adc_reads", &thermo::Effort::adc_reads},
    Cost{"heat_kt", &thermo::Effort::heat_kt},
    Cost{"standby_s", &thermo::Effort::standby_s},
    Cost{"interface_macs", &thermo::Effort::interface_macs},
    Cost{"full_network_macs", &thermo::Effort::full_network_macs},
    Cost{"same_map_macs", &thermo::Effort::same_map_macs},
};

format::Json list_of(const std::vector<std::string>& words) {
  format::Json list = format::Json::array();
  for (const std::string& word : words) list.push(word);
  return list;
}

Result<std::vector<std::string>> words_of(const format::Json& json, std::string_view key) {
  CALX_ASSIGN(list, format::array_member(json, key, kPlace));
  std::vector<std::string> words;
  for (const format::Json& item : *list->elements()) {
    if (!item.string()) return fail(ErrorCode::kDataLoss, "stage-c record: a word is no text");
    words.push_back(*item.string());
  }
  return words;
}

format::Json json_of(const NamedCertificate& named) {
  format::Json json = {{"name", named.name}, {"manner", to_json(named.manner)}};
  for (const auto& [name, figure] : kFigures) json.set(name, exact_text(named.figures.*figure));
  json.set("checks", list_of(named.certificate.checks));
  format::Json findings = format::Json::array();
  for (const thermo::Finding& finding : named.certificate.findings) {
    findings.push({{"check", finding.check}, {"sentence", finding.sentence}});
  }
  json.set("findings", findings);
  return json;
}

Result<NamedCertificate> parse_certificate(const format::Json& json) {
  NamedCertificate named;
  CALX_ASSIGN(name, format::string_member(json, "name", kPlace));
  CALX_ASSIGN(manner_json, format::object_member(json, "manner", kPlace));
  CALX_ASSIGN(manner, parse_manner(*manner_json));
  named.name = name;
  named.manner = std::move(manner);
  for (const auto& [figure_name, figure] : kFigures) {
    CALX_ASSIGN(value, exact_number(json, figure_name));
    named.figures.*figure = value;
  }
  CALX_ASSIGN(checks, words_of(json, "checks"));
  named.certificate.checks = std::move(checks);
  CALX_ASSIGN(findings, format::array_member(json, "findings", kPlace));
  for (const format::Json& item : *findings->elements()) {
    CALX_ASSIGN(check, format::string_member(item, "check", kPlace));
    CALX_ASSIGN(sentence, format::string_member(item, "sentence", kPlace));
    named.certificate.findings.push_back({check, sentence});
  }
  return named;
}

format::Json json_of(const TrajectoryAverage& average) {
  return {{"manner", to_json(average.manner)},
          {"length_tau", exact_text(average.length_tau)},
          {"times_of_tau_int", exact_text(average.times_of_tau_int)},
          {"rms_sigmas", exact_text(average.rms_sigmas)},
          {"pooled_sigmas", exact_text(average.pooled_sigmas)},
          {"series", static_cast<std::int64_t>(average.series)}};
}

Result<TrajectoryAverage> parse_average(const format::Json& json) {
  CALX_ASSIGN(manner_json, format::object_member(json, "manner", kPlace));
  CALX_ASSIGN(manner, parse_manner(*manner_json));
  CALX_ASSIGN(length_tau, exact_number(json, "length_tau"));
  CALX_ASSIGN(times, exact_number(json, "times_of_tau_int"));
  CALX_ASSIGN(rms, exact_number(json, "rms_sigmas"));
  CALX_ASSIGN(pooled, exact_number(json, "pooled_sigmas"));
  CALX_ASSIGN(series, format::integer_member(json, "series", kPlace));
  return TrajectoryAverage{.manner = std::move(manner),
                           .length_tau = length_tau,
                           .times_of_tau_int = times,
                           .rms_sigmas = rms,
                           .pooled_sigmas = pooled,
                           .series = static_cast<std::size_t>(series)};
}

// What a record may hold more than once, or not at all.
Result<void> parse_parts(const format::Json& json, StageOutcome& outcome) {
  CALX_ASSIGN(rows, format::array_member(json, "rows", kPlace));
  for (const format::Json& item : *rows->elements()) {
    CALX_ASSIGN(row, parse_row(item));
    outcome.rows.push_back(std::move(row));
  }
  CALX_ASSIGN(certificates, format::array_member(json, "certificates", kPlace));
  for (const format::Json& item : *certificates->elements()) {
    CALX_ASSIGN(certificate, parse_certificate(item));
    outcome.certificates.push_back(std::move(certificate));
  }
  CALX_ASSIGN(twins, format::array_member(json, "twins", kPlace));
  for (const format::Json& item : *twins->elements()) {
    CALX_ASSIGN(twin, format::string_member(item, "twin", kPlace));
    CALX_ASSIGN(found, words_of(item, "found"));
    outcome.twins.push_back({twin, std::move(found)});
  }
  CALX_ASSIGN(effort, format::object_member(json, "effort", kPlace));
  for (const auto& [name, cost] : kCosts) {
    CALX_ASSIGN(value, exact_number(*effort, name));
    outcome.effort.*cost = value;
  }
  if (const format::Json* average = json.find("average")) {
    CALX_ASSIGN(parsed, parse_average(*average));
    outcome.average = std::move(parsed);
  }
  return {};
}

}  // namespace

std::string describe_settings(const StageCSettings& s) {
  const ArmSettings& a = s.arms;
  const StageNetwork& n = s.network;
  return fmt::format(
      "width {}, {} images seen, sigma {}, {} + {} + {} pictures, ranks {}, Gram and snapshots of "
      "rank {} and {}, means of {} reads, {} interface steps of {}, kT {}, trajectories of {} "
      "pixels, averages of {} over {} tau",
      n.width, n.train_images, n.sigma, n.sizes.train, n.sizes.fit, n.sizes.test,
      fmt::join(a.ranks, " "), a.rank, a.low_rank, fmt::join(a.counts, " "), a.interface_steps,
      a.interface_batch, a.temperature_kt, s.trajectory_pixels, s.average_pixels, s.average_tau);
}

Result<std::string> write_record(const StageOutcome& outcome, const StageCSettings& settings) {
  format::Json rows = format::Json::array(), certificates = format::Json::array(),
               twins = format::Json::array(), effort;
  for (const StageRow& row : outcome.rows) rows.push(to_json(row));
  for (const NamedCertificate& one : outcome.certificates) certificates.push(json_of(one));
  for (const TwinFinding& twin : outcome.twins) {
    twins.push({{"twin", twin.twin}, {"found", list_of(twin.found)}});
  }
  for (const auto& [name, cost] : kCosts) effort.set(name, exact_text(outcome.effort.*cost));
  format::Json json = {{"settings", describe_settings(settings)},
                       {"data", outcome.data},
                       {"unet_seed", static_cast<std::int64_t>(outcome.unet_seed)},
                       {"data_seed", static_cast<std::int64_t>(outcome.data_seed)},
                       {"source", outcome.source},
                       {"split_digest", outcome.split_digest},
                       {"network", outcome.network},
                       {"training_cpu_s", exact_text(outcome.training_cpu_s)},
                       {"judging_cpu_s", exact_text(outcome.judging_cpu_s)},
                       {"proof_cpu_s", exact_text(outcome.proof_cpu_s)},
                       {"folded_difference", exact_text(outcome.folded_difference)},
                       {"rows", rows},
                       {"certificates", certificates},
                       {"twins", twins},
                       {"effort", effort}};
  if (outcome.average) json.set("average", json_of(*outcome.average));
  return format::encode_pretty_json(json);
}

Result<StageOutcome> read_record(std::string_view text, const StageCSettings& settings) {
  CALX_ASSIGN(json, format::parse_json(text));
  CALX_ASSIGN(of, format::string_member(json, "settings", kPlace));
  if (of != describe_settings(settings)) {
    return fail(ErrorCode::kNotFound, "stage-c record: made under other settings");
  }
  StageOutcome outcome;
  CALX_ASSIGN(data, format::string_member(json, "data", kPlace));
  CALX_ASSIGN(unet_seed, format::integer_member(json, "unet_seed", kPlace));
  CALX_ASSIGN(data_seed, format::integer_member(json, "data_seed", kPlace));
  CALX_ASSIGN(source, format::string_member(json, "source", kPlace));
  CALX_ASSIGN(split_digest, format::string_member(json, "split_digest", kPlace));
  CALX_ASSIGN(network, format::string_member(json, "network", kPlace));
  CALX_ASSIGN(training_cpu_s, exact_number(json, "training_cpu_s"));
  CALX_ASSIGN(judging_cpu_s, exact_number(json, "judging_cpu_s"));
  CALX_ASSIGN(proof_cpu_s, exact_number(json, "proof_cpu_s"));
  CALX_ASSIGN(folded_difference, exact_number(json, "folded_difference"));
  outcome.data = data;
  outcome.unet_seed = static_cast<std::uint32_t>(unet_seed);
  outcome.data_seed = static_cast<std::uint32_t>(data_seed);
  outcome.source = source;
  outcome.split_digest = split_digest;
  outcome.network = network;
  outcome.training_cpu_s = training_cpu_s;
  outcome.judging_cpu_s = judging_cpu_s;
  outcome.proof_cpu_s = proof_cpu_s;
  outcome.folded_difference = folded_difference;
  CALX_TRY(parse_parts(json, outcome));
  return outcome;
}

}  // namespace calx::inference
