"""Goal: a stamp that one process kept serves the very same request of another, as the policy says,
and an answer from the cache survives the cache.

Method: calx device agent and calx imagine with --cache, one after the other; python3-grpcio; the
stamps checked with SHA-256 of hashlib.

usage: kept_stamps.py CALX SOURCE_DIR HAS_IMAGINE
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import bridge_api
from bridge_api import WORK_BITS, grpc


class Agent:
    def __init__(self, calx, *options):
        self.process = subprocess.Popen(
            [calx, "device", "agent", "--listen", "127.0.0.1:0", "--work", str(WORK_BITS),
             *options], stdout=subprocess.PIPE, text=True)
        self.api = None
        while self.api is None:
            line = self.process.stdout.readline()
            assert line, "the agent ended"
            if found := re.search(r"hasher.v1 at (\S+:\d+)", line):
                self.api = found[1]

    def ask(self, pb, number, commitment):
        with grpc.insecure_channel(self.api) as channel:
            call = channel.unary_unary(
                "/calx.v1.Calx/Stamp", request_serializer=pb.StampRequest.SerializeToString,
                response_deserializer=pb.StampReply.FromString)
            reply = call(pb.StampRequest(id=bytes([number]) * 32, commitment=commitment),
                         timeout=60)
        bridge_api.check(commitment, reply, pb, pb.ORIGIN_SOFTWARE)
        return reply

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0
        self.process.stdout.close()


def ask_agents(calx, pb, folder):
    cache, journal = str(folder / "cache"), str(folder / "journal")
    commitment, other = bytes([1]) * 32, bytes([2]) * 32
    with Agent(calx, "--cache", cache) as agent:
        first = agent.ask(pb, 1, commitment)
    with Agent(calx, "--cache", cache, "--journal", journal, "--policy", "cached") as agent:
        assert agent.ask(pb, 2, commitment) == first, "another stamp for the same request"
        try:
            agent.ask(pb, 3, other)
            raise AssertionError("a stamp out of nothing")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.NOT_FOUND, error
    counts = json.loads(subprocess.run([calx, "device", "cache", cache, "--prune", "0", "--json"],
                                       check=True, capture_output=True).stdout)
    assert (counts["entries"], counts["pruned"], counts["hits"]) == (0, 1, 1), counts
    with Agent(calx, "--journal", journal) as agent:
        assert agent.ask(pb, 2, commitment) == first, "the journal forgot the cache's answer"
    print("ok     agents share a cache, and the journal outlives it")


def refuse(calx, folder):
    cache = str(folder / "cache")
    for policy, options in (("validation", ["--cache", cache]), ("cached", [])):
        done = subprocess.run([calx, "device", "agent", "--listen", "127.0.0.1:0", "--policy",
                               policy, *options], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and "--cache" in done.stderr, done
    print("ok     policies that have no use for --cache, or for anything else, say so")


def imagine(calx, folder):
    def run(name, *options):
        return subprocess.run([calx, "imagine", "--seed", "kept", "--count", "1", "--steps", "2",
                               "--key", str(folder / "key"), "--out", str(folder / name), "--cache",
                               str(folder / "images"), *options], capture_output=True, text=True,
                              timeout=300)

    def stamp(name):
        return json.loads((folder / name / "receipt.json").read_text())["stamp"]

    assert run("one").returncode == 0
    assert run("two", "--policy", "cached").returncode == 0
    assert stamp("one") == stamp("two")
    missed = run("three", "--policy", "cached", "--work", "9")
    assert missed.returncode == 3 and "holds no stamp" in missed.stderr, missed
    print("ok     imagine finds the stamp of the same request, and misses another's")


def main():
    calx, source, has_imagine = sys.argv[1], sys.argv[2], sys.argv[3] == "1"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ask_agents(calx, bridge_api.messages(source, folder), folder)
        refuse(calx, folder)
        if has_imagine:
            imagine(calx, folder)


main()
