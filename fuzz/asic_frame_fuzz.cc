// Any bytes as one direction of calx-asic-1; then cut into frames whose head and check are put
// right. What is read is encoded and read back as the same bytes, and no greeting or reason breaks
// on it.
#include <algorithm>
#include <vector>

#include "calx/base/assert.h"
#include "calx/device/asic_frame.h"

namespace {

using namespace calx::device;

void read(std::span<const std::uint8_t> bytes) {
  AsicFrameStream stream;
  // In two parts, cut where the first byte says.
  const std::size_t cut = bytes.empty() ? 0 : std::min<std::size_t>(bytes[0], bytes.size());
  for (const auto part : {bytes.first(cut), bytes.subspan(cut)}) {
    stream.push(part);
    for (;;) {
      const auto frame = stream.next();
      if (!frame) {
        CALX_ASSERT(!stream.next());
        return;
      }
      if (!*frame) break;
      CALX_ASSERT((*frame)->body.size() <= kAsicBodyMax);
      AsicFrameStream again;
      again.push(encode(**frame, 0));
      const auto same = again.next();
      CALX_ASSERT(same && *same && (*same)->body == (*frame)->body);
      static_cast<void>(parse_challenge(**frame));
      static_cast<void>(parse_welcome(**frame));
      CALX_ASSERT(end_reason(**frame, "fuzz").message.size() < 200);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read({data, size});
  std::vector<std::uint8_t> stream;
  std::uint32_t sequence = 0;
  for (std::size_t at = 0; at + 2 <= size;) {
    AsicFrame frame{.type = static_cast<AsicType>(data[at] % 10)};
    const std::size_t body = std::min<std::size_t>(data[at + 1], size - at - 2);
    frame.body.assign(data + at + 2, data + at + 2 + body);
    const auto bytes = encode(frame, sequence++);
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    at += 2 + body;
  }
  read(stream);
  return 0;
}
