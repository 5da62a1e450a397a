"""Goal: a list of agents is one pool: those that answer do the work, one that does not is named,
and one that dies is passed over.

Method: fault. Two live agents and a dead address in a file, stamps through `calx device stamp`, and
the agents' own counters of shares.

usage: agent_list.py CALX
"""
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request


class Agent:
    def __init__(self, calx):
        self.process = subprocess.Popen(
            [calx, "device", "agent", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
             "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.metrics = re.search(r"http://\S+/metrics", self.process.stderr.readline())[0]
        self.address = re.search(r'"listening":"([^"]+)"', self.process.stdout.readline())[1]

    def shares(self):
        with urllib.request.urlopen(self.metrics, timeout=20) as reply:
            return int(re.search(r"^calx_shares_total (\d+)$", reply.read().decode(), re.M)[1])

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)


def stamp(calx, number, listed):
    return subprocess.run([calx, "device", "stamp", f"{number:064x}", "--work", "8", "--engine",
                           f"agents={listed}", "--policy", "validation"], capture_output=True,
                          text=True, timeout=120, check=False)


def main():
    calx = sys.argv[1]
    with tempfile.TemporaryDirectory() as name, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        dead = f"127.0.0.1:{bound.getsockname()[1]}"
        first, second = Agent(calx), Agent(calx)
        try:
            listed = pathlib.Path(name) / "agents"
            listed.write_text(f"# my agents\n\n{first.address}\n  {dead}\r\n{second.address}\n")
            done = stamp(calx, 1, listed)
            assert done.returncode == 0, done.stderr
            assert dead in done.stderr, f"the dead agent is not named: {done.stderr}"
            assert first.shares() + second.shares() >= 1
            print("ok     a listed agent gives the stamp, the dead one is named")
            busy, idle = (first, second) if first.shares() else (second, first)
            busy.end()
            done = stamp(calx, 2, listed)
            assert done.returncode == 0, done.stderr
            assert idle.shares() >= 1
            print("ok     when it has died, another one does the work")
            listed.write_text("# nobody\n")
            done = stamp(calx, 3, listed)
            assert done.returncode == 2 and "names no agent" in done.stderr, done.stderr
            print("ok     a list of nobody is refused")
        finally:
            first.end()
            second.end()


main()
