// Any bytes as what chips send and hear, for every kind; then the same with every reply's check sum
// put right, or no mutation would get past it. What is read is encoded and read back the same.
#include <vector>

#include "calx/base/assert.h"
#include "calx/device/bm13xx_emulator.h"
#include "calx/device/bm13xx_frame.h"
#include "calx/device/crc.h"

namespace {

using namespace calx::device;

void read_replies(const Bm13xxKind& kind, std::span<const std::uint8_t> bytes) {
  Bm13xxReplyStream stream(kind);
  stream.push(bytes);
  std::size_t read = 0;
  while (const auto reply = stream.next()) {
    read += kind.reply_bytes;
    CALX_ASSERT(reply->nonce.has_value() != reply->reg.has_value());
    const auto again = parse_reply(kind, encode_reply(kind, *reply));
    CALX_ASSERT(again);
    if (reply->nonce) CALX_ASSERT(again->nonce->nonce == reply->nonce->nonce);
    if (reply->reg) CALX_ASSERT(again->reg->value == reply->reg->value);
  }
  CALX_ASSERT(read + stream.bytes_skipped() <= bytes.size());
  CALX_ASSERT(bytes.size() - read - stream.bytes_skipped() < kind.reply_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const Bm13xxKind& kind : bm13xx_kinds()) {
    std::vector<std::uint8_t> bytes(data, data + size);
    read_replies(kind, bytes);
    for (std::size_t at = 0; at + kind.reply_bytes <= size; at += kind.reply_bytes) {
      const auto frame = std::span(bytes).subspan(at, kind.reply_bytes);
      frame[0] = 0xaa, frame[1] = 0x55;
      frame.back() = static_cast<std::uint8_t>(frame.back() & 0xe0);
      for (int i = 0; i < 31 && crc5(frame.subspan(2)) != 0; ++i) ++frame.back();
    }
    read_replies(kind, bytes);
    Bm13xxEmulator emulator({.chip = kind.chip, .chips = 2});
    emulator.receive({data, size}, emulator.baud());
    static_cast<void>(emulator.take_output());
  }
  return 0;
}
