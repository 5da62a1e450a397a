#include "apps/asic_agent/proof.h"

static const uint32_t kConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t word, unsigned bits) { return word >> bits | word << (32 - bits); }

static void compress(uint32_t state[8], const uint8_t block[kHashBlockBytes]) {
  uint32_t w[64];
  for (unsigned i = 0; i < 16; ++i) {
    const uint8_t* at = block + 4 * i;
    w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
  }
  for (unsigned i = 16; i < 64; ++i) {
    const uint32_t x = w[i - 15], y = w[i - 2];
    w[i] = w[i - 16] + (rotate(x, 7) ^ rotate(x, 18) ^ x >> 3) + w[i - 7] +
           (rotate(y, 17) ^ rotate(y, 19) ^ y >> 10);
  }
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (unsigned i = 0; i < 64; ++i) {
    const uint32_t one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
                         kConstants[i] + w[i];
    const uint32_t two =
        (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + one, d = c, c = b, b = a, a = one + two;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void hash_begin(struct hash* hash) {
  static const uint32_t kFirst[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (unsigned i = 0; i < 8; ++i) hash->state[i] = kFirst[i];
  hash->count = 0;
}

void hash_add(struct hash* hash, const void* bytes, size_t count) {
  const uint8_t* in = bytes;
  for (size_t i = 0; i < count; ++i) {
    hash->block[hash->count++ % kHashBlockBytes] = in[i];
    if (hash->count % kHashBlockBytes == 0) compress(hash->state, hash->block);
  }
}

void hash_end(struct hash* hash, uint8_t out[kHashBytes]) {
  static const uint8_t kOne = 0x80, kZero = 0;
  const uint32_t bits = hash->count << 3;
  const uint8_t length[8] = {0,
                             0,
                             0,
                             0,
                             (uint8_t)(bits >> 24),
                             (uint8_t)(bits >> 16),
                             (uint8_t)(bits >> 8),
                             (uint8_t)bits};
  hash_add(hash, &kOne, 1);
  while (hash->count % kHashBlockBytes != kHashBlockBytes - sizeof length)
    hash_add(hash, &kZero, 1);
  hash_add(hash, length, sizeof length);
  for (unsigned i = 0; i < kHashBytes; ++i)
    out[i] = (uint8_t)(hash->state[i / 4] >> (24 - i % 4 * 8));
}

static void begin_with_key(struct hash* hash, const uint8_t key[kHashBlockBytes], uint8_t pad) {
  hash_begin(hash);
  for (unsigned i = 0; i < kHashBlockBytes; ++i) {
    const uint8_t byte = (uint8_t)(key[i] ^ pad);
    hash_add(hash, &byte, 1);
  }
}

void proof_begin(struct proof* proof, const void* token, size_t token_bytes) {
  const uint8_t* in = token;
  for (unsigned i = 0; i < kHashBlockBytes; ++i) proof->key[i] = 0;
  if (token_bytes > kHashBlockBytes) {
    hash_begin(&proof->inner);
    hash_add(&proof->inner, token, token_bytes);
    hash_end(&proof->inner, proof->key);
  } else {
    for (size_t i = 0; i < token_bytes; ++i) proof->key[i] = in[i];
  }
  begin_with_key(&proof->inner, proof->key, 0x36);
}

void proof_add(struct proof* proof, const void* bytes, size_t count) {
  hash_add(&proof->inner, bytes, count);
}

void proof_end(struct proof* proof, uint8_t out[kHashBytes]) {
  uint8_t inner[kHashBytes];
  hash_end(&proof->inner, inner);
  begin_with_key(&proof->inner, proof->key, 0x5c);
  hash_add(&proof->inner, inner, sizeof inner);
  hash_end(&proof->inner, out);
}

int proof_equal(const uint8_t a[kHashBytes], const uint8_t b[kHashBytes]) {
  uint8_t difference = 0;
  for (unsigned i = 0; i < kHashBytes; ++i) difference = (uint8_t)(difference | (a[i] ^ b[i]));
  return difference == 0;
}
