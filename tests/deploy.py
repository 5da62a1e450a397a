"""Goal: calx device deploy puts an agent onto a machine or leaves everything as it was, and lets
nobody but the known host have it.

Method: fault. Debian's sshd, started here on loopback with keys and settings of its own in a
temporary folder; agents are scripts that run `calx device agent` of the build. Unknown and changed
host keys, wrong keys, agents that die or never serve, and kill -9 in the middle of an upload.

usage: deploy.py CALX
"""
import getpass
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SSHD = "/usr/sbin/sshd"
TOKEN = "a token that nobody may see"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def new_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


class Sshd:
    def __init__(self, folder, *lines):
        self.port = free_port()
        self.key = folder / "host_key"
        if not self.key.exists():
            new_key(self.key)
        config = folder / f"sshd_config_{self.port}"
        config.write_text("\n".join([
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.key}", "PidFile none",
            f"AuthorizedKeysFile {folder}/authorized_keys", "StrictModes no", "UsePAM no",
            "KbdInteractiveAuthentication no", "LogLevel ERROR", *lines, ""]))
        self.log = open(folder / f"sshd_log_{self.port}", "w", encoding="utf-8")
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=self.log)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                assert self.process.poll() is None, pathlib.Path(self.log.name).read_text()
                time.sleep(0.05)

    def known(self):
        kind, key = self.key.with_suffix(".pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {kind} {key}\n"

    def end(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()


class Far:
    """The machine that gets the agent: this one, in a folder of the test."""

    def __init__(self, calx, folder, sshd):
        self.calx, self.folder, self.sshd = calx, folder, sshd
        self.place = folder / "far"
        self.listen = f"127.0.0.1:{free_port()}"
        self.identity, self.known_hosts = folder / "key", folder / "known_hosts"
        self.token = folder / "token"

    def words(self, *words, identity=None, sshd=None, place=None):
        found = [str(self.calx), "device", "deploy",
                 f"{getpass.getuser()}@127.0.0.1:{(sshd or self.sshd).port}",
                 "--folder", str(place or self.place), "--known-hosts", str(self.known_hosts),
                 *words]
        if identity != "none":
            found += ["--identity", str(identity or self.identity)]
        return found

    def deploy_words(self, binary, *words, **how):
        return self.words("--binary", str(binary), "--listen", self.listen, "--token-file",
                          str(self.token), *words, **how)

    def run(self, words, wanted, pattern="", env=None):
        done = subprocess.run(words, capture_output=True, text=True, timeout=180, check=False,
                              env=env, stdin=subprocess.DEVNULL)
        text = done.stdout + done.stderr
        assert done.returncode == wanted, f"status {done.returncode}, wanted {wanted}: {text}"
        assert re.search(pattern, text), f"no {pattern!r} in: {text}"
        assert TOKEN not in text
        return done

    def agent(self, name, *lines):
        path = self.folder / name
        path.write_text("\n".join(["#!/bin/sh", *(lines or [
            f'exec {shlex.quote(str(self.calx))} device agent "$@"']), f"# {name}", ""]))
        return path

    def pid(self):
        return int((self.place / "calx-agent.pid").read_text().split()[0])

    def serves(self, name):
        assert f"# {name}\n" in (self.place / "calx-agent").read_text(errors="replace")[:4096]
        done = self.run([str(self.calx), "device", "probe", f"grpc://{self.listen}", "--json",
                         "--token-file", str(self.token)], 0)
        report = json.loads(done.stdout)
        assert report["protocol"] == "calx.v1" and report["serving"] is True, report
        assert report["origin"] == "software" and "run" in report["offers"], report


def ended(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def test_host_key(far):
    nobody = free_port()
    plan = far.run([str(far.calx), "device", "deploy", f"127.0.0.1:{nobody}", "--binary",
                    str(far.agent("one")), "--dry-run"], 0, "nothing was done")
    assert "rm -f" in plan.stdout and "calx-agent.start" in plan.stdout
    print("ok     a dry run connects to nobody")
    words = far.deploy_words(far.agent("one"))
    refused = far.run(words, 2, "unknown")
    fingerprint = subprocess.run(["ssh-keygen", "-lf", str(far.sshd.key)], check=True,
                                 capture_output=True, text=True).stdout.split()[1]
    assert fingerprint in refused.stderr, refused.stderr
    assert not far.place.exists()
    other = new_key(far.folder / "other_host_key").with_suffix(".pub").read_text().split()
    far.known_hosts.write_text(f"[127.0.0.1]:{far.sshd.port} {other[0]} {other[1]}\n")
    far.run(words, 2, "another host key")
    far.known_hosts.write_text("")
    line = re.search(r"type: (echo .*)", refused.stderr)[1]
    subprocess.run(["sh", "-c", line], check=True)
    assert far.known_hosts.read_text() == far.sshd.known()
    assert not far.place.exists()
    print("ok     an unknown and a changed host key are refused, the line it prints is right")


def test_login(far, folder):
    stranger = new_key(folder / "stranger")
    words = far.deploy_words(far.agent("one"), identity=stranger)
    far.run(words, 2, "does not let us in")
    open_key = folder / "open"
    shutil.copy(far.identity, open_key)
    open_key.chmod(0o644)
    far.run(far.deploy_words(far.agent("one"), identity=open_key), 2, "0644")
    far.run(far.deploy_words(far.agent("one"), identity=folder / "none"), 2, "no key file")
    bare = {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}
    far.run(far.deploy_words(far.agent("one"), identity="none"), 2, "--identity", env=bare)
    secret = folder / "secret"
    secret.write_text("not the password\n")
    secret.chmod(0o644)
    password = ["--password-file", str(secret)]
    far.run(far.deploy_words(far.agent("one"), *password, identity="none"), 2, "0644", env=bare)
    secret.chmod(0o600)
    asks = Sshd(folder, "PasswordAuthentication yes")
    with far.known_hosts.open("a") as known:
        known.write(asks.known())
    far.run(far.deploy_words(far.agent("one"), *password, identity="none", sshd=asks), 2,
            "the password did not do", env=bare)
    asks.end()
    assert not far.place.exists()
    print("ok     a strange key, an open key file and a wrong password are refused")


def test_deadline(far):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        far.run([str(far.calx), "device", "deploy", f"127.0.0.1:{silent.getsockname()[1]}",
                 "--binary", str(far.agent("one")), "--connect-time", "1", "--known-hosts",
                 str(far.known_hosts)], 3, "took too long")
    print("ok     a server that says nothing is given up")


def test_good(far):
    far.run(far.deploy_words(far.agent("one")), 0, "deployed")
    far.serves("one")
    assert (far.place / "calx-agent.token").stat().st_mode & 0o777 == 0o600
    assert far.place.stat().st_mode & 0o777 == 0o700
    cmdline = pathlib.Path(f"/proc/{far.pid()}/cmdline").read_bytes()
    assert b"calx-agent.token" in cmdline and TOKEN.encode() not in cmdline
    first = far.pid()
    done = far.run(far.deploy_words(far.agent("two"), "--json"), 0)
    assert json.loads(done.stdout)["end"] == "deployed"
    far.serves("two")
    assert ended(first), "the old agent still runs"
    assert "# one" in (far.place / "calx-agent.old").read_text()
    print("ok     a new agent serves, the old one is kept")


def test_roll_back(far):
    dying = far.agent("dying", "echo the port is on fire >&2", "exit 3")
    far.run(far.deploy_words(dying), 1, "the port is on fire")
    far.serves("two")
    silent = far.agent("silent", "exec sleep 60")
    before = far.pid()
    far.run(far.deploy_words(silent, "--check-time", "2"), 1, "not well")
    far.serves("two")
    assert far.pid() != before
    # Another program on the port is not taken for the new agent.
    time.sleep(3)
    far.run(far.deploy_words(silent, "--check-time", "2", place=far.folder / "second"), 1,
            "another program has the port")
    far.serves("two")
    print("ok     an agent that dies or does not serve gives way to the old one")


def test_interrupted_upload(far):
    before = far.pid()
    big = far.agent("big")
    with big.open("ab") as file:
        for _ in range(128):
            file.write(b"#" * (1 << 20) + b"\n")
    upload = subprocess.Popen(far.deploy_words(big), stderr=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL)
    parts = []
    while not any(part.stat().st_size > 0 for part in parts):
        assert upload.poll() is None, "it ended before it could be killed"
        parts = list(far.place.glob("calx-agent.new.*"))
    upload.kill()
    upload.wait(timeout=30)
    assert far.pid() == before
    far.serves("two")
    assert (far.place / "calx-agent").stat().st_size < 4096
    print("ok     kill -9 during an upload leaves the old agent serving")
    far.run(far.deploy_words(far.agent("three")), 0, "deployed")
    far.serves("three")


def test_ssh_agent(far, folder):
    sock = folder / "agent.sock"
    keys = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    try:
        while not sock.exists():
            time.sleep(0.02)
        env = dict(os.environ, SSH_AUTH_SOCK=str(sock))
        subprocess.run(["ssh-add", "-q", str(far.identity)], check=True, env=env)
        far.run(far.words("--cleanup", "--dry-run", identity="none"), 0, "rmdir", env=env)
        far.run(far.deploy_words(far.agent("four"), identity="none"), 0, "deployed", env=env)
        far.serves("four")
    finally:
        keys.terminate()
        keys.wait(timeout=30)
    print("ok     the keys of an SSH agent let us in")


def test_cleanup(far):
    pid = far.pid()
    far.run(far.words("--cleanup"), 0, "cleaned up")
    assert not far.place.exists(), list(far.place.iterdir())
    assert ended(pid), "the agent still runs"
    far.run(far.words("--cleanup"), 0, "cleaned up")
    far.run(far.words("--cleanup", place=far.folder / "second"), 0, "cleaned up")
    print("ok     cleanup leaves nothing")


def main():
    calx = pathlib.Path(sys.argv[1]).resolve()
    missing = [tool for tool in (SSHD, "ssh-keygen", "ssh-agent", "ssh-add")
               if shutil.which(tool) is None]
    if missing:
        print(f"skipped: no {missing[0]} (openssh-server, openssh-client)")
        sys.exit(77)
    if os.getuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)  # sshd wants it when root starts it
    with tempfile.TemporaryDirectory(prefix=f"calx-deploy-{os.getpid()}-") as name:
        folder = pathlib.Path(name)
        authorized = new_key(folder / "key").with_suffix(".pub").read_text()
        (folder / "authorized_keys").write_text(authorized)
        (folder / "token").write_text(TOKEN + "\n")
        sshd = Sshd(folder, "PasswordAuthentication no")
        far = Far(calx, folder, sshd)
        try:
            test_host_key(far)
            test_login(far, folder)
            test_deadline(far)
            test_good(far)
            test_roll_back(far)
            test_interrupted_upload(far)
            test_ssh_agent(far, folder)
            test_cleanup(far)
        finally:
            for place in (far.place, folder / "second"):
                if (place / "calx-agent.pid").exists():
                    pid = int((place / "calx-agent.pid").read_text().split()[0])
                    if not ended(pid):
                        os.kill(pid, signal.SIGKILL)
            sshd.end()


main()
