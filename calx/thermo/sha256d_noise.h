// Thermal noise of nothing but double SHA-256: what hash hardware could supply. Feeds the lattice
// random walk, which needs bits and no normal values.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/engine.h"
#include "calx/thermo/noise_source.h"

namespace calx::thermo {

inline constexpr std::size_t kNoisePrefixBytesMax = 64;
inline constexpr std::uint32_t kDrawsPerDigest = 16;
inline constexpr std::uint64_t kNoiseLogBytesMax = std::uint64_t{1} << 32;

/// digest_i = SHA256(SHA256(prefix || i as 8 bytes little-endian)); each digest gives 16 draws of
/// 16 bits, little-endian, in order. Draws go chain after chain, unit after unit; each step starts
/// on a fresh digest and i runs on across steps, so the draw of (step, chain, unit) is number
/// chain * units + unit of step s, whose first digest is s * ceil(chains * units / 16).
/// The words hold a draw in their upper 16 bits.
///
/// It serves runs of exactly `chains` chains of `units` units, from the first chain on: the
/// address of a draw depends on both. Other draws than kThermal are refused. Origin software.
/// Errors: kInvalidArgument (a prefix over kNoisePrefixBytesMax, no chains or units, a product
/// over 2^32). Source: seed 003 and its vectors in sha256d_noise_test.cc.
Result<std::shared_ptr<const NoiseSource>> sha256d_noise(std::string prefix, std::uint32_t chains,
                                                         std::uint32_t units);

/// Bytes that somebody recorded, such as the output of a device, read as the digests above: 16-bit
/// little-endian draws, a step begins at a multiple of 32 bytes.
struct NoiseLog {
  std::vector<std::uint8_t> bytes;
  Origin origin = Origin::kModelled;  // of whoever made the bytes, as they were recorded
};

/// Errors: kInvalidArgument (no chains or units, fewer bytes than one step takes),
/// kResourceExhausted (over kNoiseLogBytesMax). A run that would pass the end of the log is refused
/// before it starts; the log is never read twice.
Result<std::shared_ptr<const NoiseSource>> log_noise(NoiseLog log, std::uint32_t chains,
                                                     std::uint32_t units);

/// Records digest_0 .. digest_(count - 1) from an engine: two digests of chosen bytes each, so a
/// mining ASIC cannot serve it, an engine that hashes messages can. The origin is what the engine
/// reported for these very digests. Errors: the engine's; kInvalidArgument (prefix),
/// kResourceExhausted (size).
Result<NoiseLog> record_sha256d(hash::DigestEngine& engine, const std::string& prefix,
                                std::uint64_t count);

}  // namespace calx::thermo
