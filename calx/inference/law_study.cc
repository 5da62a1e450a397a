#include "calx/inference/law_study.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <functional>
#include <system_error>
#include <vector>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/format/canonical_json.h"
#include "calx/hash/sha256.h"
#include "calx/hash/software_engine.h"
#include "calx/inference/walk_trial.h"
#include "calx/thermo/certification.h"
#include "calx/thermo/published_pair.h"
#include "calx/thermo/sha256d_noise.h"

namespace calx::inference {
namespace {

constexpr std::uint64_t kRowBytesMax = 1 << 20;
constexpr std::size_t kUnits = 64, kFewUnits = 16, kRank = 16, kChannels = 128;
constexpr std::uint32_t kMatrixChains = 4;  // times those of a certificate: few units
constexpr double kRejectedSigmas = 5;

// One row of a table, and whether it came out as the laws say.
struct Row {
  bool as_expected = false;
  std::vector<std::string> cells;
};

std::string findings_of(const thermo::Certificate& certificate) {
  if (certificate.passed()) return fmt::format("passes {} checks", certificate.checks.size());
  std::vector<std::string> names;
  for (const auto& finding : certificate.findings) names.push_back(finding.check);
  return fmt::format("fails {}", fmt::join(names, ", "));
}

Result<Row> parse_row(std::span<const std::uint8_t> bytes) {
  CALX_ASSIGN(json,
              format::parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  CALX_ASSIGN(expected, format::boolean_member(json, "as_expected", "row"));
  CALX_ASSIGN(cells, format::array_member(json, "cells", "row"));
  Row row{expected, {}};
  for (const format::Json& cell : *cells->elements()) {
    const std::string* text = cell.string();
    if (text == nullptr) return fail(ErrorCode::kDataLoss, "row: a cell that is no text");
    row.cells.push_back(*text);
  }
  return row;
}

class Laws {
 public:
  Laws(const LawSettings& settings, const LawRun& run, const Observer& observer)
      : settings_(settings), run_(run), observer_(observer) {}

  Result<Report> make();

 private:
  Result<Row> row(const std::string& key, const std::function<Result<Row>()>& make);
  Result<thermo::CertificationRequest> good_run() const;
  Result<Row> certified(const std::string& fault);
  Result<Row> integrator(thermo::Scheme scheme, const std::string& noise);
  Result<Row> walk(bool coupled, bool cold);
  Result<void> add_certificates(Report& report);
  Result<void> add_matrix(Report& report);
  Result<void> add_walks(Report& report);

  const LawSettings& settings_;
  const LawRun& run_;
  const Observer& observer_;
  std::size_t done_ = 0;
};

Result<Row> Laws::row(const std::string& key, const std::function<Result<Row>()>& make) {
  if (run_.stop.stop_requested()) {
    return fail(ErrorCode::kCancelled, "laws: stopped; finished rows are kept");
  }
  if (observer_) observer_({key, done_++, 0});
  const std::string name = fmt::format("{}|{}|{}|{}", key, settings_.seed.to_string(),
                                       settings_.chains, settings_.unit_steps);
  const auto digest = hash::sha256(name);
  const auto path = run_.work / (to_hex(digest).substr(0, 24) + ".json");
  if (const auto bytes = read_file(path, kRowBytesMax)) return parse_row(*bytes);
  CALX_ASSIGN(made, make());
  auto cells = format::Json::array();
  for (const std::string& cell : made.cells) cells.push(cell);
  CALX_ASSIGN(text, format::encode_pretty_json(
                        {{"key", name}, {"as_expected", made.as_expected}, {"cells", cells}}));
  CALX_TRY(write_file(path, text));
  return made;
}

Result<thermo::CertificationRequest> Laws::good_run() const {
  thermo::CertificationRequest request;
  request.seed = settings_.seed;
  CALX_ASSIGN(pair, thermo::untrained_pair(kChannels, kRank, *thermo::philox_noise(request.seed)));
  request.substrate = std::move(pair);
  for (auto& module : request.substrate.modules) module.bias.assign(module.units, 0.1);
  request.chains = settings_.chains;
  request.threads = run_.threads;
  return request;
}

Result<Row> Laws::certified(const std::string& fault) {
  CALX_ASSIGN(request, good_run());
  const bool euler = fault == "em at a = 0.5";
  if (euler) {
    request.scheme = thermo::Scheme::kEulerMaruyama;
    request.step_share = 0.5;
  } else {
    CALX_ASSIGN(twin, thermo::parse_twin(fault));
    request.twin = twin;
  }
  CALX_ASSIGN(done, thermo::certify(request));
  const bool passed = done.certificate.passed();
  std::string sentence = passed ? "" : done.certificate.findings.front().sentence;
  return Row{
      passed == (fault == "none"),
      {fault, std::string(to_string(request.scheme)),
       fmt::format("{:.4f}", done.figures.trace_ratio),
       fmt::format("{:.4f} +- {:.4f}", done.virial.temperature_kt, done.virial.temperature_error),
       findings_of(done.certificate), sentence}};
}

Result<void> Laws::add_certificates(Report& report) {
  Table table{
      .title = "Certificates of one run and of its negative twins",
      .note = fmt::format(
          "The untrained published pair, {} units in all, bias 0.1; {} chains, one snapshot each "
          "after ten slowest relaxation times from a cold start; Leimkuhler-Matthews at h mu "
          "lambda_max = 0.4 unless the row says otherwise. Trace: variances over those of kT M^-1.",
          2 * kChannels, settings_.chains),
      .columns = {"fault put in", "integrator", "trace", "virial temperature, kT = 1", "verdict",
                  "first finding"},
      .rows = {}};
  std::size_t wrong = 0;
  for (const std::string fault :
       {"none", "heat", "dropped", "biased", "flipped", "em at a = 0.5"}) {
    CALX_ASSIGN(made, row("certificate " + fault, [&] { return certified(fault); }));
    wrong += made.as_expected ? 0 : 1;
    table.rows.push_back(made.cells);
  }
  report.answers.push_back(
      {wrong == 0 ? Verdict::kHolds : Verdict::kMissed,
       "The good run passes every check; 5 % of heat, dropped noise, biased noise, a flipped "
       "coupling and Euler-Maruyama at a = 0.5 each fail one by name."});
  report.tables.push_back(std::move(table));
  return {};
}

// h mu lambda_max: what each scheme is for, and large enough to show what it is not.
double step_share_of(thermo::Scheme scheme) {
  if (scheme == thermo::Scheme::kHeun) return 1;
  return scheme == thermo::Scheme::kLatticeWalk ? 0.6 : 0.5;
}

bool exact_at_rest(thermo::Scheme scheme) {
  using enum thermo::Scheme;
  return scheme == kExactOu || scheme == kLeimkuhlerMatthews || scheme == kMala;
}

Result<Row> Laws::integrator(thermo::Scheme scheme, const std::string& noise) {
  thermo::CertificationRequest request;
  request.substrate = coupled_units(kFewUnits, {1.5, 1.2, -0.35});
  request.substrate.modules[0].bias.assign(kFewUnits, 0.1);
  request.scheme = scheme;
  request.noise = noise;
  request.seed = settings_.seed;
  request.step_share = step_share_of(scheme);
  request.chains = kMatrixChains * settings_.chains;
  request.threads = run_.threads;
  const double share = request.step_share;
  const auto words = [&](std::string equilibrium, std::string own, std::string why) {
    return std::vector<std::string>{
        std::string(to_string(scheme)), noise,          fmt::format("{:.2f}", share),
        std::move(equilibrium),         std::move(own), std::move(why)};
  };
  if (noise == "log") {
    // Recorded in this run by the software engine; ten slowest relaxation times and some more for
    // the walk, one step for the schemes that will refuse it.
    hash::SoftwareDigestEngine engine;
    const bool used = scheme == thermo::Scheme::kLatticeWalk;
    const auto steps = used ? static_cast<std::uint64_t>(2.6 / 0.6 * 11 / share) : 1;
    const std::uint64_t digests =
        (std::uint64_t{request.chains} * kFewUnits + thermo::kDrawsPerDigest - 1) /
        thermo::kDrawsPerDigest;
    CALX_ASSIGN(log, thermo::record_sha256d(engine, "calx laws", steps * digests));
    request.log = std::move(log);
  }
  request.own_law = false;
  const auto equilibrium = thermo::certify(request);
  if (!equilibrium) {
    // 16 bits make no normal values: only the walk can use them, and the others say so.
    const bool refusal = scheme != thermo::Scheme::kLatticeWalk &&
                         equilibrium.error().code == ErrorCode::kInvalidArgument &&
                         (noise == "sha256d" || noise == "log");
    return Row{refusal, words("refused", "refused", equilibrium.error().message)};
  }
  request.own_law = true;
  CALX_ASSIGN(own, thermo::certify(request));
  const bool exact = exact_at_rest(scheme);
  // Schemes with a law of their own have another temperature too: the virial sees it, and only the
  // walk's is exact.
  const bool gaussian_own =
      exact || scheme == thermo::Scheme::kLatticeWalk
          ? own.certificate.passed()
          : !own.certificate.found("trace") && !own.certificate.found("frobenius") &&
                !own.certificate.found("modes") && !own.certificate.found("divergence");
  return Row{
      gaussian_own && equilibrium->certificate.passed() == exact,
      words(fmt::format("{}; trace {:.4f}", findings_of(equilibrium->certificate),
                        equilibrium->figures.trace_ratio),
            fmt::format("{}; trace {:.4f}", findings_of(own.certificate), own.figures.trace_ratio),
            fmt::format("{} of {} moves clipped, {} SHA-256d", own.tally.clipped,
                        own.tally.unit_steps, own.sha256d_calls))};
}

Result<void> Laws::add_matrix(Report& report) {
  Table table{
      .title = "Integrators under sources of noise",
      .note = fmt::format(
          "{} strongly coupled units (eigenvalues about 0.65, 1, 2.2, 2.5), bias 0.1, {} chains. "
          "Judged by kT M^-1, and by the law that the scheme has at this step. Exact at rest: ou, "
          "lm, mala. The walk's temperature is exact and its covariance is not. Euler-Maruyama's "
          "and Heun's temperature differs from kT by any law, so their virial fails in both "
          "columns. `log`: the bytes of double SHA-256 recorded by the software engine and read "
          "back.",
          kFewUnits, kMatrixChains * settings_.chains),
      .columns = {"integrator", "noise", "h mu lambda_max", "by kT M^-1", "by its own law",
                  "remarks"},
      .rows = {}};
  std::size_t wrong = 0;
  for (const thermo::Scheme scheme : thermo::schemes()) {
    for (const std::string noise : {"philox", "calx-noise-1", "sha256d", "log"}) {
      CALX_ASSIGN(made, row(fmt::format("matrix {} {}", to_string(scheme), noise),
                            [&] { return integrator(scheme, noise); }));
      wrong += made.as_expected ? 0 : 1;
      table.rows.push_back(made.cells);
    }
  }
  report.answers.push_back(
      {wrong == 0 ? Verdict::kHolds : Verdict::kMissed,
       fmt::format("Of {} pairs of integrator and noise {} behave otherwise than their laws say.",
                   table.rows.size(), wrong)});
  report.tables.push_back(std::move(table));
  return {};
}

Result<Row> Laws::walk(bool coupled, bool cold) {
  WalkTask task{.substrate = coupled_units(kUnits, {1.5, 1.2, -0.5})};
  if (!coupled) {
    CALX_ASSIGN(pair,
                thermo::untrained_pair(kChannels, kRank, *thermo::philox_noise(settings_.seed)));
    task.substrate = std::move(pair);
    task.step = 0.2;
    task.chains = 1024;
  }
  task.unit_steps = settings_.unit_steps;
  task.cold = cold;
  task.threads = run_.threads;
  task.stop = run_.stop;
  CALX_ASSIGN(trial, try_walk(task));
  const bool good =
      trial.certificate.passed() && std::abs(trial.euler.trace_sigmas) >= kRejectedSigmas;
  return Row{
      good,
      {coupled ? "strongly coupled, 64 units, h = 0.1" : "stage A's pair, 256 units, h = 0.2",
       cold ? "cold" : "equilibrium",
       fmt::format("{:.4g}", static_cast<double>(trial.tally.unit_steps)),
       fmt::format("{}", trial.sha256d_calls),
       fmt::format(
           "{} ({:.2g})", trial.tally.clipped,
           static_cast<double>(trial.tally.clipped) / static_cast<double>(trial.tally.unit_steps)),
       fmt::format("{}", trial.snapshots), fmt::format("{:.3f} %", 100 * trial.standard_error),
       fmt::format("{:.5f}", trial.law.trace_ratio),
       fmt::format("{:.5f} +- {:.5f}", trial.virial.temperature_kt, trial.virial.temperature_error),
       fmt::format("{:.1f} sigma", trial.euler.trace_sigmas),
       fmt::format("trace {:.4f}, covariance {:.2f} of its spread", trial.rest.trace_ratio,
                   trial.rest.frobenius_ratio),
       findings_of(trial.certificate)}};
}

Result<void> Laws::add_walks(Report& report) {
  Table table{
      .title = "Lattice random walk on double SHA-256",
      .note =
          "Own law: M C + C M - h mu offdiag(M C M) = 2 kT I, by whitened chi-square, and the "
          "virial of every unit; both must hold. Standard error: of the trace ratio. The last "
          "but one column is how far kT M^-1 is, which the walk does not have once couplings "
          "are strong; a covariance within its spread would be 1.",
      .columns = {"substrate", "start", "unit-steps", "SHA-256d", "clipped moves", "snapshots",
                  "standard error", "trace by its own law", "virial, kT = 1", "by EM's law",
                  "by kT M^-1", "verdict"},
      .rows = {}};
  std::size_t wrong = 0;
  for (const bool coupled : {true, false}) {
    for (const bool cold : {true, false}) {
      CALX_ASSIGN(made, row(fmt::format("walk {} {}", coupled ? "coupled" : "stage-a",
                                        cold ? "cold" : "equilibrium"),
                            [&] { return walk(coupled, cold); }));
      wrong += made.as_expected ? 0 : 1;
      table.rows.push_back(made.cells);
    }
  }
  report.answers.push_back(
      {wrong == 0 ? Verdict::kHolds : Verdict::kMissed,
       fmt::format(
           "Driven by SHA-256d alone the lattice walk keeps its law and the virial of every "
           "unit over {:.3g} unit-steps a run, from both starts, on both substrates, and "
           "rejects Euler-Maruyama's law at 5 sigma and more.",
           static_cast<double>(settings_.unit_steps))});
  report.tables.push_back(std::move(table));
  return {};
}

Result<Report> Laws::make() {
  std::error_code error;
  std::filesystem::create_directories(run_.work, error);
  Report report;
  report.name = "laws";
  report.title = "Laws and their negative twins";
  report.summary =
      "Does every integrator sample the law that it claims, does hash noise do as well as any, and "
      "does a certificate fail when something is wrong?";
  report.facts = {{"command", run_.command},
                  {"seed", settings_.seed.to_string()},
                  {"noise", "as each row says, origin software; twins: modelled"}};
  CALX_TRY(add_certificates(report));
  CALX_TRY(add_matrix(report));
  CALX_TRY(add_walks(report));
  return report;
}

}  // namespace

Result<Report> study_laws(const LawSettings& settings, const LawRun& run,
                          const Observer& observer) {
  return Laws(settings, run, observer).make();
}

}  // namespace calx::inference
