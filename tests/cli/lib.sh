# Helpers of the tests of the command line. Each test is a bash script that takes the program:
#   test_x.sh PROGRAM
# Checks count; the last line of a script is `finish`.
# shellcheck shell=bash disable=SC2034
set -uo pipefail
program=$1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
config=$root/configs/nyc-green.yaml
trips=$root/data/green_2020-03_2020-05.avro
few=$root/tests/data/tlc/green_2024-03.avro
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0 checks=0
export LC_ALL=C

fail() {
    echo "FAILED: $*" >&2
    failed=$((failed + 1))
}
check() { # WHAT COMMAND...
    local what=$1
    shift
    checks=$((checks + 1))
    "$@" || fail "$what"
}
# Runs the program; its output goes to $dir/out and $dir/err.
expect() { # EXIT-CODE ARGUMENT...
    local want=$1 got=0
    shift
    checks=$((checks + 1))
    "$program" "$@" >"$dir/out" 2>"$dir/err" || got=$?
    if [ $got -ne "$want" ]; then
        fail "leeway $*: exit code $got, not $want"
        tail -5 "$dir/err" >&2
    fi
}
# The shipped configuration with one cheap candidate and a short memory: the policy is the same.
derive() { # FILE [SED...]
    local file=$1
    shift
    awk -v root="$root" '
        { sub(/\.\.\/schemas/, root "/schemas") }
        /^candidates:/ { print; print "  - {name: only, kind: ridge, features: plain, half_life: [14d]}"; skip = 1; next }
        /^[a-z]/ { skip = 0 }
        /^  window: 280d/ { sub(/280d/, "42d") }
        !skip' "$config" | sed -e '' "$@" >"$dir/$file"
}
says() { check "\"$1\" on standard error" grep -qF -- "$1" "$dir/err"; }
prints() { check "\"$1\" on standard output" grep -qF -- "$1" "$dir/out"; }
# The first value of a key in the JSON object on standard output.
json() { grep -o "\"$1\":[^,}]*" "$dir/out" | head -1 | cut -d: -f2- | tr -d '"'; }
# Checks an arithmetic condition: holds '1.5 < 2'
holds() {
    checks=$((checks + 1))
    awk "BEGIN { exit !($*) }" || fail "$*"
}
finish() {
    echo "$checks checks, $failed failed"
    [ $checks -gt 0 ] && [ $failed -eq 0 ]
}
