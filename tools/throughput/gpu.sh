#!/usr/bin/env bash
# What a GPU does, in at most twelve minutes: trains and acts with the large presets, saves and resumes, runs `quick` from
# end to end.
#
#   tools/throughput/gpu.sh runs/gpu
#   DEVICE=cpu LARGE=quick SMALL=smoke ROWS=64 QUICK=smoke tools/throughput/gpu.sh runs/trial    # what it does, on a CPU
#
# It wants `make setup TORCH=cuda`. The folder gets a file per part; a part that fails or takes too long leaves its own log
# and stops no other.
set -uo pipefail
cd "$(dirname "$0")/../.."

OUT=${1:?give a folder, as in: tools/throughput/gpu.sh runs/gpu}
DEVICE=${DEVICE:-cuda} LARGE=${LARGE:-paper} SMALL=${SMALL:-small} QUICK=${QUICK:-quick} ROWS=${ROWS:-1024}
PYTHON=${PYTHON:-.venv/bin/python}
mkdir -p "$OUT"
failed=0

# part NAME SECONDS COMMAND...: runs a command, whose output and log are kept.
part() {
    local name=$1 limit=$2 began=$SECONDS
    shift 2
    if timeout --signal=TERM --kill-after=20 "$limit" "$@" >"$OUT/$name.txt" 2>"$OUT/$name.log"; then
        echo "$name: $((SECONDS - began)) s" | tee -a "$OUT/parts.txt"
    else
        echo "$name: failed with $? after $((SECONDS - began)) s, see $OUT/$name.log" | tee -a "$OUT/parts.txt"
        failed=1
    fi
}

# stopped NAME SECONDS COMMAND...: ends a command by SIGTERM, which saves its training.
stopped() {
    local name=$1 limit=$2
    shift 2
    timeout --signal=TERM "$limit" "$@" >"$OUT/$name.txt" 2>"$OUT/$name.log"
    echo "$name: ended with $? (124: stopped, as it should be)" | tee -a "$OUT/parts.txt"
}

part throughput-small 90 "$PYTHON" -m baselines.throughput "$SMALL" --rows "$ROWS" --json --device "$DEVICE"
part throughput-large 120 "$PYTHON" -m baselines.throughput "$LARGE" --rows "$ROWS" --json --device "$DEVICE"
part environment 60 "$PYTHON" -m jumppad_env.bench --threads 1 2 4 8 16 --seconds 5 --json
part pipeline 330 "$PYTHON" -m baselines.pipeline "$QUICK" --out "$OUT/$QUICK" --device "$DEVICE"
base=("$PYTHON" -m baselines.pretrain --demonstrations "$OUT/$QUICK/demonstrations" --out "$OUT/resumed"
    --device "$DEVICE" --config.optimizer.updates 3000)
[ "$QUICK" = smoke ] && base+=(--config.network.image-size 32 32)
stopped train 25 "${base[@]}"
part train-resumed 90 "${base[@]}"
exit "$failed"
