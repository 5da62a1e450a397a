"""Goal: bad input and bad luck end in one clear sentence, status 2 or 3, and no half-written file;
an interruption leaves finished work, valid files and a way to go on.

Method: fault tests on the real program, with a tiny model trained here for the purpose.

usage: bad_input.py CALX refusals|disk|interruption     status 77: this machine cannot try it
"""
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib

CALX = os.path.abspath(sys.argv[1])
FAILURES = []


def run(*arguments, cwd=None, wrap=()):
    return subprocess.run([*wrap, CALX, *map(str, arguments)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, cwd=cwd, timeout=300)


def report(name, good, text):
    print(f"{'ok' if good else 'FAILED'}: {name}: {text}")
    if not good:
        FAILURES.append(name)


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in pathlib.Path(folder).rglob("*")
                  if p.is_file())


def refuses(name, folder, *arguments, status=(2, 3), says=""):
    """Runs calx in an empty folder; wants the status, one line on stderr, and no new file."""
    place = pathlib.Path(folder) / name.replace(" ", "-").replace("/", "-")
    place.mkdir()
    done = run(*arguments, cwd=place)
    lines = done.stderr.splitlines()
    good = (done.returncode in status and len(lines) == 1 and lines[0].startswith("calx: ")
            and says in lines[0] and not files(place))
    text = f"status {done.returncode}: {done.stderr.strip()}"
    if files(place):
        text += f" | left behind: {files(place)}"
    report(name, good, text)


def judges_no_receipt(name, folder, file, says):
    """calx verify reports on stdout: its first check names what is wrong, and nothing follows."""
    done = run("verify", file, cwd=folder)
    lines = done.stdout.splitlines()
    good = (done.returncode in (2, 3) and not done.stderr and lines[0].startswith("format ")
            and "FAIL" in lines[0] and says in lines[0] and len(lines) <= 2)
    report(name, good, f"status {done.returncode}: {lines[:1]}")


def tiny_model(folder):
    """A model of forty steps: good for the machinery, not for the eye."""
    done = run("train", "digits", "--quick", "--data", "procedural", "--out", folder, "--json")
    if done.returncode != 0:
        sys.exit(f"no tiny model: {done.stderr}")
    return json.loads(done.stdout)["model"]


def good_receipt(folder, model):
    """Also makes the signing key, so that later runs have nothing to tell about it."""
    done = run("imagine", "--model", model, "--class", 1, "--count", 1, "--steps", 2, "--work", 4,
               "--seed", "a", "--out", folder)
    if done.returncode != 0:
        sys.exit(f"no receipt: {done.stderr}")
    return pathlib.Path(folder) / "receipt.json"


def changed_receipt(receipt, path, change):
    value = json.loads(receipt.read_text())
    change(value)
    path.write_text(json.dumps(value))
    return path


def refusals(folder):
    work = pathlib.Path(folder)
    model = tiny_model(work / "tiny")
    receipt = good_receipt(work / "good", model)
    cases = work / "cases"
    cases.mkdir()

    def imagine(name, *arguments, **wanted):
        refuses(name, cases, "imagine", "--out", "out", *arguments, **wanted)

    imagine("unknown model", "--model", "nosuch", says="nosuch")
    imagine("class out of range", "--model", model, "--class", 10, says="10")
    imagine("negative class", "--model", model, "--class", -1, says="-1")
    imagine("seed of the wrong length", "--model", model, "--seed", "0x1234")
    imagine("count zero", "--model", model, "--count", 0)
    imagine("count a billion", "--model", model, "--count", 10**9)
    imagine("unknown sampler", "--model", model, "--sampler", "nosuch", says="nosuch")
    imagine("steps zero", "--model", model, "--steps", 0)
    imagine("work beyond reach", "--model", model, "--work", 400)
    refuses("unwritable folder", cases, "imagine", "--model", model, "--out", receipt / "below")

    data = bytearray(pathlib.Path(model).read_bytes())
    broken = work / "broken.safetensors"
    broken.write_bytes(data[: len(data) // 2])
    imagine("weight file cut in half", "--model", broken)
    broken.write_bytes(b"\xff" * 64)
    imagine("weight file of garbage", "--model", broken)
    data[-5] ^= 0x10
    broken.write_bytes(data)
    imagine("weight file of one changed bit", "--model", broken)

    refuses("no such receipt", cases, "verify", "nosuch.json", says="nosuch.json")
    newer = changed_receipt(receipt, work / "newer.json",
                            lambda r: r.update({"format": "calx-receipt-2"}))
    judges_no_receipt("receipt of a newer version", cases, newer, "calx-receipt-2 is newer")
    cut = work / "cut.json"
    cut.write_bytes(receipt.read_bytes()[:200])
    judges_no_receipt("receipt cut short", cases, cut, "JSON")
    deep = work / "deep.json"
    deep.write_text("[" * 100000)
    judges_no_receipt("receipt nested too deep", cases, deep, "")
    binary = work / "binary.json"
    binary.write_bytes(b"\xff\xfe" * 50)
    judges_no_receipt("receipt that is not text", cases, binary, "JSON")

    noise = ("noise", "--seed", 7, "--out")
    refuses("shape of nothing", cases, *noise, "x.npy", "--shape", "1,0,8,8", says="shape")
    refuses("shape beyond the limit", cases, *noise, "x.npy", "--shape", "65535,65535",
            says="268435456 values")
    refuses("file name without a known end", cases, *noise, "x.jpg", "--shape", "1,4,8,8",
            says="x.jpg")
    refuses("noise into a file as folder", cases, *noise, receipt / "x.npy", "--shape", "4,4",
            says="x.npy")
    refuses("no such training data", cases, "train", "digits", "--quick", "--data", "nosuch.npz",
            "--out", "run", says="nosuch.npz")
    refuses("nothing to resume", cases, "train", "digits", "--quick", "--data", "procedural",
            "--resume", "--out", "run")
    refuses("header of two bytes", cases, "hash", "scan", "00ff", says="2 bytes")
    refuses("descending nonces", cases, "hash", "scan", "00" * 80, "--from", 2, "--to", 1)
    os.environ["CALX_KERNEL"] = "abacus"
    refuses("unknown kernel", cases, "hash", "kernels", status=(2,), says='"abacus"')
    del os.environ["CALX_KERNEL"]
    refuses("unknown verb", cases, "nosuch")
    refuses("no verb", cases)


def mounted(place, options, *arguments):
    """Runs calx where `place` is a small file system of its own, then lists what it left."""
    script = 'mount -t tmpfs -o "$1" none "$2" && shift && place=$1 && shift; "$@"; s=$?; '
    script += 'ls -A "$place" >&2; exit $s'
    return subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", options, str(place), CALX,
                           *map(str, arguments)], capture_output=True, text=True, timeout=300)


