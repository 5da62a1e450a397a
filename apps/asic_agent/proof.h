// SHA-256 and HMAC (FIPS 180-4, FIPS 198-1): how each side shows that it knows the token without
// sending it. The only hash of the agent, for a few hundred bytes a connection.
#ifndef CALX_ASIC_AGENT_PROOF_H
#define CALX_ASIC_AGENT_PROOF_H

#include <stddef.h>
#include <stdint.h>

enum { kHashBytes = 32, kHashBlockBytes = 64 };

struct hash {
  uint32_t state[8];
  uint8_t block[kHashBlockBytes];
  uint32_t count;  // bytes so far; below 2^29
};

void hash_begin(struct hash* hash);
void hash_add(struct hash* hash, const void* bytes, size_t count);
void hash_end(struct hash* hash, uint8_t out[kHashBytes]);

struct proof {
  struct hash inner;
  uint8_t key[kHashBlockBytes];
};

void proof_begin(struct proof* proof, const void* token, size_t token_bytes);
void proof_add(struct proof* proof, const void* bytes, size_t count);
void proof_end(struct proof* proof, uint8_t out[kHashBytes]);

/// In a time that does not depend on the bytes.
int proof_equal(const uint8_t a[kHashBytes], const uint8_t b[kHashBytes]);

#endif
