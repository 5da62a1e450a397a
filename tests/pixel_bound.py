#!/usr/bin/env python3
"""Goal: pixels made by other arithmetic lie within the bound of receipts, and other seeds do not.

Method: `calx imagine` makes the same images under every instruction set of oneDNN and ATen and at
one and two threads; each run is compared with the default one. The images of neighbouring indices
(same class, next seed) must differ by at least ten times the bound, in the mean and in the greatest
difference. The bound is read from calx/receipt/verify.h.

usage: pixel_bound.py CALX VERIFY_H [RESULTS.json [SEED]]      exit 77: no model to make images with
"""

import itertools
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zlib

CLASSES = [1, 4, 7]
COUNT = 3  # images of each class
NEIGHBOURS = 40  # images of class 1, whose pictures are the most alike
ISAS = ["SSE41", "AVX2", None]  # DNNL_MAX_CPU_ISA; None leaves the default
CAPABILITIES = ["default", "avx2"]  # ATEN_CPU_CAPABILITY; the reference run leaves it unset
THREADS = [1, 2]
SEED = sys.argv[4] if len(sys.argv) > 4 else "bound"


def pixels(path):
    """Grey bytes of an 8-bit grey PNG."""
    data = path.read_bytes()
    at, packed, width, height = 8, b"", 0, 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 0), path
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    raw = zlib.decompress(packed)
    rows, above = [], bytes(width)
    for y in range(height):
        rule, line = raw[y * (width + 1)], raw[y * (width + 1) + 1 : (y + 1) * (width + 1)]
        row = bytearray()
        for x, value in enumerate(line):
            left = row[x - 1] if x else 0
            up, corner = above[x], above[x - 1] if x else 0
            guess = [0, left, up, (left + up) // 2, paeth(left, up, corner)][rule]
            row.append((value + guess) & 255)
        rows.append(bytes(row))
        above = rows[-1]
    return b"".join(rows)


def paeth(left, up, corner):
    estimate = left + up - corner
    return min((left, up, corner), key=lambda value: abs(estimate - value))


def difference(a, b):
    """Mean and greatest absolute difference, in levels."""
    distances = [abs(x - y) for x, y in zip(a, b, strict=True)]
    return sum(distances) / len(distances), max(distances)


def make(calx, folder, isa=None, capability=None, threads=1, classes=CLASSES, count=COUNT):
    environment = {**os.environ, "XDG_DATA_HOME": str(folder / "home")}
    for name, value in (("DNNL_MAX_CPU_ISA", isa), ("ATEN_CPU_CAPABILITY", capability)):
        environment.pop(name, None)
        if value:
            environment[name] = value
    images = {}
    for digit in classes:
        out = folder / str(digit)
        run = subprocess.run(
            [calx, "imagine", "--class", str(digit), "--count", str(count), "--seed", SEED,
             "--work", "4", "--threads", str(threads), "--out", str(out)],
            env=environment, capture_output=True, text=True, check=False)
        if run.returncode == 3 or "no models here" in run.stderr:
            print("skipped:", run.stderr.strip())
            sys.exit(77)
        assert run.returncode == 0, run.stderr
        for index in range(count):
            images[digit, index] = pixels(out / f"digit-{digit}-{index:05}.png")
    return images


def bound(header):
    text = pathlib.Path(header).read_text(encoding="utf-8")
    mean = float(re.search(r"kPixelMeanDifferenceMax = ([0-9.]+)", text)[1])
    greatest = int(re.search(r"kPixelDifferenceMax = ([0-9]+)", text)[1])
    return mean, greatest


def main():
    calx, header = sys.argv[1], sys.argv[2]
    mean_max, greatest_max = bound(header)
    good = True
    rows = []
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        reference = make(calx, root / "reference")
        for run, (isa, capability, threads) in enumerate(
            itertools.product(ISAS, CAPABILITIES, THREADS)
        ):
            images = make(calx, root / str(run), isa, capability, threads)
            found = [difference(images[key], reference[key]) for key in reference]
            mean, greatest = max(m for m, _ in found), max(g for _, g in found)
            within = mean <= mean_max and greatest <= greatest_max
            exact = sum(images[key] == reference[key] for key in reference)
            good &= within
            rows.append({"DNNL_MAX_CPU_ISA": isa or "(unset)",
                         "ATEN_CPU_CAPABILITY": capability, "threads": threads,
                         "images": len(images), "exact": exact,
                         "worst_mean_levels": round(mean, 4), "worst_levels": greatest,
                         "within_bound": within})
            print(f"oneDNN {isa or 'default':7} ATen {capability:7} {threads} threads: "
                  f"{exact}/{len(images)} exact, mean {mean:.4f}, greatest {greatest}"
                  f"{'' if within else '  OUTSIDE THE BOUND'}", flush=True)
        twice = make(calx, root / "two threads", threads=2)
        good &= twice == reference  # the number of threads never changes a bit
        ones = make(calx, root / "ones", threads=2, classes=[1], count=NEIGHBOURS)
        pairs = [difference(ones[1, i], ones[1, i + 1]) for i in range(NEIGHBOURS - 1)]
        mean, greatest = min(m for m, _ in pairs), min(g for _, g in pairs)
        good &= mean >= 10 * mean_max and greatest >= 10 * greatest_max
        print(f"bound: mean {mean_max}, greatest {greatest_max}; nearest of {len(pairs)} "
              f"neighbouring seeds: mean {mean:.2f} = {mean / mean_max:.1f} times, "
              f"greatest {greatest} = {greatest / greatest_max:.1f} times")
    if len(sys.argv) > 3:
        result = {"seed": SEED, "bound_mean_levels": mean_max, "bound_levels": greatest_max,
                  "runs": rows,
                  "neighbouring_pairs": len(pairs), "nearest_mean_levels": round(mean, 3),
                  "nearest_greatest_levels": greatest,
                  "times_the_bound": round(min(mean / mean_max, greatest / greatest_max), 2),
                  "origin": "software"}
        pathlib.Path(sys.argv[3]).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("holds" if good else "FAILS")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
