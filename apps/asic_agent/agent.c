// The agent of an Antminer's controller: keeps /dev/bitmain-asic open from its start to its end and
// carries packets between it and one client over TCP, as calx-asic-1
// (docs/protocol/asic-stream.md).
//
// One thread, no allocation, no floating point. The device is read by the clock, because its driver
// has no poll(). A packet from the client goes out in one write() of its own, once its length has
// been held against what it says of itself: the driver copies without a bound.
#include "apps/asic_agent/frame.h"
#include "apps/asic_agent/machine.h"
#include "apps/asic_agent/proof.h"

enum {
  kVersion = 1,
  kTokenMin = 16,
  kTokenMax = 4096,
  kNonceBytes = 32,
  kReadMax = 2000,  // a frame's worth of the device
  kOutBytes = 16384,
  kBusyTickMs = 5,
  kIdleTickMs = 100,
  kHelloMs = 5000,
  kHeartbeatMs = 5000,
  kSilentHeartbeats = 4,
  kFlushMs = 500
};
enum { kStatusBadInput = 2, kStatusUnavailable = 3 };
enum state { kNobody, kAsked, kServed };

struct options {
  const char *device, *token_file;
  uint8_t address[4];
  uint16_t port;
  uint32_t heartbeat_ms;
};

static struct {
  struct options options;
  int device, listener, client, random;
  enum state state;
  uint8_t token[kTokenMax];
  size_t token_bytes;
  uint8_t nonce[kNonceBytes];
  uint32_t sequence_in, sequence_out;
  uint32_t heard, spoke;  // times
  uint8_t in[kFrameBytesMax];
  size_t in_count;
  uint8_t out[kOutBytes];
  size_t out_count;
  uint8_t packet[kFrameBodyMax];  // on its way to the device
  size_t packet_count, packet_done;
  int device_lost;
} agent;

static size_t length(const char* text) {
  size_t count = 0;
  while (text[count] != 0) ++count;
  return count;
}

static int same(const char* a, const char* b) {
  for (; *a != 0 && *a == *b; ++a, ++b) {
  }
  return *a == *b;
}

static void copy(uint8_t* to, const void* from, size_t count) {
  const uint8_t* in = from;
  for (size_t i = 0; i < count; ++i) to[i] = in[i];
}

static void say(int file, const char* a, const char* b, const char* c) {
  const char* parts[3] = {a, b, c};
  for (int i = 0; i < 3; ++i) (void)machine_write(file, parts[i], length(parts[i]));
}

static int complain(int status, const char* what, const char* why) {
  say(2, "calx-asic-agent: ", what, why);
  say(2, "\n", "", "");
  return status;
}

// The connection.

static void queue(uint8_t type, const void* body, size_t bytes) {
  if (kOutBytes - agent.out_count < kFrameHeadBytes + bytes + kFrameCheckBytes) return;
  agent.out_count +=
      frame_write(agent.out + agent.out_count, type, agent.sequence_out++, body, bytes);
  agent.spoke = machine_now_ms();
}

// 0 when the client is gone.
static int flush(void) {
  while (agent.out_count > 0) {
    const long sent = machine_send(agent.client, agent.out, agent.out_count);
    if (sent == -kMachineAgain || sent == -kMachineInterrupted) return 1;
    if (sent <= 0) return 0;
    agent.out_count -= (size_t)sent;
    for (size_t i = 0; i < agent.out_count; ++i) agent.out[i] = agent.out[i + (size_t)sent];
  }
  return 1;
}

static void forget(void) {
  if (agent.client >= 0) machine_close(agent.client);
  agent.client = -1;
  agent.state = kNobody;
  agent.in_count = agent.out_count = agent.packet_count = 0;
}

