// Any bytes as packets to and from an Antminer, in both dialects; then with length and check sum
// put right. What is read is encoded and read back the same.
#include <vector>

#include "calx/base/assert.h"
#include "calx/device/bitmain_emulator.h"
#include "calx/device/bitmain_token.h"
#include "calx/device/crc.h"

namespace {

using namespace calx::device;

void read(TokenDialect dialect, std::span<const std::uint8_t> bytes) {
  TokenStream stream(dialect);
  stream.push(bytes);
  while (const auto answer = stream.next()) {
    if (!answer->nonces) continue;
    const auto again = parse_answer(dialect, encode(dialect, *answer->nonces));
    CALX_ASSERT(again && again->nonces->nonces.size() == answer->nonces->nonces.size());
  }
  if (const auto order = parse_order(dialect, bytes); order && order->task) {
    const auto again = parse_order(dialect, encode(dialect, *order->task));
    CALX_ASSERT(again && again->task->works.size() == order->task->works.size());
  }
  BitmainEmulator emulator({.dialect = dialect});
  emulator.write(bytes);
  static_cast<void>(emulator.read());
}

std::vector<std::uint8_t> put_right(std::vector<std::uint8_t> bytes, bool wide) {
  if (bytes.size() < 6) return bytes;
  const std::size_t length = bytes.size() - (wide ? 4 : 2);
  bytes[wide ? 2 : 1] = static_cast<std::uint8_t>(length);
  if (wide) bytes[3] = static_cast<std::uint8_t>(length >> 8);
  const auto sum = crc16_modbus(std::span(bytes).first(bytes.size() - 2));
  bytes[bytes.size() - 2] = static_cast<std::uint8_t>(sum);
  bytes.back() = static_cast<std::uint8_t>(sum >> 8);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const BitmainKind kind : {BitmainKind::kS1, BitmainKind::kS3}) {
    for (const FlagOrder order : {FlagOrder::kLowFirst, FlagOrder::kHighFirst}) {
      read({kind, order}, {data, size});
      for (const bool wide : {false, true}) {
        read({kind, order}, put_right({data, data + size}, wide));
      }
    }
  }
  return 0;
}
