"""Goal: a stamp of emulated miners behind a bridge reaches a foreign client of calx.v1, holds, and
says "emulated"; killing the bridge is an error at once, and the same request after a restart over
the same journal has a stamp again: the same one, if it had one.

Method: calx device bridge --api, calx device emulate, python3-grpcio with classes that protoc makes
of proto/calx/v1/calx.proto, and SHA-256 of hashlib for the stamp. kill -9 for the bridge.

usage: bridge_api.py CALX SOURCE_DIR
"""
import hashlib
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

try:
    import grpc
except ImportError:
    print("skipped: no python3-grpcio")
    sys.exit(77)

WORK_BITS = 10
WORKER = "m:a-worker-token:emulated"


def messages(source, folder):
    subprocess.run(["protoc", f"--proto_path={source}/proto/calx/v1", f"--python_out={folder}",
                    "calx.proto"], check=True)
    sys.path.insert(0, str(folder))
    import calx_pb2
    return calx_pb2


def sha256d(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def root_of(commitment, reply):
    node = hashlib.sha256(b"\0" + commitment + reply.salt).digest()
    siblings, place, width = list(reply.siblings), reply.index, reply.leaves
    while width > 1:
        if not (place == width - 1 and width % 2 == 1):
            other = siblings.pop(0)
            pair = node + other if place % 2 == 0 else other + node
            node = hashlib.sha256(b"\1" + pair).digest()
        place, width = place // 2, (width + 1) // 2
    assert not siblings
    return node


def check(commitment, reply, pb, origin):
    assert root_of(commitment, reply) == reply.root, "the path does not lead to the root"
    payload = hashlib.sha256(b"calx-stamp-1" + reply.target + reply.leaves.to_bytes(4, "big")
                             + reply.root).digest()
    part_2 = bytes.fromhex("ffffffff02000000000000000001510000000000000000226a20") + payload
    coinbase = reply.coinbase_part_1 + reply.extranonce_1 + reply.extranonce_2 + part_2 + bytes(4)
    assert not reply.branches
    header = (reply.version.to_bytes(4, "little") + reply.previous_hash + sha256d(coinbase)
              + reply.ntime.to_bytes(4, "little") + reply.nbits.to_bytes(4, "little")
              + reply.nonce.to_bytes(4, "little"))
    assert sha256d(header) == reply.hash, "the hash is another"
    assert int.from_bytes(reply.hash, "little") < 2 ** (256 - WORK_BITS), "above the target"
    assert int.from_bytes(reply.target, "big") == 2 ** (256 - WORK_BITS) - 1
    assert reply.origin == origin, reply.origin


class Bridge:
    """A bridge with its API and one emulated miner."""

    def __init__(self, calx, journal):
        self.bridge = subprocess.Popen(
            [calx, "device", "bridge", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0",
             "--worker", WORKER, "--work", str(WORK_BITS), "--difficulty", "1e-9", "--quiet",
             "--journal", str(journal)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
            text=True)
        miners, self.api = None, None
        while self.api is None:
            line = self.bridge.stderr.readline()
            assert line, "the bridge ended"
            if found := re.search(r"stratum\+tcp://(\S+:\d+)", line):
                miners = found[1]
            if found := re.search(r"hasher.v1 at (\S+:\d+)", line):
                self.api = found[1]
        self.miner = subprocess.Popen(
            [calx, "device", "emulate", "lv06", "--connect", miners, "--worker", "m", "--token",
             "a-worker-token", "--speed", "100", "--base-bits", "4", "--quiet"],
            stdout=subprocess.DEVNULL)
        self.channel = grpc.insecure_channel(self.api)

    def stamp(self, pb, number, timeout=60):
        call = self.channel.unary_unary(
            "/calx.v1.Calx/Stamp", request_serializer=pb.StampRequest.SerializeToString,
            response_deserializer=pb.StampReply.FromString)
        identity, commitment = bytes([number]) * 32, bytes([number + 100]) * 32
        return commitment, call.future(pb.StampRequest(id=identity, commitment=commitment),
                                       timeout=timeout)

    def end(self, how):
        self.bridge.send_signal(how)
        status = self.bridge.wait(timeout=30)
        self.miner.terminate()
        self.miner.wait(timeout=30)
        return status


def main():
    calx, source = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pb = messages(source, folder)
        first = Bridge(calx, folder / "journal")
        commitment, call = first.stamp(pb, 1)
        stamped = call.result()
        check(commitment, stamped, pb, pb.ORIGIN_EMULATED)
        print("ok     a stamp of an emulated miner holds")
        calls = [first.stamp(pb, number)[1] for number in range(2, 8)]
        time.sleep(0.05)
        first.end(signal.SIGKILL)
        for call in calls:
            try:
                call.result()
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE, error.code()
        print("ok     kill -9 of the bridge is an error at once")
        second = Bridge(calx, folder / "journal")
        again = second.stamp(pb, 1)[1].result()
        assert again == stamped, "the first request has another stamp"
        for number in range(2, 8):
            commitment, call = second.stamp(pb, number)
            check(commitment, call.result(), pb, pb.ORIGIN_EMULATED)
        print("ok     after a restart every request has its stamp, the first one the same")
        assert second.end(signal.SIGTERM) == 0


if __name__ == "__main__":
    main()