def disk(folder):
    work = pathlib.Path(folder)
    place = work / "mnt"
    place.mkdir()
    probe = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", str(place)],
                           capture_output=True, text=True)
    if probe.returncode != 0:
        print(f"cannot mount a small file system here: {probe.stderr.strip()}")
        sys.exit(77)
    model = tiny_model(work / "tiny")
    good_receipt(work / "good", model)
    for name, options in (("full disk", "size=16k"), ("read-only disk", "ro")):
        for verb, arguments in (
            ("noise", ("noise", "--seed", 7, "--shape", "4,64,64", "--out", place / "x.npy")),
            ("imagine", ("imagine", "--model", model, "--count", 2, "--steps", 2, "--work", 4,
                         "--out", place / "out")),
            ("train", ("train", "digits", "--quick", "--data", "procedural", "--out",
                       place / "run")),
        ):
            done = mounted(place, options, *arguments)
            lines = [line for line in done.stderr.splitlines() if line]
            told = [line for line in lines if line.startswith("calx: ")]
            left = [line for line in lines if not line.startswith(("calx: ", "step "))]
            good = done.returncode in (2, 3) and len(told) == 1
            good = good and not any(name.endswith(".part") or name == "x.npy" for name in left)
            report(f"{name}, {verb}", good, f"status {done.returncode}: {done.stderr.strip()}")


def png_is_whole(path):
    data = path.read_bytes()
    at, kinds = 8, []
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + length]
        if zlib.crc32(body) != struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]:
            return False
        kinds.append(body[:4])
        at += 12 + length
    return bool(kinds) and kinds[-1] == b"IEND"


def interrupted(ready, *arguments):
    """Starts calx, sends SIGINT as soon as ready() holds; the finished process and its output."""
    process = subprocess.Popen([CALX, *map(str, arguments)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not ready() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def interruption(folder):
    work = pathlib.Path(folder)
    model = tiny_model(work / "tiny")
    good_receipt(work / "good", model)

    out = work / "out"
    count = 400
    imagine = ("imagine", "--model", model, "--class", 2, "--count", count, "--steps", 10,
               "--work", 4, "--seed", "stop", "--out", out)
    status, told, err = interrupted(lambda: len(list(out.glob("digit-*.png"))) >= 3, *imagine)
    pictures = sorted(out.glob("digit-*.png"))
    report("imagine ends with 130", status == 130, f"status {status} {err.strip()}")
    report("imagine leaves some pictures", 3 <= len(pictures) < count, f"{len(pictures)} pictures")
    report("every picture is whole", all(map(png_is_whole, pictures)), "CRC and end of each file")
    report("it says how to go on", "imagine" in told, told.strip().splitlines()[-1:])
    done = run("verify", "--without-pixels", out / "receipt.json")
    report("the receipt of the part holds", done.returncode == 3 and "FAIL" not in done.stdout,
           f"status {done.returncode}")
    before = {p.name: p.stat().st_mtime_ns for p in pictures}
    done = run(*imagine)
    kept = [p for p in out.glob("digit-*.png") if before.get(p.name) == p.stat().st_mtime_ns]
    whole = len(list(out.glob("digit-*.png"))) == count
    report("the same command goes on", done.returncode == 0 and whole and kept,
           f"status {done.returncode}, {len(kept)} of {len(before)} kept {done.stderr.strip()}")
    report("no partial file stays", not list(out.glob(".*")), files(out)[:1])

    out = work / "run"
    train = ("train", "digits", "--widths", "16,32", "--batch", 16, "--steps", 3000, "--data",
             "procedural", "--checkpoint", 20, "--out", out)
    status, told, err = interrupted(lambda: any(out.glob("*checkpoint*")), *train)
    report("train ends with 130", status == 130, f"status {status} {err.strip()[-200:]}")
    report("it says how to resume", "--resume" in told, told.strip().splitlines()[-1:])
    report("no partial file stays", not list(out.glob(".*")), files(out))
    done = run(*train, "--resume", "--minutes", "0.02")
    report("training goes on", done.returncode == 0 and "Stopped after" in done.stdout,
           f"status {done.returncode}: {done.stdout.strip()} {done.stderr.strip()[-200:]}")


with tempfile.TemporaryDirectory() as temporary:
    os.environ["XDG_DATA_HOME"] = os.path.join(temporary, "home")
    {"refusals": refusals, "disk": disk, "interruption": interruption}[sys.argv[2]](temporary)
print(f"{len(FAILURES)} failures")
sys.exit(1 if FAILURES else 0)
