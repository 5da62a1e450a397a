// `calx thermo laws`: the certificate of a good run and of every negative twin, every integrator
// under every source of noise, and long lattice walks on double SHA-256.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>

#include "calx/base/result.h"
#include "calx/inference/report.h"
#include "calx/noise/seed.h"

namespace calx::inference {

struct LawSettings {
  noise::Seed seed = {};
  std::uint32_t chains = 4000;               // of each certified run
  std::uint64_t unit_steps = 1'000'000'000;  // of each long walk, at least
};

struct LawRun {
  std::filesystem::path work;  // finished rows wait here if stopped
  std::string command = {};    // as given, for the records
  unsigned threads = 1;
  std::stop_token stop = {};
};

/// A row that is finished stays in `work` under a name made of its settings and is not run again.
/// Errors: kCancelled, those of the runs and of the files.
Result<Report> study_laws(const LawSettings& settings, const LawRun& run, const Observer& observer);

}  // namespace calx::inference
