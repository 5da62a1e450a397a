// noise_exactness [HASH_KERNEL [NORMAL_KERNEL]]: one SHA-256 over 2^24 normal values.
// noise_exactness --list: the kernels that this CPU supports, one pair a line.
//
// The line must be the same digest for every kernel, compiler, optimisation and architecture; it is
// a vector of docs/protocol/noise.md. Needs a C++20 compiler and the sources of hash/, key.cc and
// normal_*.cc: no <expected>, no other library.
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "calx/hash/kernel.h"
#include "calx/hash/sha256.h"
#include "calx/noise/float_bits.h"
#include "calx/noise/key.h"
#include "calx/noise/normal_transform.h"
#include "calx/noise/region.h"

namespace {

using calx::noise::NormalKernel;

constexpr std::string_view kSeed = "exactness";
constexpr calx::noise::Region kRegion{.channels = 4, .rows = 2048, .columns = 2048};

#if defined(__x86_64__)
constexpr const char* kArchitecture = "x86_64";
#elif defined(__aarch64__)
constexpr const char* kArchitecture = "aarch64";
#elif defined(__s390x__)
constexpr const char* kArchitecture = "s390x";
#elif defined(__mips__)
constexpr const char* kArchitecture = "mips";
#elif defined(__wasm__)
constexpr const char* kArchitecture = "wasm";
#else
constexpr const char* kArchitecture = "other";
#endif

calx::hash::Digest digest_of_values(const NormalKernel& kernel) {
  std::array<std::uint8_t, kSeed.size()> seed{};
  for (std::size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<std::uint8_t>(kSeed[i]);
  const auto key = calx::noise::derive_key(calx::noise::SeedType::kText, seed, "init", 0);
  calx::hash::Sha256 digest;
  std::array<float, calx::noise::kWalkWords> values{};
  std::array<std::uint8_t, 4 * calx::noise::kWalkWords> bytes{};
  calx::noise::walk(key, kRegion, [&](std::span<const std::uint32_t> words, std::size_t) {
    kernel.run(words.data(), values.data(), words.size());
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto bits = calx::noise::bits_of(values[i]);
      for (std::size_t b = 0; b < 4; ++b)
        bytes[4 * i + b] = static_cast<std::uint8_t>(bits >> 8 * b);
    }
    digest.update(std::span<const std::uint8_t>(bytes.data(), 4 * words.size()));
  });
  return digest.finish();
}

void list_kernels() {
  for (const auto& report : calx::hash::kernel_reports()) {
    if (report.status == calx::hash::KernelStatus::kUnsupported) continue;
    for (const NormalKernel& kernel : calx::noise::normal_kernels()) {
      if (!kernel.supported()) continue;
      std::printf("%.*s %.*s\n", static_cast<int>(report.kernel->name.size()),
                  report.kernel->name.data(), static_cast<int>(kernel.name.size()),
                  kernel.name.data());
    }
  }
}

const NormalKernel* find_normal_kernel(std::string_view name) {
  for (const NormalKernel& kernel : calx::noise::normal_kernels()) {
    if (kernel.name == name && kernel.supported()) return &kernel;
  }
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "--list") return list_kernels(), 0;
  if (calx::hash::force_kernel(first) != calx::hash::KernelStatus::kChosen) {
    std::fprintf(stderr, "noise_exactness: hash kernel '%s' is not usable here\n", argv[1]);
    return 3;
  }
  const NormalKernel* kernel =
      argc > 2 ? find_normal_kernel(argv[2]) : &calx::noise::normal_kernel();
  if (kernel == nullptr) {
    std::fprintf(stderr, "noise_exactness: normal kernel '%s' is not usable here\n", argv[2]);
    return 3;
  }
  const auto digest = digest_of_values(*kernel);
  for (const std::uint8_t byte : digest) std::printf("%02x", byte);
  const std::string_view hash = calx::hash::active_kernel(calx::hash::Operation::kExpand).name;
  std::printf("  %s  hash=%.*s normal=%.*s  %s endian  %s\n", kArchitecture,
              static_cast<int>(hash.size()), hash.data(), static_cast<int>(kernel->name.size()),
              kernel->name.data(), std::endian::native == std::endian::little ? "little" : "big",
#if defined(__clang__)
              "clang " __clang_version__
#else
              "g++ " __VERSION__
#endif
  );
  return 0;
}
