"""Goal: calx-agent in one static file, for this machine or another, serves what `calx device agent`
serves: digests and stamps to foreign clients, refusals to the wrong ones, and a graceful end.

Method: the foreign clients of hasher.v1 and calx.v1 (python3-grpcio, classes that protoc makes,
hashlib) against the program, in qemu-user where it is of another machine; the ELF header for
"static". SIGTERM while a call waits: the call ends within the grace, the program with status 0.

usage: static_agent.py AGENT SOURCE_DIR [EMULATOR]
"""
import pathlib
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests" / "hasher_v1"))
sys.path.insert(0, str(SOURCE / "tests"))

import bridge_api  # noqa: E402
import client as hasher  # noqa: E402
import grpc  # noqa: E402

WORK_BITS = 10


def is_static(program):
    text = subprocess.run(["readelf", "-l", "-d", program], check=True, capture_output=True,
                          text=True).stdout
    hasher.expect("INTERP" in text or "(NEEDED)" in text, False, "no loader and no libraries")


def unary(channel, name, request, reply, timeout):
    return channel.unary_unary("/calx.v1.Calx/" + name,
                               request_serializer=type(request).SerializeToString,
                               response_deserializer=reply.FromString)(request, timeout=timeout)


def stamping(channel, pb):
    commitment = bytes(range(32))
    reply = unary(channel, "Stamp", pb.StampRequest(id=bytes([7]) * 32, commitment=commitment),
                  pb.StampReply, 60)
    bridge_api.check(commitment, reply, pb, pb.ORIGIN_SOFTWARE)
    print("ok     a stamp, its path and its work")
    info = unary(channel, "GetDeviceInfo", pb.GetDeviceInfoRequest(), pb.GetDeviceInfoReply, 20)
    hasher.expect((info.name, info.digest, info.stamp), ("software", True, True), "GetDeviceInfo")


def stopping(command, pb):
    """A search that never ends is cancelled, and the program ends by itself."""
    with hasher.Agent(command, "--work", str(WORK_BITS)) as agent:
        channel = grpc.insecure_channel(agent.address)
        request = pb.ScanRequest(header=bytes(80), target=bytes(32), nonce_last=0xFFFFFFFF)
        call = channel.unary_unary(
            "/calx.v1.Calx/Scan", request_serializer=pb.ScanRequest.SerializeToString,
            response_deserializer=pb.ScanReply.FromString).future(request, timeout=600)
        time.sleep(1)
        hasher.expect(call.done(), False, "a search is on its way")
        began = time.monotonic()
    hasher.expect(time.monotonic() - began < 60, True, "SIGTERM ends the program with status 0")
    hasher.expect(call.exception() is not None, True, "and the search")


def main():
    program, emulator = sys.argv[1], sys.argv[3:]
    is_static(program)
    command = [*emulator, program]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        peers = hasher.messages(folder)
        pb = bridge_api.messages(SOURCE, folder)
        with hasher.Agent(command, "--work", str(WORK_BITS)) as agent:
            channel = grpc.insecure_channel(agent.address)
            hasher.hashing(channel, peers)
            hasher.mining(channel, peers)
            hasher.telling(channel, peers)
            stamping(channel, pb)
        hasher.refusals(command, peers, folder)
        stopping(command, pb)


if __name__ == "__main__":
    main()