static void end(enum frame_end code, const char* why) {
  uint8_t body[1 + 120];
  size_t bytes = length(why);
  if (bytes > sizeof body - 1) bytes = sizeof body - 1;
  body[0] = (uint8_t)code;
  copy(body + 1, why, bytes);
  queue(kFrameEnd, body, bytes + 1);
  const uint32_t began = machine_now_ms();
  while (flush() && agent.out_count > 0 && machine_now_ms() - began < kFlushMs) {
    struct machine_wait wait = {.file = agent.client, .to_write = 1};
    if (machine_poll(&wait, 1, kIdleTickMs) < 0) break;
  }
  forget();
}

static void welcome(int client) {
  uint8_t body[4 + kNonceBytes] = {0, kVersion, 0, kVersion};
  agent.client = client;
  agent.state = kAsked;
  agent.sequence_in = agent.sequence_out = 0;
  agent.heard = machine_now_ms();
  if (machine_read(agent.random, agent.nonce, kNonceBytes) != kNonceBytes) {
    end(kEndStopping, "no random bytes");
    return;
  }
  copy(body + 4, agent.nonce, kNonceBytes);
  queue(kFrameChallenge, body, sizeof body);
}

static void turn_away(int client) {
  static const char kWhy[] = "\3another client has the device";
  uint8_t bytes[kFrameHeadBytes + sizeof kWhy + kFrameCheckBytes];
  const size_t count = frame_write(bytes, kFrameEnd, 0, kWhy, sizeof kWhy - 1);
  (void)machine_send(client, bytes, count);
  machine_close(client);
}

static void prove(const char* who, const uint8_t version[2], const uint8_t* host_nonce,
                  uint8_t out[kHashBytes]) {
  struct proof proof;
  proof_begin(&proof, agent.token, agent.token_bytes);
  proof_add(&proof, who, length(who));
  proof_add(&proof, version, 2);
  proof_add(&proof, agent.nonce, kNonceBytes);
  proof_add(&proof, host_nonce, kNonceBytes);
  proof_end(&proof, out);
}

static void on_hello(const struct frame* frame) {
  uint8_t wanted[kHashBytes], body[6 + kHashBytes] = {0, kVersion, 0, 0, 0, 0};
  const uint8_t* in = frame->body;
  if (frame->type != kFrameHello || frame->body_bytes != 2 + kNonceBytes + kHashBytes) {
    end(kEndFrame, "a hello was wanted");
    return;
  }
  prove("calx-asic-1 host", in, in + 2, wanted);
  if (!proof_equal(wanted, in + 2 + kNonceBytes)) {
    end(kEndToken, "the token is another");
    return;
  }
  if (in[0] != 0 || in[1] != kVersion) {
    end(kEndVersion, "only version 1 is known");
    return;
  }
  for (int i = 0; i < 4; ++i) body[2 + i] = (uint8_t)(agent.options.heartbeat_ms >> (24 - 8 * i));
  prove("calx-asic-1 agent", in, in + 2, body + 6);
  agent.state = kServed;
  queue(kFrameWelcome, body, sizeof body);
}

static void on_frame(const struct frame* frame) {
  if (agent.state == kAsked) {
    on_hello(frame);
  } else if (frame->type == kFramePacket) {
    if (!packet_is_whole(frame->body, frame->body_bytes)) {
      end(kEndFrame, "not one whole packet");
      return;
    }
    copy(agent.packet, frame->body, frame->body_bytes);
    agent.packet_count = frame->body_bytes;
    agent.packet_done = 0;
  } else if (frame->type == kFramePing) {
    queue(kFramePong, frame->body, frame->body_bytes);
  } else if (frame->type == kFrameEnd) {
    forget();
  } else if (frame->type != kFramePong) {
    end(kEndFrame, "a frame that a client does not send");
  }
}

// The device.

static void lose_device(long error) {
  if (error == -kMachineAgain || error == -kMachineInterrupted) return;
  agent.device_lost = 1;
}

static void write_device(void) {
  if (agent.packet_count == 0) return;
  const long taken = machine_write(agent.device, agent.packet + agent.packet_done,
                                   agent.packet_count - agent.packet_done);
  if (taken < 0) {
    lose_device(taken);
    return;
  }
  agent.packet_done += (size_t)taken;
  if (agent.packet_done >= agent.packet_count) agent.packet_count = 0;
}

