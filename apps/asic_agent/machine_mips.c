// The calls of machine.h on big-endian MIPS, o32, by the kernel's own interface: no library, hence
// no instruction of a floating-point unit, which the controller of an Antminer S3 does not have.
//
// Numbers and structures: Linux, arch/mips/include/uapi/asm. They are not those of other machines:
// SOCK_STREAM and SOCK_DGRAM are swapped, and most flags have other values.
#include <asm/unistd.h>

#include "apps/asic_agent/machine.h"

#if !defined(__mips_soft_float) || !defined(__MIPSEB__) || _MIPS_SIM != _ABIO32
#error "built for MIPS o32, big-endian, -msoft-float"
#endif

enum {
  kReadOnly = 0,
  kReadWrite = 2,
  kNoBlock = 0x80,
  kAlone = 0x400,  // O_EXCL
  kNoTerminal = 0x800,
  kNotForChildren = 02000000,
  kInternet = 2,
  kStream = 2,
  kTcp = 6,
  kNoDelay = 1,
  kSocketLevel = 0xffff,
  kReuseAddress = 4,
  kNoSignal = 0x4000,
  kPollIn = 1,
  kPollOut = 4,
  kClockMonotonic = 1,
  kInterrupt = 2,
  kTerminate = 15,
  kBlock = 1,
  kSignalSetBytes = 16,
  kWaitsMax = 4,
  kBacklog = 4
};

struct time {
  int32_t seconds, nanoseconds;
};
struct poll_entry {
  int32_t file;
  int16_t events, ready;
};
struct internet_address {
  uint16_t family, port;
  uint8_t address[4], zero[8];
};
struct signal_set {
  uint32_t bits[4];
};
struct signal_action {
  uint32_t flags;
  void (*handler)(int);
  struct signal_set mask;
};

static volatile int stop_wanted;

// Arguments 5 and 6 of o32 stand on the stack, above room for the first four.
static long call(long number, long a, long b, long c, long d, long e) {
  register long v0 __asm__("$2") = number;
  register long a0 __asm__("$4") = a;
  register long a1 __asm__("$5") = b;
  register long a2 __asm__("$6") = c;
  register long a3 __asm__("$7") = d;
  __asm__ volatile(
      "addiu $sp, $sp, -32\n\t"
      "sw %[e], 16($sp)\n\t"
      "sw $0, 20($sp)\n\t"
      "syscall\n\t"
      "addiu $sp, $sp, 32"
      : "+r"(v0), "+r"(a3)
      : "r"(a0), "r"(a1), "r"(a2), [e] "r"(e)
      : "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24", "$25", "hi", "lo",
        "memory");
  return a3 != 0 ? -v0 : v0;
}

// What a compiler calls without being asked.
void* memcpy(void* restrict to, const void* restrict from, size_t count) {
  uint8_t* out = to;
  const uint8_t* in = from;
  for (size_t i = 0; i < count; ++i) out[i] = in[i];
  return to;
}

void* memset(void* to, int value, size_t count) {
  uint8_t* out = to;
  for (size_t i = 0; i < count; ++i) out[i] = (uint8_t)value;
  return to;
}

void* memmove(void* to, const void* from, size_t count) {
  uint8_t* out = to;
  const uint8_t* in = from;
  if (out < in) return memcpy(to, from, count);
  for (size_t i = count; i > 0; --i) out[i - 1] = in[i - 1];
  return to;
}

long machine_open_file(const char* path) {
  return call(__NR_open, (long)path, kReadOnly | kNotForChildren, 0, 0, 0);
}

long machine_open_device(const char* path) {
  return call(__NR_open, (long)path, kReadWrite | kAlone | kNoBlock | kNotForChildren | kNoTerminal,
              0, 0, 0);
}

long machine_read(int file, void* bytes, size_t count) {
  return call(__NR_read, file, (long)bytes, (long)count, 0, 0);
}

long machine_write(int file, const void* bytes, size_t count) {
  return call(__NR_write, file, (long)bytes, (long)count, 0, 0);
}

long machine_send(int socket, const void* bytes, size_t count) {
  return call(__NR_send, socket, (long)bytes, (long)count, kNoSignal, 0);
}

