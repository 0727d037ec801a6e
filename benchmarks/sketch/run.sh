#!/bin/sh
# Compares the sketches with Apache DataSketches in one run: speed, rank error, tails.
#
#   benchmarks/sketch/run.sh [MONTH.avro] [--rounds N]
#
# MONTH.avro: a month of trips, for the tails of real durations (default: the bundled one).
# LEEWAY_BENCH_PYTHON: a Python with the packages below; by default, a virtual environment
# under build/, filled by pip.
set -eu
cd "$(dirname "$0")/../.."

month=data/green_2020-03_2020-05.avro
case "${1:-}" in
*.avro)
    month=$1
    shift
    ;;
esac

cmake --preset release >/dev/null
cmake --build --preset release --target bench_sketch >/dev/null

python=${LEEWAY_BENCH_PYTHON:-}
if [ -z "$python" ]; then
    python=build/bench-venv/bin/python
    [ -x "$python" ] || python3 -m venv build/bench-venv
    "$python" -m pip install --quiet datasketches==5.2.0 numpy==2.4.6 fastavro==1.13.1
fi

exec "$python" benchmarks/sketch/compare.py --bench "$(find build/release -name bench_sketch -type f)" \
    --month "$month" "$@"
