#!/usr/bin/env bash
# What only a machine with an NVIDIA GPU can tell: whether the CUDA code is right, how fast it is, and what the
# reports' networks do on it. Parts run one after the other in the order given; one that fails stops no other.
#
#   benchmarks/gpu.sh [PART...]        by default: versions tests speed reproduce pooling
#
#   versions   of Python, PyTorch, CUDA, the driver and the GPU
#   tests      of the torch engine, those that need a GPU among them
#   layers     where a cohort's step spends its time, and other ways to compute it
#   trial      of speed, some seconds
#   speed      of B4-max: cohorts of 1, 8 and 16 against plain PyTorch
#   reproduce  the 2018 report for an epoch, 3 seeds
#   pooling    the study for 100 epochs, with as many seeds as the time allows
#   report     the 2017 report whole, 3 seeds, on the processors, beside the parts that follow
#   wait       for it, as long as there is time
#
# The real characters are the IDX files in the folder $ASSAY_EMNIST47; without it the last three are left out.
# $OUT (default ./gpu-results) gets the logs and, packed, the results folders, which `assay` goes on with where
# they are unpacked, in the folder above one that is named as here: the data is idx:$(basename $ASSAY_EMNIST47).
# $LIMIT are the seconds for everything (default 480), $WORK is where training writes (default $OUT/work),
# $PYTHON the interpreter (default python3).

set -u
here=$(cd "$(dirname "$0")/.." && pwd)
OUT=${OUT:-gpu-results} LIMIT=${LIMIT:-480} PYTHON=${PYTHON:-python3}
mkdir -p "$OUT" && OUT=$(cd "$OUT" && pwd)
WORK=${WORK:-$OUT/work}
mkdir -p "$WORK/logs" && WORK=$(cd "$WORK" && pwd)
export PYTHONPATH="$here/src${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1 COLUMNS=160
PACKING=15     # seconds kept for it
statuses=()
background=()

if [ -n "${ASSAY_EMNIST47:-}" ]; then
    real=$(cd "$ASSAY_EMNIST47" && pwd) && data=idx:$(basename "$real")
    [ -e "$WORK/$(basename "$real")" ] || ln -s "$real" "$WORK/$(basename "$real")"
fi

left() { echo $((LIMIT - SECONDS - PACKING)); }

# part NAME SECONDS COMMAND...: run it in $WORK for at most so long, and note how it ended.
part() {
    local name=$1 most=$2 begin=$SECONDS status
    shift 2
    [ "$most" -lt "$(left)" ] || most=$(left)
    if [ "$most" -lt 5 ]; then
        statuses+=("$name|-|no time left")
        return
    fi
    echo "=== $name (at most $most s)"
    (cd "$WORK" && exec timeout --kill-after=5 "$most" "$@") 2>&1 | tee "$WORK/logs/$name.log"
    status=${PIPESTATUS[0]}
    statuses+=("$name|$status|$((SECONDS - begin)) s")
}

# aside NAME ARGUMENTS...: run assay with them beside everything else, without the GPU.
aside() {
    local name=$1
    shift
    (cd "$WORK" && CUDA_VISIBLE_DEVICES='' exec nice -n 19 timeout --kill-after=5 "$(left)" \
        "$PYTHON" -m assay "$@" >"$WORK/logs/$name.log" 2>&1) &
    background+=($!)
}

needs_data() { [ -n "${data:-}" ] || { statuses+=("$1|-|needs ASSAY_EMNIST47"); return 1; }; }

# The studies of one line share runs, which are then trained once.
start_report() {
    local share=$((($(nproc) - 1) / 5)) one=(reproduce 2017 --seeds 3 --data "$data" --out reproduce-2017)
    [ "$share" -ge 1 ] || share=1
    aside report-1 "${one[@]}" --workers "$share" --only dense-depth --only learning-rate
    aside report-2 "${one[@]}" --workers $((share + share / 2)) --only l2 --only dropout
    aside report-3 "${one[@]}" --workers "$share" --only optimizers --only batch-norm --only dense-or-cnn
    aside report-4 "${one[@]}" --workers "$share" --only cnn-depth --only cnn-batch-norm
}

