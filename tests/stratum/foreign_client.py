#!/usr/bin/env python3
"""A Stratum client that nobody here wrote, npm's stratum-client, makes a stamp through the bridge.

usage: foreign_client.py CALX FOLDER

The package is installed into FOLDER. Node searches the nonces with its own SHA-256; the stamp is
hashed again here with Python's. Exit status 77: npm, node or the package cannot be had.
"""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

PACKAGE = "stratum-client@1.1.0"
COMMITMENT = "5a" * 32
WORK_BITS = 12


def skip(reason):
    print("SKIPPED:", reason)
    sys.exit(77)


def install(folder):
    if not shutil.which("node") or not shutil.which("npm"):
        skip("node or npm is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "node_modules/stratum-client/index.js").exists():
        return
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", PACKAGE]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        skip("npm did not answer within 120 s")
    if done.returncode != 0:
        skip(f"npm cannot install {PACKAGE}: {done.stderr.strip()[:200]}")


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def stamp_hash(stamp):
    payload = hashlib.sha256(
        b"calx-stamp-1"
        + bytes.fromhex(stamp["target"])
        + stamp["leaves"].to_bytes(4, "big")
        + bytes.fromhex(stamp["root"])
    ).hexdigest()
    part_2 = f"ffffffff02000000000000000001510000000000000000226a20{payload}00000000"
    coinbase = stamp["coinbase_part_1"] + stamp["extranonce_1"] + stamp["extranonce_2"] + part_2
    words = [bytes.fromhex(stamp[name])[::-1] for name in ("version", "ntime", "nbits", "nonce")]
    header = words[0] + bytes.fromhex(stamp["previous_hash"]) + sha256d(bytes.fromhex(coinbase))
    return sha256d(header + words[1] + words[2] + words[3])


def main():
    calx, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    install(folder)
    bridge = subprocess.Popen(
        [calx, "device", "bridge", "--listen", "127.0.0.1:0", "--worker", "rig:secret:device",
         "--stamp", COMMITMENT, "--work", str(WORK_BITS), "--for", "60"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        port = re.search(r":(\d+)\n", bridge.stderr.readline()).group(1)
        script = pathlib.Path(__file__).with_name("foreign_client.js")
        miner = subprocess.run(["node", script, folder.resolve(), port, "rig", "secret"],
                               capture_output=True, text=True, timeout=90)
        out, err = bridge.communicate(timeout=30)
    finally:
        bridge.kill()
    print(miner.stdout, miner.stderr, err)
    assert bridge.returncode == 0, f"the bridge ended with status {bridge.returncode}"
    stamp = json.loads(out)
    digest = stamp_hash(stamp)
    assert digest.hex() == stamp["hash"], "the stamp's hash is not that of its header"
    assert int.from_bytes(digest, "little") <= int(stamp["target"], 16), "it misses its target"
    assert stamp["origin"] == "device", "the origin is the one that the operator declared"
    assert "refused as it should be: 20" in miner.stdout, "undefined parameters were not refused"
    print("stamp", stamp["hash"], "nonce", stamp["nonce"])


main()
