#!/bin/sh
# Runs leeway at a modest rate for some minutes and checks whether its memory grows.
#
#   benchmarks/stream/soak.sh MINUTES [RATE [HOURS]] [--retrain HOURS]
#
# Resident memory and the heap in use are read every five seconds; the minimum of each minute counts.
# After a fifth of the time (or the time to fill the longest window) their slopes are checked: exit
# code 3 if resident memory rises by more than 50 KB a minute, or the heap by more than 10.
# RATE: messages a second (default 5,000). HOURS: event time per minute (default 10).
# Both slopes are noisy: half an hour suffices for a verdict, six minutes do not.
# --retrain: train every so many hours of event time on the newest twelve, and promote; then the
# minimum between each training and the next is checked, from the sixth on, and may rise by 250 KB
# (resident) or 100 KB (heap) per training.
set -eu
cd "$(dirname "$0")/../.."

cmake --preset release >/dev/null
cmake --build --preset release --target leeway bench_stream >/dev/null
export OPENBLAS_NUM_THREADS=1
exec python3 benchmarks/stream/soak.py "$@"
