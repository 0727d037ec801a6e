#!/bin/sh
# Builds the program and the load generator, and compares predictions over HTTP with a Python
# service; prints a Markdown table.
#
#   benchmarks/http/run.sh [--seconds S] [--connections N...] [--repeats R] [--no-peer]
#
# LEEWAY_BENCH_BUILD   build directory (default build/bench; built as Release)
# LEEWAY_BENCH_PYTHON  Python with the peers; by default, a virtual environment in the build
#                      directory, filled by pip
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${LEEWAY_BENCH_BUILD:-$root/build/bench}
if [ ! -f "$build/CMakeCache.txt" ]; then
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >&2
fi
cmake --build "$build" --target bench_http_load leeway >&2
python=${LEEWAY_BENCH_PYTHON:-$build/venv-http/bin/python}
if [ ! -x "$python" ]; then
    python3 -m venv "$build/venv-http"
    "$python" -m pip install -q -r "$root/benchmarks/http/requirements.txt" >&2
fi
exec "$python" "$root/benchmarks/http/compare.py" "$build/benchmarks/http/bench_http_load" \
    "$build/leeway" "$@"
