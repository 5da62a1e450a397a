// The cases of `calx bench`, by group.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/figure.h"
#include "bench/machine.h"
#include "bench/pair.h"
#include "bench/report.h"

namespace calx::bench {

/// Where rivals are, and how much work a case may take.
struct Rivals {
  std::filesystem::path python;  // a Python with torch and NumPy
  std::filesystem::path script;  // rivals.py
  std::filesystem::path calx;    // the command line, for the process-start case
  std::vector<std::pair<std::string, std::filesystem::path>> miners{};  // name, path
  bool quick = false;
};

/// A group's cases; each adds what its figures depend on to `facts`.
std::vector<Case> hash_cases(const Rivals& rivals, const Machine& machine, Facts& facts);
/// Counter mode on two cores against one.
Case two_cores_case(unsigned cores);
/// Our header scan against OpenSSL's block function.
Case header_scan_case();
std::vector<Case> noise_cases(const Rivals& rivals, Facts& facts);
std::vector<Case> start_cases(const Rivals& rivals);
std::vector<Case> thermo_cases(const Rivals& rivals);
/// A step against plain streams over the same bytes, and two cores against one.
std::vector<Case> thermo_memory_cases(unsigned cores, bool quick);

/// Bridge, batcher and server, each against a stated bar.
std::vector<FigureCase> device_cases(const Rivals& rivals);
/// Of those: many requests a job and the bridge's overhead, over an emulated LV06.
std::vector<FigureCase> batching_cases();
/// Of those: round trips of calx.v1; not available without the module.
std::vector<FigureCase> remote_cases(const Rivals& rivals);

}  // namespace calx::bench
