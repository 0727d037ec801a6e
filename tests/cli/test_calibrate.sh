#!/usr/bin/env bash
# leeway backtest --calibrate: settings from a stream's own history, as a configuration that is valid, comments
# and all. It runs the policy once for each value that it tries, so the history is five weeks.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"
command -v python3 >/dev/null || exit 77
export OPENBLAS_NUM_THREADS=1
derive a.yaml
python3 -B - "$root/tests/integration" "$trips" "$dir/weeks.avro" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
from harness import avro_cut
avro_cut(sys.argv[2], sys.argv[3], 25, 75)
END

expect 0 backtest -c "$dir/a.yaml" --calibrate "$dir/weeks.avro"
prints "proposed, judged on"
cp "$dir/out" "$dir/calibrated.yaml"
check "every comment is kept" test "$(grep -c '#' "$dir/calibrated.yaml")" -ge "$(grep -c '#' "$dir/a.yaml")"
expect 0 check -c "$dir/calibrated.yaml" --offline
finish
