"""Goal: calx device list, watch, tune, redirect, restore and doctor do what they say, end to end.

Method: the program itself against an AxeOS web server written here (not calx's emulator), a made-up
tree for the doctor, and a child process that really holds a file open. Usage: device_verbs.py CALX
"""

import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

CALX = os.path.abspath(sys.argv[1])
TABLE = "# tables\n*/3 * * * * /usr/bin/cgminer-monitor\n0 * * * * ntpd\n"


def fresh():
    return {
        "ASICModel": "BM1370", "boardVersion": "601", "axeOSVersion": "v2.16.0\x1b[31m",
        "hashRate": 1071.0, "temp": 58.0, "frequency": 525, "coreVoltage": 1150,
        "coreVoltageActual": 1137, "sharesAccepted": 5, "sharesRejected": 0, "poolDifficulty": 512,
        "stratumURL": "solo.pool", "stratumPort": 3333, "stratumUser": "w",
        "fallbackStratumURL": "backup.pool", "fallbackStratumPort": 21496,
        "fallbackStratumUser": "x", "miningPaused": False,
    }


class AxeOS(http.server.BaseHTTPRequestHandler):
    info = fresh()
    calls = []

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def do_GET(self):
        self.calls.append(self.path)
        self.answer(json.dumps(self.info))

    def do_PATCH(self):
        self.calls.append(self.path)
        patch = json.loads(self.body())
        self.info.update({key: patch[key] for key in patch if key in self.info})
        self.answer("")

    def do_POST(self):
        self.calls.append(self.path)
        self.body()
        if self.path.endswith(("/pause", "/resume")):
            self.info["miningPaused"] = self.path.endswith("/pause")
        self.answer("{}")

    def log_message(self, *arguments):
        pass


def calx(*arguments, status=0):
    done = subprocess.run([CALX, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


def check_list(address):
    plain, _ = calx("device", "list", "--root", os.getcwd())
    assert "No network was searched" in plain and "192.168.1.0/24" in plain, plain
    assert not AxeOS.calls, "nobody was named, nobody may be asked"
    table, _ = calx("device", "list", address)
    assert "BM1370 board 601" in table and "reported by device" in table, table
    assert "\x1b" not in table, "what a device says does not command the terminal"
    document = json.loads(calx("--json", "device", "list", address)[0])
    (miner,) = document["miners"]
    assert miner["hash_rate_ghs"] == 1071 and miner["pool"] == "solo.pool:3333", miner
    assert document["software"]["origin"] == "software", document
    calx("device", "list", "8.8.8.8", status=2)
    calx("device", "list", "10.0.0.0/8", status=2)


def check_watch(address):
    calm, _ = calx("device", "watch", address, "--every", "0.1", "--for", "0.5")
    assert "1071 GH/s" in calm and "58 C" in calm, calm
    AxeOS.info["temp"] = 91
    lines, _ = calx("--json", "device", "watch", address, "--every", "0.1", "--for", "0.5",
                    status=1)
    report = json.loads(lines.splitlines()[0])
    assert report["concerns"][0]["kind"] == "hot" and report["celsius"] == 91, report
    assert "/api/system/pause" not in AxeOS.calls, "nobody said that it may be paused"
    lines, advice = calx("device", "watch", address, "--every", "0.1", "--for", "0.5",
                         "--pause-when-hot", status=1)
    assert AxeOS.calls.count("/api/system/pause") == 1 and AxeOS.info["miningPaused"], lines
    assert "asked to pause" in lines and "calx device resume" in advice, (lines, advice)
    calx("device", "resume", address)
    assert not AxeOS.info["miningPaused"]


def check_way_back(address, *change):
    before = dict(AxeOS.info)
    shown, _ = calx("device", *change, "--dry-run")
    assert "dry run: nothing was changed" in shown and AxeOS.info == before, shown
    assert not list(pathlib.Path(".").glob("calx-*.json"))
    calx("device", *change)
    assert AxeOS.info != before
    (saved,) = pathlib.Path(".").glob("calx-*.json")
    assert saved.stat().st_mode & 0o777 == 0o600
    changed = dict(AxeOS.info)
    calx("device", *change, status=2)  # the way back is not written over
    assert AxeOS.info == changed
    assert "nothing was changed" in calx("device", "restore", str(saved), "--dry-run")[0]
    assert AxeOS.info == changed and saved.exists()
    calx("device", "restore", str(saved))
    assert AxeOS.info == before and not saved.exists()
    return shown


def check_emulated():
    bridge = subprocess.Popen([CALX, "device", "bridge", "--listen", "127.0.0.1:0", "--quiet"],
                              stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    miner = None
    try:
        port = re.search(r"127\.0\.0\.1:(\d+)", bridge.stderr.readline()).group(1)
        miner = subprocess.Popen(
            [CALX, "device", "emulate", "lv06", "--connect", f"127.0.0.1:{port}", "--for", "60",
             "--faults", "overheat=1s", "--axeos", "0", "--quiet"],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        web = re.search(r"127\.0\.0\.1:\d+", miner.stderr.readline()).group(0)
        table, _ = calx("device", "list", web)
        assert "BM1366 board 0.11" in table and f"127.0.0.1:{port}" in table, table
        for _ in range(100):
            document = json.loads(calx("--json", "device", "list", web)[0])["miners"][0]
            if document["hash_rate_ghs"] == 0:
                break
            time.sleep(0.1)
        hot, _ = calx("device", "watch", web, "--every", "0.1", "--for", "0.3", status=1)
        assert "hot: the device says that it overheated" in hot, hot
    finally:
        for process in (miner, bridge):
            if process:
                process.terminate()
                process.wait(30)


def check_doctor(folder):
    root = folder / "root"
    table = root / "etc/crontabs/root"
    table.parent.mkdir(parents=True)
    table.write_text(TABLE)
    (root / "dev").mkdir()
    (root / "dev/bitmain-asic").touch()
    doctor = ("device", "doctor", "--root", str(root))
    assert "restarter" in calx(*doctor, status=1)[0]
    shown, _ = calx(*doctor, "--remedy", "cron", "--dry-run")
    assert "line 2" in shown and table.read_text() == TABLE, shown
    calx(*doctor, "--remedy", "cron")
    assert "#calx-doctor# */3" in table.read_text()
    calx("device", "restore", "calx-doctor-cron.json")
    assert table.read_text() == TABLE

    held = folder / "held"
    held.touch()
    command = [sys.executable, "-c",
               f"f = open({str(held)!r}); print('open', flush=True); import time; time.sleep(60)"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"open\n"
        busy = ("device", "doctor", "--device", str(held))
        assert f"process {child.pid}" in calx(*busy, status=1)[0]
        shown, _ = calx(*busy, "--remedy", "stop-holder", "--dry-run")
        assert "SIGTERM" in shown and child.poll() is None, shown
        calx(*busy, "--remedy", "stop-holder")
        assert child.wait(10) == -signal.SIGTERM
        assert "to be started by hand" in calx("device", "restore",
                                               "calx-doctor-stop-holder.json")[0]
    finally:
        child.kill()
        child.wait()


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), AxeOS)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        check_list(address)
        check_watch(address)
        shown = check_way_back(address, "tune", address, "--frequency", "9000", "--voltage", "1200")
        assert "625 MHz, was 525" in shown and "9000 was asked" in shown, shown
        shown = check_way_back(address, "redirect", address, "--bridge", "192.168.1.10")
        assert "fallback pool: solo.pool:3333" in shown, shown
        check_emulated()
        check_doctor(pathlib.Path(folder))
        os.chdir("/")
    server.shutdown()


main()
