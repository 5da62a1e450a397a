// Substrates as .safetensors files: arrays by name, checked on the way in.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

/// Metadata: "format" = "calx-substrate-1"; "module.I" = the module's name, "module.I.units" and
/// "module.I.clamped"; "coupling.I" = "P Q", the indices of its modules. Tensors, float64:
/// "module.I.quadratic", ".quartic", ".intra", ".bias"; "coupling.I.left", ".right", ".strength";
/// those that a substrate lacks are left out.
/// Errors: as check(substrate); those of encode_safetensors.
Result<std::vector<std::uint8_t>> encode_substrate(const Substrate& substrate);

/// Errors: those of parse_safetensors; kInvalidArgument for another format, a missing or unknown
/// entry, another type than float64, and whatever check(substrate) refuses: a number that is not
/// finite, shapes that do not fit. It does not ask for a minimum of the energy.
Result<Substrate> parse_substrate(std::span<const std::uint8_t> bytes);

}  // namespace calx::thermo
