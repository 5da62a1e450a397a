// The key of a stream: everything that names a stream, hashed once into eight words.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "calx/hash/digest.h"

namespace calx::noise {

enum class SeedType : std::uint8_t { kBytes = 0, kText = 1, kInteger = 2 };

/// The words of K = SHA256("calx-noise-1\0" || u8 type || u32 length || seed || u32 length || name
/// || u64 index), integers big-endian, words read big-endian.
hash::State derive_key(SeedType type, std::span<const std::uint8_t> seed, std::string_view name,
                       std::uint64_t index) noexcept;

}  // namespace calx::noise
