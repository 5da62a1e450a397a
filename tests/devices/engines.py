#!/usr/bin/env python3
"""Goal: every engine of the command line gives stamps that hold and name their origin; a pool goes
on past liars and the dead; a policy that no engine can satisfy is refused; rolled versions verify.
Method: calx against its own emulated machines, chips and an Antminer on pseudo-terminals and
calx-hash-1 over TCP, and against a lying server of calx-hash-1 that is written here. Stamps are
hashed again with hashlib, receipts also with docs/protocol/check_stamp.py.

usage: engines.py CALX SOURCE_FOLDER MAKE_ROLLED_RECEIPT {lines|pool|policy|rolled}
"""
import hashlib
import http.server
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading

CALX, SOURCE, MAKE_ROLLED, PART = sys.argv[1:5]
VERSION, MASK = 0x20000000, 0x1FFFE000
LIMIT = 300


def sha256(data):
    return hashlib.sha256(data).digest()


def run(*arguments):
    done = subprocess.run([CALX, *map(str, arguments)], capture_output=True, text=True,
                          timeout=LIMIT)
    return done.returncode, done.stdout, done.stderr


def check_stamp(stamp, commitment, bits):
    of = bytes.fromhex
    root = sha256(b"\0" + of(commitment) + bytes(16))
    assert stamp["root"] == root.hex() and stamp["leaves"] == 1
    assert int(stamp["target"], 16) == 2 ** (256 - bits) - 1
    payload = sha256(b"calx-stamp-1" + of(stamp["target"]) + (1).to_bytes(4, "big") + root)
    coinbase = b"".join([
        of(stamp["coinbase_part_1"]), of(stamp["extranonce_1"]), of(stamp["extranonce_2"]),
        of("ffffffff02000000000000000001510000000000000000226a20"), payload, bytes(4)])
    words = [of(stamp[name])[::-1] for name in ("version", "ntime", "nbits", "nonce")]
    header = words[0] + of(stamp["previous_hash"]) + sha256(sha256(coinbase)) + b"".join(words[1:])
    digest = sha256(sha256(header))
    assert digest.hex() == stamp["hash"], "the hash is another"
    assert int.from_bytes(digest, "little") < 2 ** (256 - bits), "above the target"
    assert int(stamp["version"], 16) & ~MASK == VERSION, stamp["version"]


def stamp(number, bits, *options):
    commitment = f"{number:02x}" * 32
    status, out, err = run("device", "stamp", commitment, "--work", bits, *options)
    assert status == 0, f"exit {status}: {err}"
    made = json.loads(out)
    check_stamp(made, commitment, bits)
    return made, err


