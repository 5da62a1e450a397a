"""Goal: what the README tells people to type works, and answers what it says.

Method: run every `$ calx ...` line of its console blocks in one empty folder, in order; each shown
line of output must be in the real output, times left aside. Scripts it names must exist. Links to
files must lead somewhere.

usage: readme_commands.py CALX SOURCE_DIR
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

CALX, SOURCE = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
TIMES = re.compile(r"\d+(\.\d+)? m?s\b")


def masked(text):
    return TIMES.sub("T", text.strip())


def blocks(text):
    """Each command of the console blocks with the output shown below it."""
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command, [masked(line) for line in output.splitlines() if line.strip()]


def check(command, shown, folder):
    words = shlex.split(command)
    if words[0] != "calx":
        return [f"{command}: only calx is run in a console block"]
    done = subprocess.run([CALX, *words[1:]], capture_output=True, text=True, cwd=folder,
                          stdin=subprocess.DEVNULL, timeout=600)
    real = {masked(line) for line in (done.stdout + done.stderr).splitlines()}
    print(f"$ {command}\n{done.stdout}{done.stderr}status {done.returncode}")
    faults = [f"{command}: the README shows this line, calx does not: {line}"
              for line in shown if line not in real]
    if done.returncode != 0:
        faults.append(f"{command}: status {done.returncode}")
    return faults


text = (SOURCE / "README.md").read_text()
faults = []
with tempfile.TemporaryDirectory() as folder:
    os.environ["XDG_DATA_HOME"] = os.path.join(folder, "home")
    for command, shown in blocks(text):
        faults += check(command, shown, folder)
for script in set(re.findall(r"(?<![\w/])script/\w+|\.ci/run", text)):
    if not os.access(SOURCE / script, os.X_OK):
        faults.append(f"{script}: no such program")
documents = [SOURCE / "README.md", SOURCE / "ARCHITECTURE.md", SOURCE / "CONTRIBUTING.md",
             *sorted((SOURCE / "docs").rglob("*.md"))]
for document in documents:
    for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
        if not (document.parent / link).exists():
            faults.append(f"{document.relative_to(SOURCE)}: no such file: {link}")
print("\n".join(faults) or "the README holds")
sys.exit(1 if faults else 0)
