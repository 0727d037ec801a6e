#!/bin/sh
# Compares leeway with its floors and its peer, on a real Kafka and a private Redis, in one run.
#
#   benchmarks/stream/run.sh [DIR] [throughput|live|two|catchup]... [--messages N] [--rounds N] [--keep]
#
# DIR: directory for files of the services and logs (default: temporary, removed at the end).
# LEEWAY_BENCH_PYTHON: a Python with the peer's packages; by default, a virtual environment
# under build/, filled by pip.
set -eu
cd "$(dirname "$0")/../.."

cmake --preset release >/dev/null
cmake --build --preset release --target leeway bench_stream bench_path >/dev/null

python=${LEEWAY_BENCH_PYTHON:-}
if [ -z "$python" ]; then
    python=build/bench-venv/bin/python
    [ -x "$python" ] || python3 -m venv build/bench-venv
    "$python" -m pip install --quiet confluent-kafka fastavro datasketches==5.2.0 river redis numpy
fi
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
exec "$python" benchmarks/stream/run.py "$@"
