#!/usr/bin/env bash
# The whole loop on real trips, on a clean Debian 12 or 13 with nothing but this clone:
# installs what is missing, builds, and runs `leeway demo` with the arguments given here.
#   scripts/demo.sh [--speed X] [--keep] [--json] ...
# Standard output is leeway's alone, so that `scripts/demo.sh --json | tail -1` is JSON.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

"$here/deps.sh" build run >&2
"$here/build.sh" >&2
exec "$here/../build/release/leeway" demo "$@"
