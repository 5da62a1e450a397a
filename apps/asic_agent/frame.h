// The frames of calx-asic-1 (docs/protocol/asic-stream.md) as bytes. Nothing here allocates or
// waits.
#ifndef CALX_ASIC_AGENT_FRAME_H
#define CALX_ASIC_AGENT_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum {
  kFrameMagic = 0xA5,
  kFrameHeadBytes = 8,
  kFrameCheckBytes = 4,
  kFrameBodyMax = 2048,
  kFrameBytesMax = kFrameHeadBytes + kFrameBodyMax + kFrameCheckBytes
};

enum frame_type {
  kFrameChallenge = 1,
  kFrameHello = 2,
  kFrameWelcome = 3,
  kFramePacket = 4,
  kFrameData = 5,
  kFramePing = 6,
  kFramePong = 7,
  kFrameEnd = 8
};

enum frame_end {
  kEndStopping = 0,
  kEndToken = 1,
  kEndVersion = 2,
  kEndBusy = 3,
  kEndFrame = 4,
  kEndDevice = 5,
  kEndSilent = 6
};

struct frame {
  uint8_t type;
  uint16_t body_bytes;
  const uint8_t* body;
};

/// CRC-32 of IEEE 802.3, reflected.
uint32_t frame_check(const uint8_t* bytes, size_t count);

/// Writes head, body and check; returns their bytes. \pre body_bytes <= kFrameBodyMax
size_t frame_write(uint8_t* out, uint8_t type, uint32_t sequence, const void* body,
                   size_t body_bytes);

/// The bytes of the frame at the start of `bytes`; 0 when more are needed; below 0 when it can
/// never be one (magic, length, sequence or check).
long frame_read(const uint8_t* bytes, size_t count, uint32_t sequence, struct frame* frame);

/// Whether these bytes are one packet to a miner's driver: a token and a length that says so.
int packet_is_whole(const uint8_t* bytes, size_t count);

#endif
