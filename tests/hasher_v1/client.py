"""Goal: a foreign client of hasher.v1 gets what it knows; and a wrong token, no token or plaintext
towards TLS get nothing.

Method: python3-grpcio with message classes that protoc makes of hasher.proto beside this file and
calls by their wire paths; hashlib for the digests and the genesis block for the search.

usage: client.py CALX
"""
import hashlib
import json
import pathlib
import signal
import subprocess
import sys
import tempfile

try:
    import grpc
except ImportError:
    print("skipped: no python3-grpcio")
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent
SERVICE = "/hasher.v1.hasherService/"
GENESIS = bytes.fromhex(
    "01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
    "29ab5f49ffff001d1dac2b7c")
NONCE = 2083236893


def messages(folder):
    subprocess.run(["protoc", f"--proto_path={HERE}", f"--python_out={folder}", "hasher.proto"],
                   check=True)
    sys.path.insert(0, str(folder))
    import hasher_pb2
    return hasher_pb2


class Agent:
    def __init__(self, command, *options):
        self.process = subprocess.Popen(
            [*command, "--listen", "127.0.0.1:0", "--json", *options],
            stdout=subprocess.PIPE, text=True)
        self.address = json.loads(self.process.stdout.readline())["listening"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        assert status == 0, f"the agent ended with {status}"


def unary(channel, pb, name, request, metadata=None):
    call = channel.unary_unary(
        SERVICE + name, request_serializer=type(request).SerializeToString,
        response_deserializer=getattr(pb, name + "Response").FromString)
    return call.with_call(request, metadata=metadata, timeout=20)


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def expect(seen, wanted, what):
    if seen != wanted:
        print(f"FAILED {what}: {seen}, wanted {wanted}")
        sys.exit(1)
    print(f"ok     {what}")


def hashing(channel, pb):
    reply, call = unary(channel, pb, "ComputeHash", pb.ComputeHashRequest(data=b"abc"))
    expect(reply.hash, hashlib.sha256(b"abc").digest(), "ComputeHash of abc")
    expect(dict(call.initial_metadata()).get("calx-origin"), "software", "its origin")
    expect(code_of(lambda: unary(channel, pb, "ComputeHash", pb.ComputeHashRequest())),
           grpc.StatusCode.INVALID_ARGUMENT, "ComputeHash of nothing")
    items = [bytes([i]) * (i + 1) for i in range(256)]
    reply, _ = unary(channel, pb, "ComputeBatch", pb.ComputeBatchRequest(data=items))
    expect(list(reply.hashes), [hashlib.sha256(i).digest() for i in items], "ComputeBatch of 256")
    expect(reply.processed_count, 256, "its count")
    for request in (pb.ComputeBatchRequest(), pb.ComputeBatchRequest(data=items + [b"x"]),
                    pb.ComputeBatchRequest(data=items[:3], max_batch_size=2)):
        expect(code_of(lambda: unary(channel, pb, "ComputeBatch", request)),
               grpc.StatusCode.INVALID_ARGUMENT, f"ComputeBatch of {len(request.data)}")
    stream = channel.stream_stream(
        SERVICE + "StreamCompute", request_serializer=pb.StreamComputeRequest.SerializeToString,
        response_deserializer=pb.StreamComputeResponse.FromString)
    requests = [pb.StreamComputeRequest(data=b"" if i == 1 else bytes([i]), request_id=i)
                for i in range(4)]
    expect([(r.request_id, r.hash) for r in stream(iter(requests), timeout=20)],
           [(i, hashlib.sha256(bytes([i])).digest()) for i in (0, 2, 3)], "StreamCompute")


def mining(channel, pb):
    def mine(header, first, last):
        return unary(channel, pb, "MineWork",
                     pb.MineWorkRequest(header=header, nonce_start=first, nonce_end=last))

    expect(mine(GENESIS, NONCE - 500, NONCE + 500)[0].nonce, NONCE, "MineWork on the genesis block")
    expect(code_of(lambda: mine(GENESIS, NONCE + 1, NONCE + 500)), grpc.StatusCode.NOT_FOUND,
           "MineWork without a nonce")
    expect(code_of(lambda: mine(GENESIS[1:], 0, 1)), grpc.StatusCode.INVALID_ARGUMENT,
           "MineWork on 79 bytes")


def telling(channel, pb):
    info, _ = unary(channel, pb, "GetDeviceInfo", pb.GetDeviceInfoRequest())
    expect((info.device_path, info.is_operational), ("software", True), "GetDeviceInfo")
    metrics, _ = unary(channel, pb, "GetMetrics", pb.GetMetricsRequest())
    expect(sorted(metrics.device_stats), ["total_bytes", "total_requests"], "GetMetrics keys")
    expect(metrics.total_errors > 0 and metrics.cache_hits == 0, True, "GetMetrics counters")


def refusals(command, pb, folder):
    token, key, certificate = folder / "token", folder / "key.pem", folder / "cert.pem"
    token.write_text("a token of enough letters\n")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, stderr=subprocess.DEVNULL)
    with Agent(command, "--token-file", str(token), "--tls-cert", str(certificate), "--tls-key",
               str(key)) as agent:
        secure = grpc.secure_channel(
            agent.address, grpc.ssl_channel_credentials(certificate.read_bytes()))
        plain = grpc.insecure_channel(agent.address)
        request = pb.ComputeHashRequest(data=b"abc")

        def call(channel, given):
            metadata = [("authorization", given)] if given else None
            return code_of(lambda: unary(channel, pb, "ComputeHash", request, metadata))

        good = "Bearer a token of enough letters"
        expect(call(secure, good), grpc.StatusCode.OK, "TLS and token")
        for given in (None, "Bearer another token", good[7:], good + "x"):
            expect(call(secure, given), grpc.StatusCode.UNAUTHENTICATED, f"token {given}")
        expect(call(plain, good), grpc.StatusCode.UNAVAILABLE, "plaintext towards TLS")


def main():
    command = [sys.argv[1], "device", "agent"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pb = messages(folder)
        with Agent(command) as agent:
            channel = grpc.insecure_channel(agent.address)
            hashing(channel, pb)
            mining(channel, pb)
            telling(channel, pb)
        refusals(command, pb, folder)


if __name__ == "__main__":
    main()