class Machine:
    """calx device emulate of a kind that waits; .engine reaches it."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [CALX, "device", "emulate", *map(str, arguments), "--json", "--for", str(LIMIT)],
            stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        assert ready["event"] == "ready" and ready["origin"] == "emulated", ready
        self.engine, self.where = ready["engine"], ready["where"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def lines():
    for kind in ("bm1366", "bm1368", "bm1370", "bm1397"):
        with Machine(kind, "--count", 2) as chips:
            versions = set()
            for number in range(8):  # each run finds the chips as they were switched on
                made, _ = stamp(number, 16, "--engine", chips.engine)
                assert made["origin"] == "emulated", made["origin"]
                versions.add(made["version"])
                if number > 0 and versions != {"20000000"}:
                    break
            assert versions != {"20000000"}, "no chip ever rolled the version"
    for kind in ("s1-device", "s3-device"):
        with Machine(kind) as antminer:
            made, _ = stamp(7, 16, "--engine", antminer.engine)
            assert made["origin"] == "emulated" and made["version"] == "20000000"
    for place in ([], ["--listen", "127.0.0.1:0"]):
        with Machine("direct-hash", *place) as machine:
            made, _ = stamp(9, 12, "--engine", machine.engine)
            assert made["origin"] == "emulated"
            status, out, err = run("hash", "digest", "--text", "hello", "--text", "", "--json",
                                   "--engine", machine.engine)
            assert status == 0, err
            told = json.loads(out)
            assert told["origin"] == "emulated", told
            assert [d["sha256"] for d in told["digests"]] == [
                sha256(b"hello").hex(), sha256(b"").hex()], told
    with Machine("bm1370") as chips:
        status, _, err = run("hash", "digest", "--text", "x", "--engine", chips.engine)
        assert status == 2 and "cannot hash a message" in err, err
        # Without base-bits the host takes them for real chips: the terminal still tells, and a job
        # that no such nonce meets shows that they are none.
        bare = chips.engine.split(",")[0]
        made, _ = stamp(10, 16, "--engine", bare)
        assert made["origin"] == "emulated", made["origin"]
        status, _, err = run("device", "stamp", "11" * 32, "--work", 60, "--for", 60, "--engine",
                             bare)
        assert status == 2 and "lack 32 zero bits" in err, (status, err)


def frame(kind, number, body):
    head = b"CXH1" + bytes([kind, 0, 0, 0]) + struct.pack(">II", number, len(body)) + body
    return head + sha256(head)[:4]


class Liar(threading.Thread):
    """Welcomes as a device, and answers every batch with digests of zeros."""

    def __init__(self):
        super().__init__(daemon=True)
        self.asked = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.engine = "direct-hash=127.0.0.1:%d" % self.socket.getsockname()[1]

    def run(self):
        host = self.socket.accept()[0]
        stream = host.makefile("rb")
        name = b"liar"
        while head := stream.read(16):
            kind, (number, length) = head[4], struct.unpack(">II", head[8:])
            body = stream.read(length + 4)
            if kind == 1:
                answer = struct.pack(">HBBII", 1, 3, len(name), 1024, 1024) + name
                host.sendall(frame(2, number, answer))
            else:
                self.asked.set()
                count = struct.unpack(">I", body[:4])[0]
                host.sendall(frame(4, number, struct.pack(">I", count) + bytes(32 * count)))


class HotMiner(http.server.ThreadingHTTPServer):
    """The web interface of a Bitaxe at 97 degrees."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), HotMiner.Handler)
        self.where = "127.0.0.1:%d" % self.server_port

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"temp": 97, "vrTemp": 60, "hashRate": 1200, "power": 17,
                               "ASICModel": "BM1370"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()


def pool():
    liar = Liar()
    liar.start()
    with Machine("bm1370", "--mhs", 0.001) as dying, Machine("s3-device") as honest:
        def kill():
            liar.asked.wait(LIMIT)
            dying.process.kill()
        threading.Thread(target=kill, daemon=True).start()
        made, err = stamp(1, 20, "--engine", liar.engine, "--engine", dying.engine,
                          "--engine", honest.engine, "--policy", "validation", "--for", 120)
        told = {line.split()[1].split("=")[0]: line for line in err.splitlines()
                if line.startswith("engine ")}
        assert made["origin"] == "emulated", made["origin"]
        assert "device, 0 shares, 0 failures, 1 lies" in told["direct-hash"], err
        assert "emulated, 0 shares, 1 failures, 0 lies" in told["chip"], err
        assert "emulated, 1 shares, 0 failures, 0 lies" in told["bitmain"], err
        # The dead one cannot even be opened any more; without it software stands behind the rest.
        made, err = stamp(2, 12, "--engine", dying.engine, "--policy", "training")
        assert made["origin"] == "software" and "left out: chip=" in err, err
        assert made["version"] == "20000000" and made["extranonce_1"] == "00000000"


