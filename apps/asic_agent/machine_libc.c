// The calls of machine.h through a C library.
#define _GNU_SOURCE  // accept4, ppoll
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "apps/asic_agent/machine.h"

_Static_assert(ENOENT == kMachineNotThere && EINTR == kMachineInterrupted &&
                   EAGAIN == kMachineAgain && EBUSY == kMachineBusy,
               "error numbers");

enum { kWaitsMax = 4, kBacklog = 4 };

static volatile sig_atomic_t stop_wanted;

static long result(long value) { return value < 0 ? -(long)errno : value; }

long machine_open_file(const char* path) { return result(open(path, O_RDONLY | O_CLOEXEC)); }

long machine_open_device(const char* path) {
  return result(open(path, O_RDWR | O_EXCL | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
}

long machine_read(int file, void* bytes, size_t count) { return result(read(file, bytes, count)); }

long machine_write(int file, const void* bytes, size_t count) {
  return result(write(file, bytes, count));
}

long machine_send(int socket, const void* bytes, size_t count) {
  return result(send(socket, bytes, count, MSG_NOSIGNAL));
}

void machine_close(int file) { close(file); }

long machine_listen(const uint8_t address[4], uint16_t port, uint16_t* bound) {
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (file < 0) return result(file);
  const int on = 1;
  struct sockaddr_in self;
  socklen_t size = sizeof self;
  memset(&self, 0, sizeof self);
  self.sin_family = AF_INET;
  self.sin_port = htons(port);
  memcpy(&self.sin_addr, address, 4);
  if (setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(file, (const struct sockaddr*)&self, sizeof self) != 0 || listen(file, kBacklog) != 0 ||
      getsockname(file, (struct sockaddr*)&self, &size) != 0) {
    const long error = result(-1);
    close(file);
    return error;
  }
  *bound = ntohs(self.sin_port);
  return file;
}

long machine_accept(int listener) {
  const int file = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  const int on = 1;
  if (file >= 0) setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return result(file);
}

long machine_poll(struct machine_wait* waits, size_t count, uint32_t timeout_ms) {
  struct pollfd entries[kWaitsMax];
  sigset_t none;
  sigemptyset(&none);
  for (size_t i = 0; i < count; ++i) {
    entries[i].fd = waits[i].file;
    entries[i].events =
        (short)((waits[i].to_read ? POLLIN : 0) | (waits[i].to_write ? POLLOUT : 0));
    entries[i].revents = 0;
  }
  const struct timespec time = {.tv_sec = (time_t)(timeout_ms / 1000),
                                .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
  const long ready = result(ppoll(entries, count, &time, &none));
  for (size_t i = 0; i < count; ++i) waits[i].ready = ready > 0 && entries[i].revents != 0;
  return ready;
}

uint32_t machine_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)now.tv_sec * 1000u + (uint32_t)now.tv_nsec / 1000000u;
}

static void on_stop(int number) {
  (void)number;
  stop_wanted = 1;
}

void machine_catch_stop(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_stop;
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  sigprocmask(SIG_BLOCK, &stops, NULL);  // they arrive inside ppoll alone
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

int machine_stop_wanted(void) { return stop_wanted; }

int main(int count, char** words) { return asic_agent_main(count, words); }
