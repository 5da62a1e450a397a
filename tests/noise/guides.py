"""Goal: every command and every Python block of the noise guides runs as written.

Method: in an empty folder per guide, `sh` blocks run in order with this build's calx in front of
PATH, `python` blocks in order in one namespace; blocks marked no-run need a model and are counted.

usage: guides.py CALX SOURCE_DIR; exits 77, saying why, where NumPy or torch is missing.
"""
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import tempfile


def main(calx, source):
    missing = [name for name in ("numpy", "torch") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"skipped: this Python has no {' and no '.join(missing)}")
        sys.exit(77)
    environment = dict(os.environ)
    environment["PATH"] = f"{pathlib.Path(calx).parent}:{environment['PATH']}"
    for name in ("diffusers", "comfyui"):
        text = (pathlib.Path(source) / f"docs/guide/{name}.md").read_text()
        blocks = re.findall(r"^```(sh|python|python no-run)\n(.*?)^```$", text, re.M | re.S)
        counts = {"sh": 0, "python": 0, "python no-run": 0}
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            space = {}
            for kind, code in blocks:
                counts[kind] += 1
                if kind == "sh":
                    subprocess.run(["sh", "-e", "-c", code], check=True, env=environment,
                                   stdout=subprocess.DEVNULL)
                elif kind == "python":
                    exec(compile(code, f"{name}.md block {counts[kind]}", "exec"), space)
            os.chdir("/")
        if counts["sh"] == 0 or counts["python"] == 0:
            sys.exit(f"{name}.md: no blocks found")
        print(f"{name}.md: {counts['sh']} sh and {counts['python']} python blocks ran; "
              f"{counts['python no-run']} need a model and did not")


main(*sys.argv[1:])