void machine_close(int file) { call(__NR_close, file, 0, 0, 0, 0); }

long machine_listen(const uint8_t address[4], uint16_t port, uint16_t* bound) {
  const long made = call(__NR_socket, kInternet, kStream | kNoBlock | kNotForChildren, 0, 0, 0);
  if (made < 0) return made;
  const int32_t on = 1;
  struct internet_address self = {.family = kInternet, .port = port};
  uint32_t size = sizeof self;
  memcpy(self.address, address, 4);
  call(__NR_setsockopt, made, kSocketLevel, kReuseAddress, (long)&on, sizeof on);
  long error = call(__NR_bind, made, (long)&self, sizeof self, 0, 0);
  if (error == 0) error = call(__NR_listen, made, kBacklog, 0, 0, 0);
  if (error == 0) error = call(__NR_getsockname, made, (long)&self, (long)&size, 0, 0);
  if (error != 0) {
    machine_close((int)made);
    return error;
  }
  *bound = self.port;
  return made;
}

long machine_accept(int listener) {
  const long made = call(__NR_accept4, listener, 0, 0, kNoBlock | kNotForChildren, 0);
  const int32_t on = 1;
  if (made >= 0) call(__NR_setsockopt, made, kTcp, kNoDelay, (long)&on, sizeof on);
  return made;
}

long machine_poll(struct machine_wait* waits, size_t count, uint32_t timeout_ms) {
  struct poll_entry entries[kWaitsMax];
  const struct signal_set none = {{0, 0, 0, 0}};
  struct time time = {.seconds = (int32_t)(timeout_ms / 1000),
                      .nanoseconds = (int32_t)(timeout_ms % 1000) * 1000000};
  for (size_t i = 0; i < count; ++i) {
    entries[i].file = waits[i].file;
    entries[i].events =
        (int16_t)((waits[i].to_read ? kPollIn : 0) | (waits[i].to_write ? kPollOut : 0));
    entries[i].ready = 0;
  }
  const long ready =
      call(__NR_ppoll, (long)entries, (long)count, (long)&time, (long)&none, kSignalSetBytes);
  for (size_t i = 0; i < count; ++i) waits[i].ready = ready > 0 && entries[i].ready != 0;
  return ready;
}

uint32_t machine_now_ms(void) {
  struct time now = {0, 0};
  call(__NR_clock_gettime, kClockMonotonic, (long)&now, 0, 0, 0);
  return (uint32_t)now.seconds * 1000u + (uint32_t)now.nanoseconds / 1000000u;
}

static void on_stop(int number) {
  (void)number;
  stop_wanted = 1;
}

void machine_catch_stop(void) {
  // Signal n is bit n - 1. They arrive inside ppoll alone.
  const struct signal_set stops = {{1u << (kInterrupt - 1) | 1u << (kTerminate - 1), 0, 0, 0}};
  const struct signal_action action = {.handler = on_stop};
  call(__NR_rt_sigprocmask, kBlock, (long)&stops, 0, kSignalSetBytes, 0);
  call(__NR_rt_sigaction, kInterrupt, (long)&action, 0, kSignalSetBytes, 0);
  call(__NR_rt_sigaction, kTerminate, (long)&action, 0, kSignalSetBytes, 0);
}

int machine_stop_wanted(void) { return stop_wanted; }

// The kernel leaves the number of words and the words themselves on the stack.
__attribute__((noreturn, used)) void machine_begin(long* stack) {
  const int status = asic_agent_main((int)stack[0], (char**)(stack + 1));
  for (;;) call(__NR_exit_group, status, 0, 0, 0, 0);
}

__asm__(
    ".text\n"
    ".globl __start\n"
    ".set push\n"
    ".set noreorder\n"
    "__start:\n\t"
    "move $4, $sp\n\t"
    "li $8, -8\n\t"
    "and $sp, $sp, $8\n\t"
    "addiu $sp, $sp, -32\n\t"
    "move $31, $0\n\t"
    "jal machine_begin\n\t"
    "nop\n"
    ".set pop\n");
