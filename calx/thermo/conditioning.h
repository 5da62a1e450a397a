// What differs from chain to chain: the values of clamped units and extra bias.
#pragma once

#include <cstddef>

#include "calx/base/result.h"
#include "calx/thermo/matrix.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

struct Conditioning {
  Matrix clamps = {};  // [1 or chains, clamped units]; none only if nothing is clamped
  Matrix bias = {};    // [1 or chains, free units], added to the modules' own; none: nothing added
};

/// The bias that the free units feel: their modules' own, plus the conditioning's, minus the force
/// of what is clamped, b - M_fc x_c; one row for all chains if nothing differs among them, else one
/// a chain. Shape [1 or chains, free units]. Sums run in index order: the same bits for a row
/// wherever it stands.
/// Errors: as check(); kInvalidArgument (shapes, a number that is not finite), kResourceExhausted.
Result<Matrix> effective_bias(const Substrate& substrate, const Conditioning& conditioning,
                              std::size_t chains);

}  // namespace calx::thermo
