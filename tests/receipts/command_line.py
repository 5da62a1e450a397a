#!/usr/bin/env python3
"""Goal: `calx verify` says what holds, names what does not, and exits as documented.
Method: the sample receipt as it is; ten mutations of it; other faults on files and options; and
docs/protocol/check_stamp.py, which shares no code with calx, on the same files.

    command_line.py SOURCE_FOLDER [EMULATOR] CALX
"""

import copy
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[1])
CALX = sys.argv[2:]
SAMPLE = SOURCE / "tests" / "receipts" / "sample"
OTHER_KEY = "ab" * 32
faults = []


def run(*arguments):
    done = subprocess.run([*CALX, "verify", *map(str, arguments)], capture_output=True, timeout=120)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def expect(what, holds, shown=""):
    if not holds:
        faults.append(f"{what}\n{shown}")


def results(output):
    return {check["name"]: check["result"] for check in json.loads(output)["checks"]}


def honest(folder):
    receipt = folder / "receipt.json"
    key = json.loads(receipt.read_text())["public_key"]
    status, out, err = run(receipt, "--without-pixels")
    expect("sample: exit 3, pixels alone unchecked", status == 3 and "FAIL" not in out, out + err)
    expect("sample: says why", "pixels were not regenerated here: --without-pixels" in out, out)
    print(out)
    status, out, err = run(folder / "toy-5.png", "--without-pixels", "--key", key)
    expect("PNG: exit 3", status == 3 and "FAIL" not in out, out + err)
    expect("PNG: one image of two", "1 image seed of 2 requested" in out, out)
    status, out, err = run(receipt, "--without-pixels", "--json", "--key", key)
    found = results(out)
    expect("json: pixels alone unchecked",
           [name for name, result in found.items() if result != "ok"] == ["pixels"], out)
    status, out, err = run(receipt, "--without-pixels", "--key", OTHER_KEY, "--json")
    expect("another key: exit 1", status == 1 and results(out)["key"] == "FAIL", out)


def mutations(receipt):
    def changed(change):
        other = copy.deepcopy(receipt)
        change(other)
        return other

    yield "class", changed(lambda r: r["request"]["identity"].update({"class": 3}))
    yield "seed", changed(lambda r: r["request"]["identity"]["seed"].update(value="hullo"))
    yield "count", changed(lambda r: r["request"].update(count=1000))
    yield "salt", changed(lambda r: r["tree"].update(salt="00" * 16))
    yield "sibling", changed(lambda r: r["tree"]["siblings"].reverse())
    yield "target", changed(lambda r: r["stamp"].update(target="f" * 64))
    yield "nonce", changed(lambda r: r["stamp"].update(nonce="00000000"))
    yield "latent", changed(lambda r: r["images"][0]["latent"].update(digest="00" * 32))
    yield "pixels", changed(lambda r: r["images"][1]["pixels"].update(digest="00" * 32))
    yield "origin", changed(lambda r: r["origins"].update(work="device"))


def mutated(folder):
    receipt = json.loads((folder / "receipt.json").read_text())
    for name, other in mutations(receipt):
        (folder / "mutated.json").write_text(json.dumps(other))
        status, out, err = run(folder / "mutated.json", "--without-pixels")
        expect(f"mutated {name}: exit 1 and a named check",
               status == 1 and "This receipt does not hold: signature" in out, out + err)
        print(f"{name:8} exit {status}  {out.splitlines()[-1]}")


def one_sentence(what, wanted, *arguments):
    status, out, err = run(*arguments)
    lines = [line for line in (out + err).splitlines() if line]
    expect(f"{what}: exit {wanted}, few lines", status == wanted and 1 <= len(lines) <= 2,
           f"exit {status}\n{out}{err}")


def bad_input(folder):
    text = (folder / "receipt.json").read_bytes()
    bad = folder / "bad.json"

    def refused(what, content, status=2):
        bad.write_bytes(content)
        one_sentence(what, status, bad, "--without-pixels")

    refused("truncated", text[: len(text) // 2])
    refused("empty", b"")
    refused("not UTF-8", text.replace(b'"example"', b'"ex\xffmple"'))
    refused("nested", b"[" * 1_000_000, 3)
    refused("newer", text.replace(b"calx-receipt-1", b"calx-receipt-2"), 3)
    refused("huge", b" " * 100_000_000, 3)
    refused("a PNG cut short", (folder / "toy-4.png").read_bytes()[:-20])
    one_sentence("missing file", 2, folder / "nowhere.json")
    one_sentence("a folder", 3, folder)
    one_sentence("a short key", 2, folder / "receipt.json", "--key", "ab")
    one_sentence("a salt without a seed", 2, folder / "receipt.json", "--salt", "ab")
    (folder / "toy-4.png").unlink()
    status, out, err = run(folder / "receipt.json", "--without-pixels")
    expect("missing picture: exit 3", status == 3 and "1 of 2 pictures here" in out, out + err)
    (folder / "toy-5.png").write_bytes((SAMPLE / "toy-4.png").read_bytes())
    status, out, err = run(folder / "receipt.json", "--without-pixels")
    expect("another picture: exit 1", status == 1 and "This receipt does not hold: pictures" in out,
           out + err)


def independent(folder):
    checker = SOURCE / "docs" / "protocol" / "check_stamp.py"
    receipt = folder / "receipt.json"
    done = subprocess.run([sys.executable, checker, receipt], capture_output=True, timeout=60)
    expect("check_stamp.py: the sample holds", done.returncode == 0, done.stdout.decode())
    for name, other in mutations(json.loads(receipt.read_text())):
        if name in ("latent", "pixels", "origin"):
            continue  # it looks at commitment, path, stamp and seeds
        (folder / "mutated.json").write_text(json.dumps(other))
        done = subprocess.run([sys.executable, checker, folder / "mutated.json"],
                              capture_output=True, timeout=60)
        expect(f"check_stamp.py: mutated {name}", done.returncode != 0, done.stdout.decode())


for check in (honest, mutated, bad_input, independent):
    with tempfile.TemporaryDirectory() as name:
        shutil.copytree(SAMPLE, name, dirs_exist_ok=True)
        check(pathlib.Path(name))
for fault in faults:
    print("FAULT:", fault)
sys.exit(1 if faults else 0)
