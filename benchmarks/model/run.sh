#!/bin/sh
# Builds bench_model and compares it with scikit-learn and XGBoost; prints Markdown.
#
#   benchmarks/model/run.sh COPIES LATER.avro TRAIN.avro...
#
# COPIES: how often the training months are repeated in memory, for more rows.
# LEEWAY_BENCH_BUILD   build directory (default build/bench; built as Release)
# LEEWAY_BENCH_PYTHON  Python with the peers; by default, a virtual environment in the build
#                      directory, filled by pip
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${LEEWAY_BENCH_BUILD:-$root/build/bench}
if [ ! -e "$build/CMakeCache.txt" ]; then
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >&2
fi
cmake --build "$build" --target bench_model >&2
python=${LEEWAY_BENCH_PYTHON:-$build/venv-model/bin/python}
if [ ! -x "$python" ]; then
    python3 -m venv "$build/venv-model"
    "$python" -m pip install -q fastavro numpy scipy scikit-learn xgboost >&2
fi
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
exec "$python" "$root/benchmarks/model/compare.py" "$build/benchmarks/model/bench_model" "$@"
