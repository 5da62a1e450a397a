// calx thermo: Langevin substrates. Certifies runs, assesses substrates, prints prices.
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "apps/cli/thermo.h"
#include "calx/base/atomic_file.h"
#include "calx/format/canonical_json.h"
#include "calx/thermo/certification.h"
#include "calx/thermo/ledger.h"
#include "calx/thermo/published_pair.h"
#include "calx/thermo/substrate_file.h"

namespace calx::cli {
namespace {

constexpr std::uint64_t kSubstrateBytesMax = std::uint64_t{1} << 30;

struct SubstrateOptions {
  std::string file;
  std::size_t units = 128, rank = 16;
  std::string seed = "42";
};

struct CertifyOptions {
  SubstrateOptions substrate;
  std::string scheme = "lm", noise = "philox", fault = "none", law;
  double step = 0.4, temperature = 1;
  std::uint32_t chains = 4000;
  unsigned threads = 1;
};

Result<thermo::Substrate> substrate_of(const SubstrateOptions& options) {
  if (!options.file.empty()) {
    CALX_ASSIGN(bytes, read_file(options.file, kSubstrateBytesMax));
    return thermo::parse_substrate(bytes);
  }
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  return thermo::untrained_pair(options.units, options.rank, *thermo::philox_noise(seed));
}

std::string figure(double value) { return fmt::format("{:.6g}", value); }

format::Json json_of(const thermo::Assessment& a) {
  return {{"free_units", static_cast<std::int64_t>(a.free_units)},
          {"coupling_wires", static_cast<std::int64_t>(a.wiring.coupling_wires)},
          {"program_writes", static_cast<std::int64_t>(a.wiring.program_writes)},
          {"clamp_writes", static_cast<std::int64_t>(a.wiring.clamp_writes)},
          {"positive_definite", a.positive_definite},
          {"eigenvalue_least", figure(a.spectrum.least)},
          {"eigenvalue_largest", figure(a.spectrum.largest)},
          {"condition", figure(a.condition)},
          {"tau_fast", figure(a.relaxation.tau_fast)},
          {"tau_slow", figure(a.relaxation.tau_slow)},
          {"snapshot_cosine", figure(a.snapshot_cosine)}};
}

format::Json json_of(const CertifyOptions& options, const thermo::Certification& c) {
  auto checks = format::Json::array(), findings = format::Json::array();
  for (const auto& check : c.certificate.checks) checks.push(check);
  for (const auto& finding : c.certificate.findings) {
    findings.push({{"check", finding.check}, {"sentence", finding.sentence}});
  }
  return {{"assessment", json_of(c.assessment)},
          {"integrator", options.scheme},
          {"fault", options.fault},
          {"step", figure(c.dynamics.step)},
          {"steps", static_cast<std::int64_t>(c.steps)},
          {"label", std::string(c.label)},
          {"noise", c.noise},
          {"origin", std::string(to_string(c.origin))},
          {"sha256d_calls", static_cast<std::int64_t>(c.sha256d_calls)},
          {"clipped_moves", static_cast<std::int64_t>(c.tally.clipped)},
          {"temperature_kt", figure(c.virial.temperature_kt)},
          {"temperature_error", figure(c.virial.temperature_error)},
          {"law", std::string(c.law)},
          {"trace_ratio", figure(c.figures.trace_ratio)},
          {"checks", checks},
          {"findings", findings},
          {"passed", c.certificate.passed()}};
}

Result<int> run_certify(const CertifyOptions& options, bool json) {
  thermo::CertificationRequest request;
  CALX_ASSIGN(substrate, substrate_of(options.substrate));
  request.substrate = std::move(substrate);
  CALX_ASSIGN(scheme, thermo::parse_scheme(options.scheme));
  CALX_ASSIGN(twin, thermo::parse_twin(options.fault));
  CALX_ASSIGN(seed, noise::Seed::parse(options.substrate.seed));
  request.scheme = scheme;
  request.twin = twin;
  request.seed = seed;
  request.noise = options.noise;
  request.step_share = options.step;
  request.temperature_kt = options.temperature;
  request.chains = options.chains;
  request.threads = options.threads;
  if (!options.law.empty()) request.own_law = options.law == "scheme";
  CALX_ASSIGN(done, thermo::certify(request));
  if (json) {
    CALX_ASSIGN(text, format::encode_pretty_json(json_of(options, done)));
    fmt::print("{}", text);
  } else {
    fmt::print("{}", thermo::describe(done));
  }
  return done.certificate.passed() ? kDone : kCheckFailed;
}

Result<int> run_assess(const SubstrateOptions& options, bool json) {
  CALX_ASSIGN(substrate, substrate_of(options));
  CALX_ASSIGN(assessment, thermo::validate(substrate, {}));
  if (json) {
    CALX_ASSIGN(text, format::encode_pretty_json(json_of(assessment)));
    fmt::print("{}", text);
  } else {
    fmt::print("{}", thermo::describe(assessment));
  }
  return kDone;
}

Result<int> run_prices(bool json) {
  auto list = format::Json::array();
  for (const thermo::Price& price : thermo::prices()) {
    const std::string joules = price.joules ? fmt::format("{:.4g}", *price.joules) : "unstated";
    if (json) {
      list.push({{"name", std::string(price.name)},
                 {"joules", joules},
                 {"standing", std::string(thermo::to_string(price.standing))},
                 {"source", std::string(price.source)}});
    } else {
      fmt::print("{:<16} {:>10}  {:<10}  {}\n", price.name, joules,
                 thermo::to_string(price.standing), price.source);
    }
  }
  if (json) {
    CALX_ASSIGN(text, format::encode_pretty_json(list));
    fmt::print("{}", text);
  }
  return kDone;
}

void add_substrate(CLI::App& verb, SubstrateOptions& options) {
  verb.add_option("FILE", options.file,
                  "a substrate as .safetensors; without one, the published pair of a network that "
                  "was never trained");
  verb.add_option("--units", options.units, "of each module of the pair")->capture_default_str();
  verb.add_option("--rank", options.rank, "of the pair's coupling")->capture_default_str();
  verb.add_option("--seed", options.seed, "seed of the pair and of the noise (see below)")
      ->capture_default_str();
}

void add_certify(CLI::App& thermo, Session& session) {
  auto options = std::make_shared<CertifyOptions>();
  auto* verb = thermo.add_subcommand(
      "certify", "run a substrate and name every law that it misses; status 1 if there is one");
  add_substrate(*verb, options->substrate);
  verb->add_option("--integrator", options->scheme, "ou, lm, em, heun, lrw or mala")
      ->capture_default_str();
  verb->add_option("--noise", options->noise, "philox, calx-noise-1; with lrw also sha256d")
      ->capture_default_str();
  verb->add_option("--step", options->step, "h mu lambda_max")->capture_default_str();
  verb->add_option("--temperature", options->temperature, "k_B T")->capture_default_str();
  verb->add_option("--chains", options->chains, "one snapshot each")->capture_default_str();
  verb->add_option("--threads", options->threads, "the bits do not depend on it")
      ->capture_default_str();
  verb->add_option("--fault", options->fault,
                   "put one into the run: heat, dropped, biased or flipped")
      ->capture_default_str();
  verb->add_option(
          "--law", options->law,
          "equilibrium, or scheme: what this integrator should give at this step (default: "
          "scheme for lrw, else equilibrium)")
      ->check(CLI::IsMember({"equilibrium", "scheme"}));
  verb->callback([&session, options] {
    session.action = [&session, options] { return run_certify(*options, session.json); };
  });
}

}  // namespace

void add_thermo(CLI::App& app, Session& session) {
  auto* thermo = app.add_subcommand(
      "thermo", "Langevin substrates: certify, assess, prices; the published experiment again");
  thermo->require_subcommand(1);
  add_certify(*thermo, session);
  add_thermo_stages(*thermo, session);
  add_thermo_sample(*thermo, session);
  add_thermo_stage_c(*thermo, session);
  auto options = std::make_shared<SubstrateOptions>();
  auto* assess = thermo->add_subcommand(
      "assess",
      "wires, writes, eigenvalues, relaxation times; refuses an energy without a minimum");
  add_substrate(*assess, *options);
  assess->callback([&session, options] {
    session.action = [&session, options] { return run_assess(*options, session.json); };
  });
  add_thermo_generate(*thermo, session);
  add_thermo_laws(*thermo, session);
  add_thermo_scaling(*thermo, session);
  auto* prices = thermo->add_subcommand("prices", "what the energy ledger knows, with sources");
  prices->callback(
      [&session] { session.action = [&session] { return run_prices(session.json); }; });
}

}  // namespace calx::cli
