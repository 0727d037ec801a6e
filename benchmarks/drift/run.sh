#!/bin/sh
# Builds bench_drift and compares it with its peers; prints Markdown tables.
#
#   benchmarks/drift/run.sh [MONTH.avro [LATER-MONTH.avro ...]] [--only PART] [--repeats N]
#                           [--peer-repeats N]      PART: change halves months report null
#
# LEEWAY_BENCH_BUILD   build directory (default build/bench; built as Release)
# LEEWAY_BENCH_PYTHON  Python with the peers; by default, a virtual environment in the build
#                      directory, filled by pip
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${LEEWAY_BENCH_BUILD:-$root/build/bench}
if [ ! -x "$build/benchmarks/drift/bench_drift" ]; then
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >&2
fi
cmake --build "$build" --target bench_drift leeway >&2
python=${LEEWAY_BENCH_PYTHON:-$build/venv-drift/bin/python}
if [ ! -x "$python" ]; then
    python3 -m venv "$build/venv-drift"
    "$python" -m pip install -q -r "$root/benchmarks/drift/requirements.txt" >&2
fi
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
exec "$python" "$root/benchmarks/drift/compare.py" "$build/benchmarks/drift/bench_drift" \
    "$build/leeway" "$@"
