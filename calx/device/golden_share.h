// One real share of a Bitaxe Gamma, caught by a logic analyser: job, frame, reply, hash.
// Source: mujina asic/bm13xx/test_data.rs; rebuilt here from its parts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "calx/base/hex.h"
#include "calx/work/block_header.h"

namespace calx::device {

inline constexpr std::string_view kGoldenHeader =
    "0040b420fd55646bc162b96dfcd4f201a3f4670d1d3996bc96520100000000000000000006ddf5f08c36414b95ea54"
    "db"
    "71a0c28761a98bcf6355919e044f88725519a7cbd7685468043a02174c035275";
inline constexpr std::string_view kGoldenHash =  // as displayed
    "0000000000023704cface997bcf7388694ea43dae96c51d80658687a7d8827fe";
inline constexpr std::string_view kGoldenJobFrame =
    "55aa2156680100000000043a0217d76854685519a7cb044f88726355919e61a98bcf71a0c28795ea54db8c36414b06"
    "dd"
    "f5f00000000000000000965201001d3996bca3f4670dfcd4f201c162b96dfd55646b00000020721c";
inline constexpr std::string_view kGoldenReply = "aa554c0352750cd205a29c";
inline constexpr std::uint32_t kGoldenVersion = 0x20000000, kGoldenVersionBits = 0x00b44000;
inline constexpr std::uint8_t kGoldenJobId = 0x68;

/// The header of the share, nonce and rolled version included.
inline work::BlockHeader golden_header() {
  hash::Header bytes{};
  static_cast<void>(from_hex(kGoldenHeader, bytes));
  work::BlockHeader header{.version = kGoldenVersion | kGoldenVersionBits,
                           .ntime = 0x685468d7,
                           .nbits = 0x17023a04,
                           .nonce = 0x7552034c};
  std::copy_n(bytes.begin() + 4, 32, header.previous_hash.begin());
  std::copy_n(bytes.begin() + 36, 32, header.merkle_root.begin());
  return header;
}

}  // namespace calx::device
