"""Goal: bad input of `calx noise` ends in one clear sentence, status 2 or 3, and no file.

Method: fault. Each case names a word that the sentence must hold. The last one takes the address
space away, so that an allocation fails for real.

usage: bad_input.py CALX
"""
import os
import resource
import subprocess
import sys
import tempfile

# arguments after `calx noise`, status, a word of the sentence
CASES = [
    ("--seed 0x12 --preset sd15", 2, "wanted 64"),
    ("--seed 18446744073709551616 --preset sd15", 2, "out of range"),
    ("--seed 1 --preset sd9", 2, "sdxl"),
    ("--seed 1", 2, "--shape"),
    ("--seed 1 --preset sd15 --shape 4", 2, "one of"),
    ("--seed 1 --shape 1,0", 2, "side 0"),
    ("--seed 1 --shape 1,2,3,4,5", 2, "1 to 4 numbers"),
    ("--seed 1 --shape 65536,65536", 3, "268435456"),
    ("--seed 1 --preset sd15 --index -3", 2, "index"),
    ("--seed 1 --preset sd15 --dtype f64", 2, "bf16"),
    ("--seed 1 --preset sd15 --kind gauss", 2, "uniform"),
    ("--seed 1 --preset sd15 --kind bits --dtype f16", 2, "wanted f32"),
    ("--seed 1 --preset sd15 --vary a", 2, "SEED:WEIGHT"),
    ("--seed 1 --preset sd15 --vary a:1.5", 2, "leave -0.5"),
    ("--seed 1 --preset sd15 --vary a:nan", 2, "variation"),
    ("--seed 1 --preset sd15 --tile 5", 2, "ROW,COLUMN"),
    ("--seed 1 --shape 3,3 --packed", 2, "even sides"),
    ("--seed hi --preset sd15 --compat torch-cpu", 2, "integer"),
    ("--seed 1 --preset sd15 --compat torch-cpu --kind bits", 2, "--compat"),
    ("--seed 1 --preset sd15 --compat cuda", 2, "nv-philox"),
    ("--seed 1 --preset sd15 --out x.png", 2, ".safetensors"),
    ("--seed 1 --preset sd15 --dtype bf16 --out x.npy", 2, "x"),
    ("--seed 1 --preset sd15 --dtype f16 --out x.latent", 2, "F32"),
    ("--seed 1 --preset sd15 --out no/such/folder/x.npy", 2, "no/such/folder"),
    ("--seed 1 --preset sd15 --out /dev/full/x.npy", 2, "/dev/full"),
]


def no_room():
    resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))


def check(calx, arguments, status, word, before=None):
    run = subprocess.run([calx, "noise", *arguments.split()], capture_output=True, text=True,
                         preexec_fn=before)
    sentence = run.stderr.strip()
    good = (run.returncode == status and word in sentence and "\n" not in sentence
            and run.stdout == "" and os.listdir(".") == [])
    print(f"{'ok  ' if good else 'BAD '} {run.returncode} {sentence}")
    return good


def main(calx):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        good = [check(calx, *case) for case in CASES]
        large = "--seed 1 --shape 4,4096,16384 --out x.npy"
        good.append(check(calx, large, 3, "no memory", no_room))
        os.chdir("/")
    sys.exit(0 if all(good) else 1)


main(*sys.argv[1:])
