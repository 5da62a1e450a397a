// What a user of the installed core writes first; the status tells whether it worked.
#include <cstdio>

#include "calx/base/hex.h"

int main() {
  const auto bytes = calx::from_hex("63616c78");
  if (!bytes) {
    std::fprintf(stderr, "%s\n", bytes.error().message.c_str());
    return 1;
  }
  std::fwrite(bytes->data(), 1, bytes->size(), stdout);
  std::puts("");
  return 0;
}