def policy():
    def refused(wanted, sentence, *options):
        status, out, err = run("device", "stamp", "22" * 32, "--work", 10, *options)
        last = [line for line in err.splitlines() if line.startswith("calx: ")]
        assert status == wanted and out == "" and len(last) == 1, (status, out, err)
        assert sentence in last[0], err

    refused(3, "policy clinical wants work of origin device", "--policy", "clinical")
    with Machine("bm1370") as chips:
        refused(3, "policy clinical wants work of origin device", "--policy", "clinical",
                "--engine", chips.engine, "--engine", "software")
        made, _ = stamp(3, 12, "--policy", "software", "--engine", chips.engine)
        assert made["origin"] == "software"
        refused(2, "is given twice", "--engine", chips.engine, "--engine", chips.engine)
    with Machine("bm1370") as chips, Machine("s3-device") as cool, HotMiner() as hot:
        made, err = stamp(4, 12, "--engine", f"{chips.engine},web={hot.where}",
                          "--engine", cool.engine)
        told = [line for line in err.splitlines() if line.startswith("engine   chip=")]
        assert made["version"] == "20000000" and len(told) == 1, err  # the Antminer rolls none
        assert "0 shares" in told[0] and ", 97 C; open: " in told[0], err
        refused(2, "8.8.8.8 is public", "--engine", chips.engine + ",web=8.8.8.8")
    refused(3, "policy cached starts no search", "--policy", "cached")
    refused(2, "no policy is called", "--policy", "hopeful")
    refused(2, "no engine is called", "--engine", "abacus")
    refused(2, "wanted KIND:PATH", "--engine", "chip=/dev/null")
    refused(2, "is not known behind", "--engine", "chip=bm1370:/dev/null,volts=9")
    refused(2, "wanted a whole number of 400 to 625", "--engine", "chip=bm1370:/dev/null,mhz=900")
    refused(2, "millivolts= needs control=", "--engine", "chip=bm1370:/dev/null,millivolts=1100")
    refused(2, "calx", "--engine", "chip=bm1370:/dev/no-such-line")
    refused(3, "answer no ioctl", "--engine", "bitmain=ioctl")
    refused(2, "is not known behind", "--engine", "bridge=nowhere,secret=1")


def rolled():
    checker = pathlib.Path(SOURCE) / "docs/protocol/check_stamp.py"
    with tempfile.TemporaryDirectory(prefix=f"calx-rolled-{os.getpid()}-") as folder:
        subprocess.run([MAKE_ROLLED, folder], check=True, timeout=LIMIT)
        receipt = pathlib.Path(folder) / "receipt.json"
        version = int(json.loads(receipt.read_text())["stamp"]["version"], 16)
        assert version != VERSION and version & ~MASK == VERSION, hex(version)

        def verify(path):
            status, out, err = run("verify", path, "--without-pixels", "--json")
            independent = subprocess.run([sys.executable, checker, path], capture_output=True,
                                         timeout=LIMIT)
            checks = {check["name"]: check for check in json.loads(out)["checks"]}
            return status, checks, independent

        status, checks, independent = verify(receipt)
        assert status == 3 and not [c for c in checks.values() if c["result"] == "FAIL"], checks
        assert "minimality not checked" in json.dumps(checks["stamp"]), checks["stamp"]
        assert independent.returncode == 0, independent.stdout

        status, checks, independent = verify(pathlib.Path(folder) / "outside.json")
        assert status == 1 and checks["stamp"]["result"] == "FAIL", checks
        assert "version 20001000" in json.dumps(checks["stamp"]), checks["stamp"]
        assert checks["signature"]["result"] == "ok", "its only fault is the version"
        assert independent.returncode == 1 and b"stamp       FAIL" in independent.stdout

        changed = json.loads(receipt.read_text())
        changed["stamp"]["version"] = f"{version ^ 0x2000:08x}"
        other = pathlib.Path(folder) / "changed.json"
        other.write_text(json.dumps(changed))
        status, checks, independent = verify(other)
        assert status == 1 and checks["stamp"]["result"] == "FAIL", checks
        assert independent.returncode == 1


{"lines": lines, "pool": pool, "policy": policy, "rolled": rolled}[PART]()
