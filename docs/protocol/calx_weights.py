#!/usr/bin/env python3
"""Reference decoder of calx-weights-1 in the standard library alone; docs/protocol/weights.md is
the text. The Gaussian codebook needs calx_noise.py and normal_table.txt beside it.

  calx_weights.py FILE            names of the coded tensors of a file whose seal holds
  calx_weights.py FILE TENSOR     its weights: the 8 hexadecimal digits of one float32 a line
  calx_weights.py --vectors       the digests of weights.md, section 6
"""
import hashlib
import json
import struct
import sys

import calx_noise

BLOCK = 1024
C1_COUNTER = 1
SIXTEENTHS = [float.fromhex(h) for h in (
    "0x1p+0 0x1.0b5586p+0 0x1.172b84p+0 0x1.2387a6p+0 0x1.306fep+0 0x1.3dea64p+0 0x1.4bfdaep+0 "
    "0x1.5ab07ep+0 0x1.6a09e6p+0 0x1.7a1148p+0 0x1.8ace54p+0 0x1.9c4918p+0 0x1.ae89fap+0 "
    "0x1.c199bep+0 0x1.d5818ep+0 0x1.ea4afap+0").split()]


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def split_mix(element):
    z = (element + 1) * 0x9E3779B97F4A7C15 % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return (z ^ z >> 31) >> 32


def codebook(name, per_step):  # -> function of state and place in the step
    if name in ("c1", "pc1"):
        a, b = struct.unpack(">II", hashlib.sha256(
            b"calx-weights-1/c1" + struct.pack(">I", C1_COUNTER)).digest()[:8])
        a |= 1

        def of(s, v):
            e = s * per_step + v
            h = (a * e + b) % 2**32 if name == "c1" else split_mix(e)
            return sum(h.to_bytes(4, "big")) - 510
    else:
        key = calx_noise.key("text:calx-weights-1", "g1", 0)

        def of(s, v):
            if name == "g1":
                word = calx_noise.word(key, 0, 0, v, s)
            else:
                word = split_mix(s * per_step + v)
            return round(128 * calx_noise.normal(word))  # ties to even
    seen = {}

    def cached(s, v):
        if (s, v) not in seen:
            seen[s, v] = of(s, v)
        return seen[s, v]
    return cached


def block_steps(weights, rate, state_bits):
    k, per_step = rate
    return max(-(-weights // per_step), -(-state_bits // k))


def decode(shape, rate, state_bits, book, group, exponent, codes, scales):
    k, per_step = rate
    count = 1
    for size in shape:
        count *= size
    out, at = [], 0
    for first in range(0, count, BLOCK):
        size = min(BLOCK, count - first)
        bits = block_steps(size, rate, state_bits) * k
        string = int.from_bytes(codes[at:at + -(-bits // 8)], "little")
        at += -(-bits // 8)
        assert string >> bits == 0, "a bit after the last step"
        string |= string << bits  # cyclic
        for i in range(size):
            state = string >> (i // per_step * k) & (2**state_bits - 1)
            b = scales[(first + i) // group]
            scale = 0.0 if b == 0 else SIXTEENTHS[b % 16] * 2.0 ** (b // 16 - 15 + exponent)
            out.append(f32(book(state, i % per_step) * scale) if b else 0.0)
    assert at == len(codes) and -(-count // group) == len(scales)
    return out


def read_file(path):  # -> metadata, {name: bytes}
    data = open(path, "rb").read()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__")
    seal = metadata["calx-weights-1"].encode()
    assert data.count(seal) == 1, "a seal that stands there twice"
    blank = hashlib.sha256(data.replace(seal, b"0" * 64)).hexdigest()
    assert blank.encode() == seal, "the seal does not hold"
    body = data[8 + length:]
    return metadata, {name: body[slice(*entry["data_offsets"])] for name, entry in header.items()}


def read_tensor(metadata, parts, name):
    about = json.loads(metadata["calx-weights-1/" + name])
    codes, scales = parts[name + ".codes"], parts[name + ".scales"]
    assert hashlib.sha256(codes + scales).hexdigest() == about["sha256"]
    rate = tuple(map(int, about["rate"].split("/")))
    return decode(about["shape"], rate, about["state_bits"], codebook(about["codebook"], rate[1]),
                  about["group"], about["exponent"], codes, scales)


def example_bytes(count):
    return b"".join(hashlib.sha256(b"calx-weights-1 test" + struct.pack(">I", i)).digest()
                    for i in range(count // 32 + 1))[:count]


def print_vectors():
    for name in ("g1", "c1", "pg1", "pc1"):
        book = codebook(name, 2)
        values = [book(s, v) for v in range(2) for s in range(2**16)]
        digest = hashlib.sha256(struct.pack(f">{len(values)}h", *values)).hexdigest()
        print("codebook", name, digest)
    for rate, state_bits, name in (((1, 1), 16, "c1"), ((3, 2), 16, "c1"), ((8, 5), 16, "c1"),
                                   ((2, 1), 16, "c1"), ((2, 1), 12, "g1"), ((3, 1), 18, "c1"),
                                   ((4, 1), 8, "c1")):
        bits = [block_steps(n, rate, state_bits) * rate[0] for n in (1024, 1024, 552)]
        codes = bytearray(example_bytes(sum(-(-b // 8) for b in bits)))
        if bits[2] % 8:
            codes[-1] &= 2 ** (bits[2] % 8) - 1
        weights = decode([2600], rate, state_bits, codebook(name, rate[1]), 64, -3, bytes(codes),
                         example_bytes(41))
        digest = hashlib.sha256(struct.pack(f">{len(weights)}f", *weights)).hexdigest()
        print("weights", f"{rate[0]}/{rate[1]}", state_bits, name, digest)


def main(path, name=None):
    if path == "--vectors":
        return print_vectors()
    metadata, parts = read_file(path)
    if name is None:
        return print("\n".join(key[15:] for key in metadata if key.startswith("calx-weights-1/")))
    return print("\n".join(struct.pack(">f", w).hex() for w in read_tensor(metadata, parts, name)))


if __name__ == "__main__":
    main(*sys.argv[1:])
