#!/usr/bin/env bash
# Runs the demo on a clean Debian 12 or 13 with only this clone: installs missing packages,
# builds, and runs `leeway demo` with the given arguments.
#   scripts/demo.sh [--speed X] [--keep] [--json] ...
# Standard output contains only leeway's output, so that `scripts/demo.sh --json | tail -1` is JSON.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

"$here/deps.sh" build run >&2
"$here/build.sh" >&2
exec "$here/../build/release/leeway" demo "$@"
