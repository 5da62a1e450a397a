#include "calx/thermo/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "calx/base/assert.h"

namespace calx::thermo {
namespace {

constexpr std::string_view kZ1 =
    "arXiv 2608.01615 Table IV (SPICE, taped out, not measured), as given in ferrotherm "
    "src/ledger.rs @d360c55";

constexpr std::array kPrices = {
    Price{"z1 write", 153.6e-12, Standing::kSimulated, kZ1},
    Price{"z1 read", 1.692e-12, Standing::kSimulated, kZ1},
    Price{"z1 sample", 7.09e-15, Standing::kSimulated, kZ1},
    Price{"z1 standby", std::nullopt, Standing::kUnstated, "no vendor states one (per second)"},
    Price{"digital mac", 1e-12, Standing::kUnverified, "order of magnitude, no source read"},
    Price{"converter 8 bit", 256e-15, Standing::kUnverified, "1 fJ a conversion step times 2^8"},
    Price{"heat kT 300 K", 4.14e-21, Standing::kDerived, "k_B times 300 K"},
    Price{"host", std::nullopt, Standing::kUnstated, "not metered here (per second)"},
};

Price price_of(std::string_view name) {
  const auto price = find_price(name);
  CALX_ASSERT(price);
  return *price;
}

}  // namespace

std::string_view to_string(Standing standing) noexcept {
  constexpr std::array<std::string_view, 4> kWords = {"simulated", "derived", "unverified",
                                                      "unstated"};
  return kWords[static_cast<std::size_t>(standing)];
}

std::span<const Price> prices() noexcept { return kPrices; }

Result<Price> find_price(std::string_view name) {
  const auto* const found = std::ranges::find(kPrices, name, &Price::name);
  if (found != kPrices.end()) return *found;
  std::vector<std::string_view> names;
  for (const Price& price : kPrices) names.push_back(price.name);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("price \"{}\": wanted one of {}", name, fmt::join(names, ", ")));
}

void Ledger::add(std::string what, double count, const Price& price) {
  lines_.push_back({std::move(what), count, price});
}

std::optional<double> Ledger::total_j() const noexcept {
  const bool unstated = std::ranges::any_of(
      lines_, [](const LedgerLine& line) { return line.count > 0 && !line.price.joules; });
  if (unstated) return std::nullopt;
  return stated_j();
}

double Ledger::stated_j() const noexcept {
  double sum = 0;
  for (const LedgerLine& line : lines_) sum += line.count * line.price.joules.value_or(0);
  return sum;
}

std::optional<double> Ledger::break_even_j(std::size_t line, double rival_j) const noexcept {
  if (line >= lines_.size() || !(lines_[line].count > 0)) return std::nullopt;
  double others = 0;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (i == line || !(lines_[i].count > 0)) continue;
    const auto& joules = lines_[i].price.joules;
    if (!joules) return std::nullopt;
    others += lines_[i].count * *joules;
  }
  const double price = (rival_j - others) / lines_[line].count;
  if (!(price > 0)) return std::nullopt;
  return price;
}

std::string describe(const Ledger& ledger) {
  std::string text = fmt::format("{}\n", ledger.title());
  for (const LedgerLine& line : ledger.lines()) {
    if (line.price.joules) {
      text +=
          fmt::format("  {:<40} {:>12.6g} x {:>10.4g} J = {:>10.4g} J  {} ({}: {})\n", line.what,
                      line.count, *line.price.joules, line.count * *line.price.joules,
                      line.price.name, to_string(line.price.standing), line.price.source);
    } else {
      text += fmt::format("  {:<40} {:>12.6g} x   unstated, no number        {} ({})\n", line.what,
                          line.count, line.price.name, line.price.source);
    }
  }
  if (const auto total = ledger.total_j()) return text + fmt::format("  total {:.4g} J\n", *total);
  return text + fmt::format("  no total: a price is unstated; the stated lines come to {:.4g} J\n",
                            ledger.stated_j());
}

Comparison compare(const Effort& effort) {
  Ledger substrate("substrate"), full("digital, the full network"), same("digital, the same map");
  substrate.add("DAC writes for this answer", effort.dac_writes, price_of("z1 write"));
  substrate.add("ADC reads", effort.adc_reads, price_of("z1 read"));
  substrate.add("programming, its share", effort.program_writes, price_of("z1 write"));
  substrate.add("relaxation heat", effort.heat_kt, price_of("heat kT 300 K"));
  substrate.add("digital interface", effort.interface_macs, price_of("digital mac"));
  substrate.add("standby, seconds", effort.standby_s, price_of("z1 standby"));
  full.add("multiply-adds", effort.full_network_macs, price_of("digital mac"));
  same.add("multiply-adds", effort.same_map_macs, price_of("digital mac"));
  return {std::move(substrate), std::move(full), std::move(same)};
}

}  // namespace calx::thermo
