#!/usr/bin/env python3
"""Reference of calx-noise-1 in the standard library alone; docs/protocol/noise.md is the text.

  calx_noise.py SEED STREAM INDEX KIND PLANE C0 CHANNELS R0 ROWS X0 COLUMNS
prints one 8-digit word a line: the raw word (KIND bits) or the float32 (normal, uniform), the
float16 (f16) or the bfloat16 (bf16) of each element of the region, row-major.
"""
import hashlib
import pathlib
import struct
import sys

TABLE = [[struct.unpack(">f", bytes.fromhex(word))[0] for word in line.split()]
         for line in (pathlib.Path(__file__).parent / "normal_table.txt").read_text().splitlines()]


def f32(x):  # the nearest float32, ties to even; exact for one + or * of two float32
    return struct.unpack("<f", struct.pack("<f", x))[0]


def seed_bytes(seed):  # -> type, bytes
    if seed.startswith("0x"):
        return 0, bytes.fromhex(seed[2:])
    if not seed.startswith("text:") and seed.removeprefix("-").isdecimal():
        return 2, (int(seed) % 2**64).to_bytes(8, "big")
    return 1, seed.removeprefix("text:").encode()


def key(seed, stream, index):
    kind, raw = seed_bytes(seed)
    return hashlib.sha256(b"calx-noise-1\0" + struct.pack(">BI", kind, len(raw)) + raw
                          + struct.pack(">I", len(stream)) + stream.encode()
                          + struct.pack(">Q", index)).digest()


def word(k, plane, channel, row, column):
    message = k + struct.pack(">5I", plane, 0, channel, row, column // 8)
    return struct.unpack(">8I", hashlib.sha256(message).digest())[column % 8]


def normal(w):
    sign, m = (1.0, w ^ 0xFFFFFFFF) if w >> 31 else (-1.0, w)
    x = 2 * m + 1
    octave = 32 - x.bit_length()
    t = -1.0 if octave == 31 else f32(2**32 - (x << octave)) * 2.0**-31
    c = TABLE[octave]
    z = f32(f32(c[7] * f32(f32(t * t) * t)) + c[6])
    for k in range(5, -1, -1):
        z = f32(f32(z * t) + c[k])
    return sign * z


def uniform(w):
    return f32(2 * w + 1 - 2**32) * 2.0**-32


def encode(kind, w):  # -> 8 hexadecimal digits
    if kind == "bits":
        return f"{w:08x}"
    bits = struct.pack(">f", uniform(w) if kind == "uniform" else normal(w))
    if kind == "f16":
        bits = struct.pack(">e", normal(w))
    if kind == "bf16":  # ties to even on the upper 16 bits
        b = int.from_bytes(bits, "big")
        bits = ((b + 0x7FFF + (b >> 16 & 1)) >> 16).to_bytes(2, "big")
    return bits.hex().rjust(8, "0")


def main(seed, stream, index, kind, *box):
    plane, c0, channels, r0, rows, x0, columns = map(int, box)
    k = key(seed, stream, int(index))
    print("\n".join(encode(kind, word(k, plane, c, r, x)) for c in range(c0, c0 + channels)
                    for r in range(r0, r0 + rows) for x in range(x0, x0 + columns)))


if __name__ == "__main__":
    main(*sys.argv[1:])
