"""Goal: the host's gRPC server fronts a miner behind the agent of its controller: a foreign client
of calx.v1 gets a stamp that holds and says `emulated`.

Method: calx device emulate s3-device, the C agent that has it open, calx device agent with
--engine bitmain=tcp:, and python3-grpcio; SIGTERM for all three.

usage: front.py CALX ASIC_AGENT SOURCE_DIR [EMULATOR WORDS...]
"""
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[3])
sys.path.insert(0, str(SOURCE / "tests"))

import bridge_api  # noqa: E402
import grpc  # noqa: E402

BASE_BITS = 8


PROCESSES = []


def started(command, pattern):
    """What the first line of its output that fits has in its first group."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    PROCESSES.append(process)
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found[1]
    sys.exit(f"FAILED {command} said nothing of {pattern}")


def stop_all():
    while PROCESSES:
        process = PROCESSES.pop()
        process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=30)
        if status not in (0, 130):
            sys.exit(f"FAILED {process.args} ended with {status}")


def main():
    calx, program, emulator = sys.argv[1], sys.argv[2], sys.argv[4:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pb = bridge_api.messages(SOURCE, folder)
        token = folder / "token"
        token.write_text("a token of enough letters\n")
        path = started([calx, "device", "emulate", "s3-device", "--base-bits", str(BASE_BITS),
                        "--for", "120"], r"(/dev/pts/\d+)")
        port = started([*emulator, program, "--device", path, "--listen", "127.0.0.1:0",
                        "--token-file", str(token)], r"listening on port (\d+)")
        engine = f"bitmain=tcp:127.0.0.1:{port},token-file={token},base-bits={BASE_BITS}"
        line = started(
            [calx, "device", "agent", "--listen", "127.0.0.1:0", "--json", "--engine", engine,
             "--work", str(bridge_api.WORK_BITS)], r"(\{.*listening.*\})")
        channel = grpc.insecure_channel(json.loads(line)["listening"])
        call = channel.unary_unary(
            "/calx.v1.Calx/Stamp", request_serializer=pb.StampRequest.SerializeToString,
            response_deserializer=pb.StampReply.FromString)
        for number in range(1, 4):
            commitment = bytes([number]) * 32
            reply = call(pb.StampRequest(id=bytes([number + 100]) * 32, commitment=commitment),
                         timeout=60)
            bridge_api.check(commitment, reply, pb, pb.ORIGIN_EMULATED)
        print("ok     three stamps through both agents hold")
        stop_all()
        print("ok     all three end when told")


try:
    main()
finally:
    for left in PROCESSES:
        left.kill()
