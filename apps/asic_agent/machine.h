// What the agent asks of the system, and nothing more: twelve calls. machine_libc.c makes them
// through a C library, machine_mips.c by hand, so that on an Antminer no library comes in.
//
// A result below 0 is an error number with its sign turned.
#ifndef CALX_ASIC_AGENT_MACHINE_H
#define CALX_ASIC_AGENT_MACHINE_H

#include <stddef.h>
#include <stdint.h>

// The same on all Linux machines that are built for.
enum { kMachineNotThere = 2, kMachineInterrupted = 4, kMachineAgain = 11, kMachineBusy = 16 };

struct machine_wait {
  int file;
  int to_read, to_write;  // what is waited for
  int ready;              // out: something of it, or the end
};

/// O_RDONLY | O_CLOEXEC.
long machine_open_file(const char* path);
/// O_RDWR | O_EXCL | O_NONBLOCK | O_CLOEXEC.
long machine_open_device(const char* path);
long machine_read(int file, void* bytes, size_t count);
long machine_write(int file, const void* bytes, size_t count);
/// Never a signal; may take less than all.
long machine_send(int socket, const void* bytes, size_t count);
void machine_close(int file);

/// A TCP listener that does not block. `bound` gets the port, which 0 leaves to the system.
long machine_listen(const uint8_t address[4], uint16_t port, uint16_t* bound);
/// A connection that does not block and does not wait to fill packets.
long machine_accept(int listener);

/// Also ends, with an error, when a stop was asked for; a stop between two calls is not missed.
long machine_poll(struct machine_wait* waits, size_t count, uint32_t timeout_ms);
/// Of a clock that never goes back; wraps.
uint32_t machine_now_ms(void);

/// From here on SIGINT and SIGTERM ask for a stop.
void machine_catch_stop(void);
int machine_stop_wanted(void);

/// The program.
int asic_agent_main(int count, char** words);

#endif
