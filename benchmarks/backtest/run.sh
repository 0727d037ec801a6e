#!/usr/bin/env bash
# Times the backtest of a year.   benchmarks/backtest/run.sh FILE...
# The files are chained and repeated up to 850,000 events (a year of green trips); EVENTS sets
# another number, BUILD another build. Needs fastavro (scripts/requirements.txt).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || { echo "usage: benchmarks/backtest/run.sh FILE..." >&2; exit 2; }
leeway=${BUILD:-$root/build/release}/leeway
year=$(mktemp --suffix=.avro)
trap 'rm -f "$year"' EXIT
python3 "$root/benchmarks/backtest/stretch.py" -o "$year" --events "${EVENTS:-850000}" "$@"
time "$leeway" backtest -q -c "$root/configs/nyc-green.yaml" "$year"
