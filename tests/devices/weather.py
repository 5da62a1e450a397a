"""Goal: `calx study devices` judges the bridge by the miners' plan and leaves a report;
interrupted, it leaves one that says so.

Method: the short form on the real program; SIGINT in the middle of a second one.

usage: weather.py CALX
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

CALX = sys.argv[1]


def study(folder, *words):
    return [CALX, "study", "devices", "--quick", "--out", str(folder), *words]


def whole(folder):
    done = subprocess.run(study(folder), capture_output=True, text=True, timeout=300)
    print(done.stdout, done.stderr)
    report = json.loads((folder / "devices.json").read_text())
    assert done.returncode == 0, done.returncode
    assert report["complete"] is True and report["origin"] == "emulated"
    plan = report["by_plan"]
    assert plan["lie"]["shares"] > 0 and sum(row["wrong"] for row in plan.values()) == 0, plan
    answered = sum(row["right"] for row in plan.values())
    assert sum(report["answers"].values()) == answered > 100, report["answers"]
    assert sum(bin["shares"] for bin in report["answer_bins"]) == answered
    assert not any(check["verdict"] == "MISSED" for check in report["checks"])
    page = (folder / "devices.html").read_text()
    assert "<svg" in page and "INTERRUPTED" not in page


def interrupted(folder):
    process = subprocess.Popen(study(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    assert "connects" in process.stderr.readline()
    assert "works" in process.stderr.readline()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130, process.returncode
    assert json.loads((folder / "devices.json").read_text())["complete"] is False
    for name in ("devices.md", "devices.html"):
        assert "INTERRUPTED" in (folder / name).read_text(), name


with tempfile.TemporaryDirectory() as folder:
    whole(pathlib.Path(folder))
    interrupted(pathlib.Path(folder))
print("ok")
