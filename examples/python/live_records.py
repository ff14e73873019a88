"""Prints the live records of a running benchmark and counts what it missed.

    pip install pyzmq msgpack
    python live_records.py ARTIFACT_DIR
"""
import json, os, sys, msgpack, zmq

mesh = json.load(open(sys.argv[1] + "/.aiperf_mesh.json"))
sub = zmq.Context().socket(zmq.SUB)
if mesh.get("public_key"):
    sub.curve_serverkey = sub.curve_publickey = mesh["public_key"].encode()
    sub.curve_secretkey = mesh["secret_key"].encode()
sub.connect(mesh["event_bus_backend"])
sub.subscribe("metric_records$")
sub.subscribe("benchmark_complete$")
expected, missed, m = None, 0, {}
while m.get("message_type") != "benchmark_complete":
    if not sub.poll(1000):
        os.kill(mesh["pid"], 0)  # signal 0 does nothing, but raises when the run is gone
        continue
    _topic, frame = sub.recv_multipart()
    m = msgpack.unpackb(frame)
    for r in m.get("records", []):
        latency_ms = r["metrics"].get("request_latency", 0) / 1e6
        print(r["metadata"]["session_num"], f"{latency_ms:.1f} ms", r.get("error", {}).get("type", "ok"), flush=True)
    if "records" in m:
        missed += max(0, m["seq"] - expected) if expected is not None else 0
        expected = m["seq"] + 1
print(f"missed {missed} messages", file=sys.stderr)
