#!/usr/bin/env bash
# Takes the pictures of the page that the documentation shows: runs the demo to its end, with the page, and
# writes docs/img/page-light.png, page-dark.png and page-narrow.png.
#   scripts/screenshots.sh [DIRECTORY]        (default: docs/img)
# Needs a built build/release/leeway (scripts/build.sh) and a Chromium with its driver
# (scripts/deps.sh test). A minute or two; nothing is left running.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$lw_root"
out=${1:-docs/img}
program=build/release/leeway
[ -x $program ] || die "there is no $program: scripts/build.sh makes it"
have chromedriver || die "there is no chromedriver: scripts/deps.sh test installs it"

log=$(mktemp)
demo=
finish() {
    [ -z "$demo" ] || kill "$demo" 2>/dev/null || true
    [ -z "$demo" ] || wait "$demo" 2>/dev/null || true
    rm -f "$log"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

say "the demo runs to its end"
$program demo --keep >"$log" 2>&1 </dev/null &
demo=$!
tries=0
until grep -q 'until Ctrl-C' "$log"; do
    kill -0 "$demo" 2>/dev/null || {
        cat "$log" >&2
        die "the demo ended early"
    }
    [ $((tries += 1)) -le 600 ] || die "the demo does not end"
    sleep 1
done
url=$(sed -n 's/^Dashboard: *//p' "$log" | head -n 1)
[ -n "$url" ] || die "the demo told no address of its page"
mkdir -p "$out"
python3 -B tests/browser/screenshots.py "$url" "$out"
