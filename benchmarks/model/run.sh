#!/bin/sh
# Builds bench_model and runs it beside scikit-learn and XGBoost; Markdown on standard output.
#
#   benchmarks/model/run.sh COPIES LATER.avro TRAIN.avro...
#
# COPIES repeats the training months in memory, for more rows than the files have.
# LEEWAY_BENCH_BUILD   build directory (default build/bench; made as Release)
# LEEWAY_BENCH_PYTHON  Python with the peers; without it a virtual environment is made in the build
#                      directory and filled by pip
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