# The processors are the speed's alone: half of what it compares waits for Python.
background_may() {
    local job
    for job in "${background[@]}"; do
        kill -"$1" -- -"$job" 2>/dev/null
    done
}

stop_background() {
    local job
    for job in "${background[@]}"; do
        kill "$job" 2>/dev/null
        wait "$job" 2>/dev/null
        statuses+=("report-$((++number))|$?|in the background")
    done
}

# pack NAME MEGABYTES: into parts of 15 MB; without the weights of finished runs where there would be more.
pack() {
    [ -d "$WORK/$1" ] || return
    tar -C "$WORK" --exclude='*.tmp' -czf "$WORK/$1.tar.gz" "$1"
    if [ "$(stat -c %s "$WORK/$1.tar.gz")" -gt $(($2 * 1000000)) ]; then
        (cd "$WORK" && find "$1" -type f ! -name '*.tmp' \( ! -name '*.safetensors' -o -name '*.part.safetensors' \) -print0 |
            tar --null -T - -czf "$1.tar.gz")
    fi
    split -b 15000000 -d -a 1 "$WORK/$1.tar.gz" "$OUT/$1.tar.gz."
}

versions() {
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
    nproc
    uname -r
    "$PYTHON" - <<'PYTHON'
import platform, importlib.metadata as m
import torch
print("python", platform.python_version())
for name in ("torch", "numpy", "scipy", "numba", "pydantic", "typer", "rich", "pytest", "hypothesis", "assay"):
    try:
        print(name, m.version(name))
    except m.PackageNotFoundError:
        print(name, "has no metadata")
print("CUDA", torch.version.cuda, "cuDNN", torch.backends.cudnn.version(), torch.cuda.is_available())
PYTHON
}
export -f versions
export PYTHON

tests=(test_torch_cuda.py test_torch_graphs.py test_torch_engine.py test_torch_ways.py test_triton_pooling.py
    test_winograd_tiles.py test_triton_winograd.py test_torch_precision.py test_choice.py test_speed.py)
parts=("$@")
[ $# -gt 0 ] || parts=(versions tests speed reproduce pooling)
for name in "${parts[@]}"; do
    case $name in
    versions) part versions 60 bash -c versions ;;
    tests) part tests 120 "$PYTHON" -m pytest -q -W default -p no:cacheprovider --rootdir "$here" -c "$here/pyproject.toml" \
        -n 4 --maxfail 25 --durations 8 "${tests[@]/#/$here/tests/engines/}" ;;
    layers) part layers 60 "$PYTHON" "$here/benchmarks/gpu_layers.py" ;;
    trial) part trial 45 "$PYTHON" "$here/benchmarks/gpu_speed.py" --rounds 3 --images 4000 \
        --json "$WORK/logs/trial.json" ;;
    speed)
        background_may STOP
        part speed 120 "$PYTHON" "$here/benchmarks/gpu_speed.py" --rounds 9 --json "$WORK/logs/speed.json"
        background_may CONT
        ;;
    reproduce) needs_data reproduce && part reproduce 180 "$PYTHON" -m assay reproduce 2018 --seeds 3 --epochs 1 \
        --engine torch -s training.dtype=bfloat16 --data "$data" --out reproduce-2018 ;;
    pooling) needs_data pooling && part pooling "$(left)" "$PYTHON" "$here/benchmarks/gpu_pooling.py" \
        --data "$data" --seconds "$(($(left) - 5))" --out pooling -- -s training.dtype=bfloat16 ;;
    report) needs_data report && start_report ;;
    wait) wait "${background[@]}" ;;
    *) statuses+=("$name|2|no such part") ;;
    esac
done

number=0
stop_background
pack pooling 15
pack reproduce-2018 15
pack reproduce-2017 44
printf '\n%-14s %-8s %s\n' part status took
printf '%s\n' "${statuses[@]}" | while IFS='|' read -r name status took; do
    printf '%-14s %-8s %s\n' "$name" "$status" "$took"
done | tee "$WORK/logs/statuses.txt"
tar -C "$WORK" -czf "$OUT/logs.tar.gz" logs
