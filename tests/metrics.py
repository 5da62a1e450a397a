"""Goal: Prometheus' own reader accepts what calx device bridge and calx device agent serve, the
counters say what happened, and clients that send nonsense or nothing do no harm.

Method: both verbs with --metrics on free loopback ports, an emulated miner that makes shares, and
the parser of python3-prometheus-client.

usage: metrics.py CALX
"""
import http.client
import re
import signal
import socket
import subprocess
import sys
import time

try:
    from prometheus_client.parser import text_string_to_metric_families as parse
except ImportError:
    print("skipped: no python3-prometheus-client")
    sys.exit(77)

WORKER = "rig.one:a-worker-token:emulated"


def start(calx, *words, wanted):
    """The process, and the first group of each pattern as found on its standard error."""
    process = subprocess.Popen([calx, "device", *words], stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, text=True)
    found = {}
    while len(found) < len(wanted):
        line = process.stderr.readline()
        assert line, f"calx device {words[0]} ended with {process.wait()}"
        for name, pattern in wanted.items():
            if match := re.search(pattern, line):
                found[name] = match[1]
    return process, found


def request(address, method, path):
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request(method, path)
    reply = connection.getresponse()
    return reply, reply.read().decode("ascii")


def scrape(address):
    reply, text = request(address, "GET", "/metrics")
    assert reply.status == 200, reply.status
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {}
    series = set()
    for family in parse(text):
        assert family.name not in families, f"{family.name} twice"
        families[family.name] = family
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in series, f"{key} twice"
            series.add(key)
        if family.type == "histogram":
            check_histogram(family)
    return families


def check_histogram(family):
    """Cumulative buckets up to +Inf, which is the count."""
    by_labels = {}
    for sample in family.samples:
        labels = dict(sample.labels)
        bound = labels.pop("le", None)
        at = by_labels.setdefault(tuple(sorted(labels.items())), {"buckets": []})
        if bound is not None:
            at["buckets"].append((float(bound), sample.value))
        else:
            at[sample.name.rsplit("_", 1)[1]] = sample.value
    for at in by_labels.values():
        assert at["buckets"] == sorted(at["buckets"]), "bounds or counts fall"
        counts = [count for _, count in at["buckets"]]
        assert counts == sorted(counts), "not cumulative"
        assert at["buckets"][-1] == (float("inf"), at["count"])
        assert at["sum"] >= 0


def value(families, family, sample=None, **labels):
    return sum(each.value for each in families[family].samples
               if each.name == (sample or family)
               and all(each.labels.get(key) == text for key, text in labels.items()))


def end(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0


def test_bridge(calx):
    bridge, at = start(calx, "bridge", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0",
                       "--metrics", "127.0.0.1:0", "--worker", WORKER, "--difficulty", "1e-9",
                       "--quiet", wanted={"miners": r"stratum\+tcp://(\S+:\d+)",
                                          "metrics": r"http://(\S+:\d+)/metrics"})
    before = scrape(at["metrics"])
    assert value(before, "calx_bridge_miners") == 0
    assert value(before, "calx_build_info") == 1
    stamp = subprocess.run([calx, "device", "emulate", "lv06", "--connect", at["miners"],
                            "--worker", "rig.one", "--token", "a-worker-token", "--speed", "100",
                            "--base-bits", "4", "--faults", "lie=0.3", "--for", "1.5", "--quiet"],
                           stdout=subprocess.DEVNULL, timeout=120)
    assert stamp.returncode == 0, stamp.returncode
    after = scrape(at["metrics"])
    labels = {"worker": "rig.one", "origin": "emulated"}
    shares = "calx_bridge_shares"
    accepted = value(after, shares, shares + "_total", verdict="accepted", **labels)
    false = value(after, shares, shares + "_total", verdict="low_difficulty", **labels)
    judged = value(after, shares, shares + "_total")
    assert judged == value(after, "calx_bridge_verdict_seconds",
                           "calx_bridge_verdict_seconds_count"), "a share without its latency"
    print(f"ok     bridge: {accepted:.0f} shares accepted, {false:.0f} false ones, as counted")
    end(bridge)
    return accepted, false


def test_agent(calx):
    agent, at = start(calx, "agent", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0",
                      wanted={"metrics": r"http://(\S+:\d+)/metrics"})
    families = scrape(at["metrics"])
    assert value(families, "calx_server_info", origin="software") == 1
    assert value(families, "calx_requests", "calx_requests_total") == 0
    assert value(families, "calx_batcher_queued") == 0
    print("ok     agent: its families read")
    for method, path, status in (("POST", "/metrics", 405), ("GET", "/", 404),
                                 ("HEAD", "/metrics", 200)):
        assert request(at["metrics"], method, path)[0].status == status, (method, path)
    host, port = at["metrics"].rsplit(":", 1)
    idle = [socket.create_connection((host, int(port))) for _ in range(8)]
    with socket.create_connection((host, int(port))) as odd:
        odd.sendall(b"\x00\xff nonsense\r\n\r\n")
        assert odd.recv(64).startswith(b"HTTP/1.1 400 ")
    scrape(at["metrics"])
    began = time.monotonic()
    for one in idle:
        one.settimeout(60)
        assert one.recv(1) == b"", "an idle connection got bytes"
    print(f"ok     idle connections are closed ({time.monotonic() - began:.1f} s)")
    end(agent)


def main():
    accepted, false = test_bridge(sys.argv[1])
    assert accepted > 0 and false > 0, "the emulated miner made no shares"
    test_agent(sys.argv[1])


main()
