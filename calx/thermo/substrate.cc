#include "calx/thermo/substrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace calx::thermo {
namespace {

bool finite(std::span<const double> values) {
  return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
}

Result<void> check_onsite(const Module& module, std::span<const double> values,
                          std::string_view what, std::string_view wanted, bool fits) {
  if (!fits) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("module {}: {} values of {}, wanted {}",
                                                         module.name, values.size(), what, wanted));
  }
  if (!finite(values)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("module {}: a value of {} is not a finite number", module.name, what));
  }
  return {};
}

Result<void> check_intra(const Module& module) {
  const Matrix& k = module.intra;
  const std::size_t n = module.units;
  if (n > kIntraUnitsMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("module {}: couplings among all of {} units, wanted at most {} units",
                            module.name, n, kIntraUnitsMax));
  }
  if (k.rows != n || k.columns != n || k.values.size() != n * n) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("module {}: couplings of shape [{}, {}], wanted [{}, {}]", module.name,
                            k.rows, k.columns, n, n));
  }
  if (!finite(k.values)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("module {}: a coupling is not a finite number", module.name));
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (k(i, j) == k(j, i)) continue;
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("module {}: coupling ({}, {}) is {} and ({}, {}) is {}, wanted a "
                              "symmetric matrix",
                              module.name, i, j, k(i, j), j, i, k(j, i)));
    }
  }
  return {};
}

Result<void> check_module(const Module& module) {
  if (module.units == 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("module {}: no units, wanted at least 1", module.name));
  }
  if (module.clamped) return {};
  const std::size_t n = module.units;
  const auto per_unit = fmt::format("1 or {}", n);
  const auto one_or_all = [n](std::size_t count) { return count == 1 || count == n; };
  CALX_TRY(
      check_onsite(module, module.quadratic, "J2", per_unit, one_or_all(module.quadratic.size())));
  CALX_TRY(check_onsite(module, module.quartic, "J4", "none, " + per_unit,
                        module.quartic.empty() || one_or_all(module.quartic.size())));
  CALX_TRY(check_onsite(module, module.bias, "the bias", fmt::format("none or {}", n),
                        module.bias.empty() || module.bias.size() == n));
  if (std::ranges::any_of(module.quartic, [](double j4) { return j4 < 0; })) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("module {}: J4 is {}, wanted at least 0: the energy has no minimum",
                            module.name, std::ranges::min(module.quartic)));
  }
  if (module.intra.empty() && module.intra.rows == 0) return {};
  return check_intra(module);
}

Result<void> check_factor(const Substrate& substrate, std::size_t index, const Matrix& factor,
                          std::size_t module) {
  const std::size_t units = substrate.modules[module].units;
  const std::size_t rank = substrate.couplings[index].rank();
  if (factor.rows != units || factor.columns != rank || factor.values.size() != units * rank) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("coupling {}: factor of shape [{}, {}] for module {}, wanted [{}, {}]", index,
                    factor.rows, factor.columns, substrate.modules[module].name, units, rank));
  }
  if (rank > units) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling {}: rank {} is larger than the {} units of module {}", index,
                            rank, units, substrate.modules[module].name));
  }
  if (!finite(factor.values)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling {}: a factor is not a finite number", index));
  }
  return {};
}

Result<void> check_coupling(const Substrate& substrate, std::size_t index) {
  const Coupling& coupling = substrate.couplings[index];
  if (std::max(coupling.first, coupling.second) >= substrate.modules.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling {}: modules {} and {}, but there are {}", index,
                            coupling.first, coupling.second, substrate.modules.size()));
  }
  if (coupling.rank() == 0 || coupling.rank() > kRankMax) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("coupling {}: rank {}, wanted 1 to {}",
                                                         index, coupling.rank(), kRankMax));
  }
  CALX_TRY(check_factor(substrate, index, coupling.left, coupling.first));
  if (coupling.first != coupling.second) {
    CALX_TRY(check_factor(substrate, index, coupling.right, coupling.second));
  } else if (!coupling.right.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling {}: a second factor for a module coupled to itself, wanted "
                            "one factor and signed strengths",
                            index));
  }
  if (!coupling.strength.empty() && coupling.strength.size() != coupling.rank()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling {}: {} strengths, wanted none or {}", index,
                            coupling.strength.size(), coupling.rank()));
  }
  if (!finite(coupling.strength)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling {}: a strength is not a finite number", index));
  }
  return {};
}

std::uint64_t nonzero(std::span<const double> values) {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(values, [](double value) { return value != 0; }));
}

// A single value that stands for all units is written to each of them.
std::uint64_t onsite_writes(const Module& module, std::span<const double> values) {
  return values.size() == 1 ? nonzero(values) * module.units : nonzero(values);
}

}  // namespace

Result<void> check(const Substrate& substrate) {
  if (substrate.modules.size() > kModulesMax || substrate.couplings.size() > kCouplingsMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("substrate: {} modules and {} couplings, wanted at most {} and {}",
                            substrate.modules.size(), substrate.couplings.size(), kModulesMax,
                            kCouplingsMax));
  }
  std::size_t units = 0;
  for (const Module& module : substrate.modules) {
    CALX_TRY(check_module(module));
    units += std::min(module.units, kUnitsMax + 1);
    if (units > kUnitsMax) {
      return fail(
          ErrorCode::kResourceExhausted,
          fmt::format("substrate: more than {} units at module {}", kUnitsMax, module.name));
    }
  }
  if (places(substrate).free_units == 0) {
    return fail(ErrorCode::kInvalidArgument, "substrate: no free unit, wanted at least 1");
  }
  for (std::size_t i = 0; i < substrate.couplings.size(); ++i) {
    CALX_TRY(check_coupling(substrate, i));
  }
  return {};
}

Places places(const Substrate& substrate) {
  Places result;
  for (const Module& module : substrate.modules) {
    std::size_t& end = module.clamped ? result.clamped_units : result.free_units;
    result.offset.push_back(end);
    end += module.units;
  }
  return result;
}

Wiring wiring(const Substrate& substrate) {
  Wiring result;
  for (const Module& module : substrate.modules) {
    if (module.clamped) {
      result.clamp_writes += module.units;
      continue;
    }
    result.program_writes += onsite_writes(module, module.quadratic) +
                             onsite_writes(module, module.quartic) + nonzero(module.bias);
    for (std::size_t i = 0; i < module.intra.rows; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        const bool wired = module.intra(i, j) != 0;
        result.program_writes += wired ? 1 : 0;
        result.intra_wires += wired && j < i ? 1 : 0;
      }
    }
  }
  for (const Coupling& coupling : substrate.couplings) {
    const std::uint64_t p = substrate.modules[coupling.first].units;
    const std::uint64_t q = substrate.modules[coupling.second].units;
    const bool self = coupling.first == coupling.second;
    result.coupling_wires += coupling.rank() * (self ? p : p + q);
    result.full_wires += self ? p * (p - 1) / 2 : p * q;
    result.program_writes +=
        nonzero(coupling.left.values) + nonzero(coupling.right.values) + nonzero(coupling.strength);
  }
  return result;
}

}  // namespace calx::thermo
