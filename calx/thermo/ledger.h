// What an answer costs, line by line, with the source of every price. A price that nobody has
// published gives no number, and then there is no total.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calx/base/result.h"

namespace calx::thermo {

enum class Standing : std::uint8_t {
  kSimulated,   // by a circuit simulation of its makers; no such part was measured
  kDerived,     // follows from stated figures by arithmetic
  kUnverified,  // an order of magnitude that no source was read for
  kUnstated,    // nobody has published it: no number
};
std::string_view to_string(Standing standing) noexcept;

struct Price {
  std::string_view name;
  std::optional<double> joules;  // a unit; nothing when unstated
  Standing standing = Standing::kUnstated;
  std::string_view source;
};

/// Every price that Calx knows: "z1 write", "z1 read", "z1 sample", "z1 standby", "digital mac",
/// "converter 8 bit", "heat kT 300 K", "host". Source: each row's own.
std::span<const Price> prices() noexcept;
/// Errors: kInvalidArgument names the prices there are.
Result<Price> find_price(std::string_view name);

struct LedgerLine {
  std::string what;  // "DAC writes of the clamped encoder"
  double count = 0;  // of the price's unit
  Price price;
};

class Ledger {
 public:
  explicit Ledger(std::string title) : title_(std::move(title)) {}

  void add(std::string what, double count, const Price& price);

  [[nodiscard]] std::string_view title() const noexcept { return title_; }
  [[nodiscard]] const std::vector<LedgerLine>& lines() const noexcept { return lines_; }
  /// Sum of all lines; nothing when a line with a count above 0 has no price.
  [[nodiscard]] std::optional<double> total_j() const noexcept;
  /// Sum of the lines that have a price: a lower bound of the total, never the total.
  [[nodiscard]] double stated_j() const noexcept;
  /// The price of line `line` at which this ledger would cost `rival_j`, the others as they are;
  /// nothing when another price is unstated, the line counts nothing, or no price above 0 does it.
  [[nodiscard]] std::optional<double> break_even_j(std::size_t line, double rival_j) const noexcept;

 private:
  std::string title_;
  std::vector<LedgerLine> lines_;
};

/// The lines with counts, prices and sources, then the total or why there is none.
std::string describe(const Ledger& ledger);

/// What one answer asks of a substrate and of its digital rivals.
struct Effort {
  double dac_writes = 0;      // clamps and biases written for this answer
  double program_writes = 0;  // couplings and stiffness, already divided by the answers they serve
  double adc_reads = 0;
  double heat_kt = 0;            // relaxation heat
  double standby_s = 0;          // time that the machine stands powered
  double interface_macs = 0;     // digital networks on the way in and out
  double full_network_macs = 0;  // rival 1: the network that is replaced
  double same_map_macs = 0;      // rival 2: the same function as a digital map
};

struct Comparison {
  Ledger substrate, full_network, same_map;
};

/// Prices of the Z1 part for the substrate, of one digital multiply-add for both rivals. Standby is
/// booked with its unstated price, so the substrate has a lower bound and no total.
Comparison compare(const Effort& effort);

}  // namespace calx::thermo
