"""Goal: `calx noise` and docs/protocol/calx_noise.py give the same bits.

Method: parity over all seed types, streams, far coordinates, kinds and types; the file that calx
writes is read here by its bytes, with the standard library alone.

usage: reference.py CALX SOURCE_DIR
"""
import pathlib
import subprocess
import sys

BYTES_SEED = "0x" + bytes(range(32)).hex()
# seed, stream, index, row, column, shape
REGIONS = [
    ("0", "init", 0, 0, 0, (1, 4, 3, 16)),
    ("hello", "step/17", 5, 3, 5, (1, 2, 4, 9)),
    (BYTES_SEED, "vae", 2**64 - 1, 2**32 - 4, 2**32 - 11, (1, 1, 4, 11)),
    ("-9223372036854775808", "a name with spaces", 1, 7, 1, (1, 3, 2, 30)),
    ("text:42", "init", 1, 0, 0, (2, 1, 2, 8)),
    ("na\u00efve \U0001f331", "init", 0, 100, 8, (1, 1, 1, 300)),
]
KINDS = {"bits": ["--kind", "bits"], "uniform": ["--kind", "uniform"], "normal": [],
         "f16": ["--dtype", "f16"]}


def npy_words(data):
    header = int.from_bytes(data[8:10], "little")
    size = 2 if b"<f2" in data[:10 + header] else 4
    values = data[10 + header:]
    return [values[i:i + size][::-1].hex().rjust(8, "0") for i in range(0, len(values), size)]


def main(calx, source):
    sys.path.insert(0, str(pathlib.Path(source) / "docs/protocol"))
    import calx_noise

    compared = 0
    for seed, stream, index, row, column, shape in REGIONS:
        for kind, flags in KINDS.items():
            data = subprocess.run(
                [calx, "noise", "--seed", seed, "--stream", stream, "--index", str(index), "--tile",
                 f"{row},{column}", "--shape", ",".join(map(str, shape)), "--out", "-", *flags],
                check=True, capture_output=True).stdout
            wanted = []
            for b in range(shape[0]):
                k = calx_noise.key(seed, stream, index + b)
                wanted += [calx_noise.encode(kind, calx_noise.word(k, 0, c, r, x))
                           for c in range(shape[1]) for r in range(row, row + shape[2])
                           for x in range(column, column + shape[3])]
            if npy_words(data) != wanted:
                sys.exit(f"calx differs from calx_noise.py: {seed} {stream} {index} {kind}")
            compared += len(wanted)
    print(f"{compared} values agree bit for bit")


main(*sys.argv[1:])
