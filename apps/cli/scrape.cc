#include "apps/cli/scrape.h"

#include <fmt/format.h>

#include <cstdio>

#include "calx/metrics/exposition.h"

namespace calx::cli {

void add_scrape_option(CLI::App& verb, std::string& listen) {
  verb.add_option("--metrics", listen,
                  "HOST:PORT where Prometheus reads counters: GET /metrics, without a token");
}

Result<std::unique_ptr<metrics::ScrapeServer>> start_scrape(const std::string& listen,
                                                            std::function<std::string()> scrape) {
  if (listen.empty()) return nullptr;
  CALX_ASSIGN(address, parse_address(listen));
  CALX_ASSIGN(server,
              metrics::ScrapeServer::start({.listen = address}, [scrape = std::move(scrape)] {
                metrics::Exposition build;
                build.family("calx_build_info", metrics::Kind::kGauge, "This program.");
                build.sample({{"version", CALX_VERSION}}, std::uint64_t{1});
                return build.text() + scrape();
              }));
  fmt::print(stderr, "metrics at http://{}/metrics{}\n", server->address().to_string(),
             address.loopback() ? "" : ": whoever reaches that address reads them");
  std::fflush(stderr);
  return std::move(server);
}

}  // namespace calx::cli
