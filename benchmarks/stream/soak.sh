#!/bin/sh
# Runs leeway at a modest rate for some minutes and tells whether its memory grows.
#
#   benchmarks/stream/soak.sh MINUTES [RATE [HOURS]]
#
# Resident memory is read every five seconds. After a fifth of the time (windows full, caches
# warm) a line is laid through it; its slope is printed, and exit code 3 says that it rises by more
# than 1 MB in ten minutes. RATE: messages a second (default 5,000). HOURS: of event time a minute (default 10).
set -eu
cd "$(dirname "$0")/../.."

cmake --preset release >/dev/null
cmake --build --preset release --target leeway bench_stream >/dev/null
export OPENBLAS_NUM_THREADS=1
exec python3 benchmarks/stream/soak.py "$@"
