// The directions along which a 32-byte neuron describes a layer.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "calx/base/result.h"

namespace calx::weights {

/// [side][4]: unit rows up to four of them, signs above.
using Basis = std::vector<std::array<int, 4>>;
/// U V, row-major: -224 .. 256.
using Core = std::array<int, 16>;

/// Errors: those of Stream::open and Stream::bits.
Result<Basis> make_basis(std::string_view stream, std::uint32_t number, std::size_t side);

Core product(const std::array<std::int8_t, 16>& u, const std::array<std::int8_t, 16>& v) noexcept;

/// Errors: kInvalidArgument, kResourceExhausted, as expand() says.
Result<void> check_sides(std::size_t out, std::size_t in);

}  // namespace calx::weights
