// --metrics of the verbs that serve: GET /metrics for Prometheus.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/metrics/scrape_server.h"

namespace calx::cli {

void add_scrape_option(CLI::App& verb, std::string& listen);

/// Null when `listen` is empty. `scrape` returns the families of the verb; the version of calx is
/// put before them. Says on stderr where it listens and who reaches it.
Result<std::unique_ptr<metrics::ScrapeServer>> start_scrape(const std::string& listen,
                                                            std::function<std::string()> scrape);

}  // namespace calx::cli
