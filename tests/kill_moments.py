"""Goal: kill -9 of the agent, of the bridge or of an emulated miner, at any moment, loses no
request and stamps none twice, counted by id.

Method: the programs themselves, spoken to over calx.v1 by python3-grpcio. In every life new
requests are asked, those that no answer came for, and one that was answered; the process is killed
at a seeded random moment while it starts or while it answers. At the end a life
without a kill answers all. Each stamp is checked with SHA-256 of hashlib alone, and an id must
never show two.

usage: kill_moments.py CALX SOURCE_DIR AGENT_KILLS BRIDGE_KILLS MINER_KILLS
"""
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

import bridge_api
from bridge_api import WORK_BITS, WORKER, grpc

NEW_EACH_LIFE = 4
LIFE_S = 0.15  # of answering; the start counts extra
TOKEN = WORKER.split(":")[1]


class Served:
    """A process that serves calx.v1, killed so many seconds after its start or its first word."""

    def __init__(self, command, kill_after=None, kill_after_word=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)
        self.timer = threading.Timer(kill_after or 0, self.process.kill)
        if kill_after is not None:
            self.timer.start()
        self.api, self.miners = None, None
        while self.api is None:
            line = self.process.stdout.readline()
            if not line:
                return
            if found := re.search(r"stratum\+tcp://(\S+:\d+)", line):
                self.miners = found[1]
            if found := re.search(r"hasher.v1 at (\S+:\d+)", line):
                self.api = found[1]
        if kill_after_word is not None:
            self.timer = threading.Timer(kill_after_word, self.process.kill)
            self.timer.start()

    def end(self):
        self.timer.join() if self.timer.is_alive() else self.process.terminate()
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        return status


class Books:
    """What was asked and what was heard, by id."""

    def __init__(self, pb, origin):
        self.pb, self.origin, self.asked, self.heard = pb, origin, 0, {}

    def ask(self, api, numbers, patience):
        channel = grpc.insecure_channel(api)
        call = channel.unary_unary(
            "/calx.v1.Calx/Stamp", request_serializer=self.pb.StampRequest.SerializeToString,
            response_deserializer=self.pb.StampReply.FromString)
        calls = [(number, call.future(
            self.pb.StampRequest(id=number.to_bytes(32, "big"), commitment=self.commitment(number)),
            timeout=patience)) for number in numbers]
        for number, future in calls:
            try:
                self.hear(number, future.result())
            except grpc.RpcError as error:
                codes = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED,
                         grpc.StatusCode.CANCELLED)
                assert error.code() in codes, error
        channel.close()

    @staticmethod
    def commitment(number):
        return (number + (1 << 200)).to_bytes(32, "big")

    def hear(self, number, reply):
        bridge_api.check(self.commitment(number), reply, self.pb, self.origin)
        first = self.heard.setdefault(number, reply)
        assert reply == first, f"request {number} has two stamps"

    def next(self, rng):
        fresh = list(range(self.asked, self.asked + NEW_EACH_LIFE))
        self.asked += NEW_EACH_LIFE
        open_ones = [number for number in range(self.asked) if number not in self.heard]
        again = [rng.choice(list(self.heard))] if self.heard else []
        return sorted(set(fresh + open_ones)) + again

    def judge(self, what, kills):
        missing = [number for number in range(self.asked) if number not in self.heard]
        assert self.asked > 0 and not missing, f"{what}: asked {self.asked}, lost {missing}"
        print(f"ok     {what}: {kills} kills, {self.asked} requests, each with one stamp",
              flush=True)


def start_seconds(command):
    began = time.monotonic()
    served = Served(command)
    assert served.api, "no server came up"
    took = time.monotonic() - began
    served.end()
    return took


def kill_server(what, command, books, kills, rng, miner=None):
    start = start_seconds(command)
    for life in range(kills + 1):
        last = life == kills
        if last:
            served = Served(command)
        elif life % 4 == 0:  # while it starts, and reads its journal
            served = Served(command, kill_after=rng.uniform(0, start))
        else:
            served = Served(command, kill_after_word=rng.uniform(0, LIFE_S))
        worker = None
        if served.api:
            if miner:
                worker = subprocess.Popen(miner(served.miners), stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL)
            books.ask(served.api, range(books.asked) if last else books.next(rng), 120)
        status = served.end()
        if worker:
            worker.terminate()
            worker.wait(timeout=60)
        assert status == (0 if last else -9), status
    books.judge(what, kills)


def kill_miner(command, miner, books, kills, rng):
    bridge = Served(command)
    for life in range(kills + 1):
        worker = subprocess.Popen(miner(bridge.miners), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        last = life == kills
        timer = threading.Timer(rng.uniform(0, 2 * LIFE_S), worker.kill)
        if not last:
            timer.start()
        books.ask(bridge.api, range(books.asked) if last else books.next(rng),
                  120 if last else 2 * LIFE_S)
        if not last:
            timer.join()
        else:
            worker.terminate()
        worker.wait(timeout=60)
    assert bridge.end() == 0
    books.judge("miner", kills)


def main():
    calx, source = sys.argv[1], sys.argv[2]
    agent_kills, bridge_kills, miner_kills = (int(word) for word in sys.argv[3:6])
    rng = random.Random(20261121)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pb = bridge_api.messages(source, folder)

        def bridge(journal):
            return [calx, "device", "bridge", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0",
                    "--worker", WORKER, "--work", str(WORK_BITS), "--difficulty", "1e-9",
                    "--quiet", "--journal", str(folder / journal)]

        def miner(address):
            return [calx, "device", "emulate", "lv06", "--connect", address, "--worker", "m",
                    "--token", TOKEN, "--speed", "100", "--base-bits", "4", "--quiet"]

        agent = [calx, "device", "agent", "--listen", "127.0.0.1:0", "--work", str(WORK_BITS),
                 "--journal", str(folder / "agent")]
        kill_server("agent", agent, Books(pb, pb.ORIGIN_SOFTWARE), agent_kills, rng)
        kill_server("bridge", bridge("bridge"), Books(pb, pb.ORIGIN_EMULATED), bridge_kills, rng,
                    miner)
        kill_miner(bridge("miner"), miner, Books(pb, pb.ORIGIN_EMULATED), miner_kills, rng)


if __name__ == "__main__":
    main()