// True when there may be more. Without a client what comes is dropped: it is of nobody's work.
static int read_device(void) {
  uint8_t bytes[kReadMax];
  if (kOutBytes - agent.out_count < kFrameBytesMax) return 0;  // the client is slow
  const long count = machine_read(agent.device, bytes, sizeof bytes);
  if (count < 0) lose_device(count);
  if (count <= 0) return 0;  // 0 is "nothing yet"
  if (agent.state == kServed) queue(kFrameData, bytes, (size_t)count);
  return 1;
}

// The loop.

static void read_client(void) {
  const long count =
      machine_read(agent.client, agent.in + agent.in_count, sizeof agent.in - agent.in_count);
  if (count == -kMachineAgain || count == -kMachineInterrupted) return;
  if (count <= 0) {
    forget();
    return;
  }
  agent.in_count += (size_t)count;
  agent.heard = machine_now_ms();
}

// Frames that have arrived, as far as the device takes them.
static void take_frames(void) {
  while (agent.state != kNobody && agent.packet_count == 0) {
    struct frame frame;
    const long bytes = frame_read(agent.in, agent.in_count, agent.sequence_in, &frame);
    if (bytes < 0) end(kEndFrame, "a frame of the wrong form, length, number or check");
    if (bytes <= 0) return;
    ++agent.sequence_in;
    on_frame(&frame);
    if (agent.state == kNobody) return;
    agent.in_count -= (size_t)bytes;
    for (size_t i = 0; i < agent.in_count; ++i) agent.in[i] = agent.in[i + (size_t)bytes];
    write_device();
  }
}

static void keep_time(void) {
  if (agent.state == kNobody) return;
  const uint32_t now = machine_now_ms(), heartbeat = agent.options.heartbeat_ms;
  const uint32_t most = agent.state == kAsked ? kHelloMs : kSilentHeartbeats * heartbeat;
  if (now - agent.heard > most) {
    end(kEndSilent, "nothing was heard for too long");
  } else if (agent.state == kServed && now - agent.spoke > heartbeat) {
    queue(kFramePing, "", 0);
  }
}

static void wait(int hurry) {
  // Of the device nothing is waited for but its end, where its driver can tell.
  struct machine_wait waits[3] = {
      {.file = agent.listener, .to_read = 1}, {.file = -1}, {.file = agent.device}};
  if (agent.state != kNobody) {
    waits[1].file = agent.client;
    waits[1].to_read = agent.in_count < sizeof agent.in && agent.packet_count == 0;
    waits[1].to_write = agent.out_count > 0;
  }
  const uint32_t tick = agent.state == kServed ? kBusyTickMs : kIdleTickMs;
  if (machine_poll(waits, 3, hurry ? 0 : tick) < 0) return;
  if (waits[2].ready) agent.device_lost = 1;
  if (waits[1].ready && waits[1].to_read) {
    read_client();
  } else if (waits[1].ready && !waits[1].to_write) {
    forget();  // it hung up
  }
  if (waits[0].ready) {
    const long client = machine_accept(agent.listener);
    if (client >= 0 && agent.state == kNobody) {
      welcome((int)client);
    } else if (client >= 0) {
      turn_away((int)client);
    }
  }
}

static int serve(void) {
  int hurry = 0;
  while (!machine_stop_wanted() && !agent.device_lost) {
    wait(hurry);
    write_device();
    take_frames();
    hurry = read_device();
    keep_time();
    if (agent.state != kNobody && !flush()) forget();
  }
  if (agent.device_lost) {
    if (agent.state != kNobody) end(kEndDevice, "the device is gone");
    return complain(kStatusUnavailable, agent.options.device, ": gone");
  }
  if (agent.state != kNobody) end(kEndStopping, "the agent stops");
  return 0;
}

// The start.

