// Any bytes as frames of calx-hash-1; then with length and check put right. What is read is encoded
// and read back as the same bytes; the device answers or says nothing, whatever comes.
#include <algorithm>
#include <vector>

#include "calx/base/assert.h"
#include "calx/device/direct_hash_engine.h"
#include "calx/hash/big_endian.h"
#include "calx/hash/sha256.h"

namespace {

using namespace calx::device;

void read(const std::vector<std::uint8_t>& bytes) {
  HashFrameStream stream;
  stream.push(bytes);
  while (const auto frame = stream.next()) {
    const auto encoded = encode(*frame);
    CALX_ASSERT(encoded);
    const auto again = parse_hash_frame(*encoded);
    CALX_ASSERT(again && *encode(*again) == *encoded);
  }
  DirectHashDevice device(16, 256);
  device.receive(bytes);
  static_cast<void>(device.take_output());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kFrameBytes = kDirectHashHeadBytes + kDirectHashCheckBytes;
  std::vector<std::uint8_t> bytes(data, data + size);
  read(bytes);
  if (size < kFrameBytes) return 0;
  constexpr std::uint8_t kMagic[] = {0x43, 0x58, 0x48, 0x31};
  std::ranges::copy(kMagic, bytes.begin());
  std::fill(bytes.begin() + 5, bytes.begin() + 8, std::uint8_t{0});
  calx::hash::store_be32(bytes.data() + 12, static_cast<std::uint32_t>(size - kFrameBytes));
  const auto digest = calx::hash::sha256(std::span(bytes).first(size - kDirectHashCheckBytes));
  std::copy_n(digest.begin(), kDirectHashCheckBytes,
              bytes.end() - static_cast<std::ptrdiff_t>(kDirectHashCheckBytes));
  read(bytes);
  return 0;
}
