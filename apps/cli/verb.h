// What every verb of the command line shares: how it is added and how it reports.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "calx/base/result.h"

namespace calx::cli {

/// Exit statuses of the command line (docs: `calx --help`).
inline constexpr int kDone = 0;
inline constexpr int kCheckFailed = 1;
inline constexpr int kBadInput = 2;
inline constexpr int kNotChecked = 3;

/// Filled by the parser: the one action to run, and how to print its result.
struct Session {
  std::function<Result<int>()> action;  // returns the exit status
  bool json = false;                    // results as one JSON document on stdout
  std::string command;                  // the command line as given, for records
};

/// Each verb adds its subcommands and sets session.action when chosen. One file a verb.
void add_bench(CLI::App& app, Session& session);
void add_device(CLI::App& app, Session& session);
void add_hash(CLI::App& app, Session& session);
void add_imagine(CLI::App& app, Session& session);
void add_noise(CLI::App& app, Session& session);
void add_study(CLI::App& app, Session& session);
void add_thermo(CLI::App& app, Session& session);
void add_train(CLI::App& app, Session& session);
void add_verify(CLI::App& app, Session& session);
void add_weights(CLI::App& app, Session& session);

/// Under `hash`, which adds it.
void add_hash_digest(CLI::App& hash, Session& session);

/// Under `study`, which adds it.
void add_study_devices(CLI::App& study, Session& session);
/// Under `thermo`, which adds it.
void add_thermo_stages(CLI::App& thermo, Session& session);
void add_thermo_sample(CLI::App& thermo, Session& session);
void add_thermo_stage_c(CLI::App& thermo, Session& session);
/// Under `train`, which adds it.
void add_train_judge(CLI::App& train, Session& session);

/// Uses one SHA-256 kernel for everything. Errors: kInvalidArgument for a name that is unknown,
/// that this CPU does not support, or whose kernel failed its self-test.
Result<void> use_kernel(std::string_view name);

}  // namespace calx::cli