static int read_number(const char** text, uint32_t most, uint32_t* out) {
  uint32_t value = 0;
  const char* at = *text;
  for (; *at >= '0' && *at <= '9' && value <= most; ++at)
    value = value * 10 + (uint32_t)(*at - '0');
  if (at == *text || value > most) return 0;
  *text = at;
  *out = value;
  return 1;
}

// "A.B.C.D:PORT".
static int read_address(const char* text, struct options* options) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    if (!read_number(&text, 255, &value)) return 0;
    options->address[i] = (uint8_t)value;
    if (*text++ != (i < 3 ? '.' : ':')) return 0;
  }
  if (!read_number(&text, 65535, &value) || *text != 0) return 0;
  options->port = (uint16_t)value;
  return 1;
}

static int read_options(int count, char** words, struct options* options) {
  int listen = 0;
  options->heartbeat_ms = kHeartbeatMs;
  for (int i = 1; i + 1 < count; i += 2) {
    const char *name = words[i], *value = words[i + 1];
    if (same(name, "--device")) {
      options->device = value;
    } else if (same(name, "--listen")) {
      if (!read_address(value, options)) return 0;
      listen = 1;
    } else if (same(name, "--token-file")) {
      options->token_file = value;
    } else if (same(name, "--heartbeat-ms")) {
      if (!read_number(&value, 60000, &options->heartbeat_ms) || *value != 0) return 0;
    } else {
      return 0;
    }
  }
  return count % 2 == 1 && listen && options->device && options->token_file &&
         options->heartbeat_ms > 0;
}

// The first line of the file.
static int read_token(const char* path) {
  const long file = machine_open_file(path);
  if (file < 0) return 0;
  size_t have = 0;
  for (;;) {
    const long count = machine_read((int)file, agent.token + have, sizeof agent.token - have);
    if (count <= 0) break;
    have += (size_t)count;
  }
  machine_close((int)file);
  while (agent.token_bytes < have && agent.token[agent.token_bytes] != '\n' &&
         agent.token[agent.token_bytes] != '\r') {
    ++agent.token_bytes;
  }
  return agent.token_bytes >= kTokenMin;
}

static void say_port(uint16_t port) {
  char digits[6] = {0};
  size_t at = sizeof digits - 1;
  do {
    digits[--at] = (char)('0' + port % 10);
    port = (uint16_t)(port / 10);
  } while (port > 0);
  say(1, "listening on port ", digits + at, "\n");
}

static int open_all(const struct options* options) {
  uint16_t port = 0;
  const long listener = machine_listen(options->address, options->port, &port);
  if (listener < 0) {
    return complain(kStatusUnavailable, "the address to listen on is taken or not ours", "");
  }
  const long random = machine_open_file("/dev/urandom");
  if (random < 0) return complain(kStatusUnavailable, "/dev/urandom does not open", "");
  // Last, for an open that is followed by a close can leave the driver wedged.
  const long device = machine_open_device(options->device);
  if (device < 0) {
    return complain(kStatusUnavailable, options->device,
                    device == -kMachineBusy       ? ": device or resource busy: stop cgminer and "
                                                    "the cron line that restarts it"
                    : device == -kMachineNotThere ? ": not there"
                                                  : ": does not open");
  }
  agent.listener = (int)listener;
  agent.random = (int)random;
  agent.device = (int)device;
  agent.client = -1;
  say_port(port);
  return 0;
}

int asic_agent_main(int count, char** words) {
  if (!read_options(count, words, &agent.options)) {
    return complain(kStatusBadInput,
                    "usage: calx-asic-agent --device /dev/bitmain-asic --listen A.B.C.D:PORT "
                    "--token-file F [--heartbeat-ms N]",
                    "");
  }
  if (!read_token(agent.options.token_file)) {
    return complain(kStatusBadInput, agent.options.token_file,
                    ": wanted a first line of 16 characters or more");
  }
  machine_catch_stop();
  const int status = open_all(&agent.options);
  return status != 0 ? status : serve();
}
