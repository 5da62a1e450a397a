#include "apps/asic_agent/frame.h"

static void store32(uint8_t* out, uint32_t value) {
  out[0] = (uint8_t)(value >> 24), out[1] = (uint8_t)(value >> 16);
  out[2] = (uint8_t)(value >> 8), out[3] = (uint8_t)value;
}

static uint32_t load32(const uint8_t* in) {
  return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

uint32_t frame_check(const uint8_t* bytes, size_t count) {
  uint32_t sum = 0xffffffffu;
  for (size_t i = 0; i < count; ++i) {
    sum ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (0xedb88320u & (0u - (sum & 1u)));
  }
  return ~sum;
}

size_t frame_write(uint8_t* out, uint8_t type, uint32_t sequence, const void* body,
                   size_t body_bytes) {
  const uint8_t* in = body;
  out[0] = kFrameMagic;
  out[1] = type;
  out[2] = (uint8_t)(body_bytes >> 8), out[3] = (uint8_t)body_bytes;
  store32(out + 4, sequence);
  for (size_t i = 0; i < body_bytes; ++i) out[kFrameHeadBytes + i] = in[i];
  const size_t checked = kFrameHeadBytes + body_bytes;
  store32(out + checked, frame_check(out, checked));
  return checked + kFrameCheckBytes;
}

long frame_read(const uint8_t* bytes, size_t count, uint32_t sequence, struct frame* frame) {
  if (count > 0 && bytes[0] != kFrameMagic) return -1;
  if (count < kFrameHeadBytes) return 0;
  const size_t body = (size_t)bytes[2] << 8 | bytes[3];
  if (body > kFrameBodyMax || load32(bytes + 4) != sequence) return -1;
  const size_t checked = kFrameHeadBytes + body;
  if (count < checked + kFrameCheckBytes) return 0;
  if (load32(bytes + checked) != frame_check(bytes, checked)) return -1;
  frame->type = bytes[1];
  frame->body_bytes = (uint16_t)body;
  frame->body = bytes + kFrameHeadBytes;
  return (long)(checked + kFrameCheckBytes);
}

int packet_is_whole(const uint8_t* bytes, size_t count) {
  enum { kPacketMin = 8, kPacketMax = 1100, kConfig = 0x51, kRequest = 0x53 };
  if (count < kPacketMin || count > kPacketMax || bytes[0] < kConfig || bytes[0] > kRequest) {
    return 0;
  }
  // Two bytes that count the rest after themselves (S2, S3, and the work of an S1), or one (S1).
  const size_t wide = 4 + ((size_t)bytes[3] << 8 | bytes[2]), narrow = 2 + (size_t)bytes[1];
  return count == wide || count == narrow;
}
