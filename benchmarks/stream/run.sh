#!/bin/sh
# leeway beside its floors and its peer, on a real Kafka and a private Redis, in one run.
#
#   benchmarks/stream/run.sh [DIR] [throughput|live|two|catchup]... [--messages N] [--rounds N] [--keep]
#
# DIR: where the services' files and the logs go (default: a temporary directory, removed at the end).
# LEEWAY_BENCH_PYTHON names a Python that has the peer's packages; without it a virtual
# environment is made under build/ with pip.
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
