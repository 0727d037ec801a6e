#!/usr/bin/env bash
# Takes the screenshots of the web page for the documentation: runs the demo to its end and
# writes docs/img/page-light.png, page-dark.png and page-narrow.png.
#   scripts/screenshots.sh [DIRECTORY]        (default: docs/img)
# Needs build/release/leeway (scripts/build.sh) and Chromium with its driver
# (scripts/deps.sh test). Takes a minute or two; leaves no process running.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$lw_root"
out=${1:-docs/img}
program=build/release/leeway
[ -x $program ] || die "$program does not exist: run scripts/build.sh"
have chromedriver || die "chromedriver is not installed: run scripts/deps.sh test"

log=$(mktemp)
demo=
finish() {
    [ -z "$demo" ] || kill "$demo" 2>/dev/null || true
    [ -z "$demo" ] || wait "$demo" 2>/dev/null || true
    rm -f "$log"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

say "running the demo to its end"
$program demo --keep >"$log" 2>&1 </dev/null &
demo=$!
tries=0
until grep -q 'until Ctrl-C' "$log"; do
    kill -0 "$demo" 2>/dev/null || {
        cat "$log" >&2
        die "the demo stopped early"
    }
    [ $((tries += 1)) -le 600 ] || die "the demo did not finish within 10 minutes"
    sleep 1
done
url=$(sed -n 's/^Dashboard: *//p' "$log" | head -n 1)
[ -n "$url" ] || die "the demo did not print the address of its page"
mkdir -p "$out"
python3 -B tests/browser/screenshots.py "$url" "$out"
