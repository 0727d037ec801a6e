#!/bin/sh
# Runs leeway at a modest rate for some minutes and tells whether its memory grows.
#
#   benchmarks/stream/soak.sh MINUTES [RATE [HOURS]] [--retrain HOURS]
#
# Resident memory and the heap in use are read every five seconds; of each minute the lowest counts.
# After a fifth of the time (or what the longest window needs to fill) their slopes are judged: exit
# code 3 says that resident memory rises by more than 50 KB a minute or the heap by more than 10.
# RATE: messages a second (default 5,000). HOURS: of event time a minute (default 10).
# Both are noisy: half an hour is enough for a verdict, six minutes are not.
# --retrain: train each so many hours of event time, always on the newest twelve, and promote; then the
# lowest between each training and the next is judged, from the sixth on, and may rise by 250 KB
# (resident) or 100 KB (heap) a training.
set -eu
cd "$(dirname "$0")/../.."

cmake --preset release >/dev/null
cmake --build --preset release --target leeway bench_stream >/dev/null
export OPENBLAS_NUM_THREADS=1
exec python3 benchmarks/stream/soak.py "$@"
