// hash_selftest: where this layer runs and which kernels are right there. Needs no test library, so
// it also runs under an emulator of another CPU. Exit status 0: every kernel that this CPU supports
// gave the digests below; 1: one did not, or none was chosen for some operation.
#include <bit>
#include <cstdio>
#if defined(__unix__)
#include <sys/utsname.h>
#endif

#include "calx/hash/counter.h"
#include "calx/hash/scan.h"
#include "calx/hash/self_test.h"
#include "calx/hash/sha256.h"

namespace calx::hash {
namespace {

// SHA-256 of the digests that everything() hashes, computed with OpenSSL.
constexpr Digest kWanted = {0xd1, 0x7b, 0xe4, 0x24, 0x79, 0x3d, 0x60, 0x8d, 0xc8, 0xc9, 0x87,
                            0xe3, 0xf0, 0xfd, 0x7e, 0xf6, 0xf7, 0x69, 0x5a, 0x9e, 0xe4, 0x97,
                            0x06, 0x7e, 0x27, 0xc2, 0xf4, 0x3c, 0x53, 0xb4, 0xb4, 0xa5};

void print_place() {
#if defined(__unix__)
  utsname system{};
  if (uname(&system) == 0) std::printf("machine      %s (%s)\n", system.machine, system.sysname);
#endif
  std::printf("byte order   %s\n", std::endian::native == std::endian::big ? "big" : "little");
  std::printf("pointer      %zu bits\n", 8 * sizeof(void*));
}

void print_kernels() {
  for (const KernelReport& report : kernel_reports()) {
    std::printf("kernel       %-9s %s", report.kernel->name.data(),
                to_string(report.status).data());
    if (!report.fault.empty()) std::printf(": wrong %s", report.fault.data());
    for (std::size_t i = 0; i < kOperationCount; ++i) {
      if (report.chosen_for[i]) std::printf(" %s", to_string(static_cast<Operation>(i)).data());
    }
    std::printf("\n");
  }
}

/// One digest over everything a kernel does: messages of 0..300 bytes, a box of counter blocks and
/// the lowest nonces of easy targets.
Digest everything() {
  std::uint8_t message[300];
  for (std::size_t i = 0; i < sizeof message; ++i) message[i] = static_cast<std::uint8_t>(i % 251);
  Sha256 all;
  for (std::size_t length = 0; length <= sizeof message; ++length) {
    all.update(sha256({message, length}));
  }
  CounterRows rows{.word8 = 1, .word10 = 3, .row_first = 4, .row_count = 33, .group_count = 5};
  for (std::uint32_t i = 0; i < 8; ++i) rows.key[i] = 0x00010203u + 0x04040404u * i;
  static std::uint32_t words[33 * 5 * 8];
  expand(rows, words);
  for (const std::uint32_t word : words) all.update_u32(word);
  Header header{};
  for (std::size_t i = 0; i < header.size(); ++i) header[i] = static_cast<std::uint8_t>(i);
  for (const unsigned top : {0xffu, 0x3fu, 0x07u, 0x00u}) {
    TargetBytes target;
    target.fill(0xff);
    target[0] = static_cast<std::uint8_t>(top);
    all.update_u32(find_nonce(header, target, 0, 0xffffffff).value_or(0xffffffff));
  }
  return all.finish();
}

int run() {
  print_place();
  print_kernels();
  int wrong = 0;
  for (const KernelReport& report : kernel_reports()) {
    if (report.status == KernelStatus::kUnsupported) continue;
    if (report.status == KernelStatus::kRefused) {
      ++wrong;
      continue;
    }
    force_kernel(report.kernel->name);
    const Digest digest = everything();
    std::printf("digest       %-9s ", report.kernel->name.data());
    for (const std::uint8_t byte : digest) std::printf("%02x", byte);
    std::printf("%s\n", digest == kWanted ? "" : "  WRONG");
    if (digest != kWanted) ++wrong;
  }
  std::printf("self-test    %s\n", wrong == 0 ? "passed" : "FAILED");
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace calx::hash

int main() { return calx::hash::run(); }
