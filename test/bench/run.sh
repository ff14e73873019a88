#!/usr/bin/env bash
# Figures of the whole program, against its own embedded server on this machine:
# start-up, memory of the process tree, requests and events per second.
set -euo pipefail
bin=${BIN:-bin/aiperf}
work=$(mktemp -d)
trap 'kill $server 2>/dev/null || true; rm -rf "$work"' EXIT
server=

ms() { # wall time of a command in milliseconds, the median of five
  for _ in 1 2 3 4 5; do
    local t0 t1
    t0=$(date +%s%N); "$@" >/dev/null 2>&1; t1=$(date +%s%N)
    echo $(((t1 - t0) / 1000000))
  done | sort -n | sed -n 3p
}

json() { python3 -c "import json,sys; d=json.load(open('$work/$1/profile_export_aiperf.json')); print($2)"; }

port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
"$bin" mock-server --port "$port" --fast >/dev/null 2>&1 &
server=$!
until curl -sf "http://127.0.0.1:$port/health" >/dev/null; do :; done
profile() { # name, flags
  local name=$1; shift
  "$bin" profile --model mock --tokenizer builtin --url "http://127.0.0.1:$port" --endpoint-type chat --ui none --artifact-dir "$work/$name" "$@" >"$work/$name.out" 2>&1 || { cat "$work/$name.out"; exit 1; }
}

echo "machine: $(nproc) cores, $(uname -sr)"
echo "--help: $(ms "$bin" --help) ms"
echo "one request, whole run: $(ms "$bin" profile --model mock --tokenizer builtin --url "http://127.0.0.1:$port" --endpoint-type chat --streaming --request-count 1 --concurrency 1 --isl 32 --osl 8 --ui none --artifact-dir "$work/one") ms"

# The memory of the whole tree, sampled while a longer run goes on.
"$bin" profile --model mock --tokenizer builtin --url "http://127.0.0.1:$port" --endpoint-type chat --streaming --concurrency 32 --benchmark-duration 6 --isl 32 --osl 16 --ui none --artifact-dir "$work/tree" >"$work/tree.out" 2>&1 &
run=$!
peak=0
while kill -0 $run 2>/dev/null; do
  total=0
  for pid in $run $(pgrep -P $run || true); do
    rss=$(awk '/^Pss:/ {s += $2} END {print s + 0}' "/proc/$pid/smaps_rollup" 2>/dev/null || echo 0)
    total=$((total + rss))
  done
  [ "$total" -gt "$peak" ] && peak=$total
  sleep 0.2
done
wait $run
echo "process tree, 32 streams: peak $((peak / 1024)) MiB (proportional), $(json tree 'round(d["request_throughput"]["avg"])') requests/s"

profile plain --concurrency 64 --benchmark-duration 5 --isl 32 --osl 1
echo "closed loop, 64 connections, no streaming: $(json plain 'round(d["request_throughput"]["avg"])') requests/s"
profile streams --streaming --concurrency 64 --benchmark-duration 5 --isl 32 --osl 64
echo "closed loop, 64 streams of 64 tokens: $(json streams 'round(d["output_token_throughput"]["avg"])') events/s"
profile rate --streaming --request-rate 500 --arrival-pattern poisson --benchmark-duration 5 --isl 32 --osl 16
echo "open loop, 500 requests/s asked: $(json rate 'round(d["measurement_quality"]["delivered_rps"],1)') delivered, send delay p99 $(json rate 'round(d["measurement_quality"]["send_delay_ms"]["p99"],2)') ms, verdict $(json rate 'd["measurement_quality"]["verdict"]')"
