#!/usr/bin/env bash
# Runs clang-tidy on src, or on the given files.
#   scripts/lint.sh [FILE.c]...
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

files=()
for file; do files+=("$(realpath "$file")"); done
cd "$lw_root"
"$lw_root/scripts/deps.sh" test
cmake_quick
mkdir -p build/log
# With compile commands for clang: clang-tidy does not know gcc's options.
logged "configuring build/clang" build/log/lint-configure.log \
    cmake --preset dev -B build/clang -DCMAKE_C_COMPILER=clang

status=0
if [ ${#files[@]} -eq 0 ]; then
    mapfile -t files < <(find src -name '*.c' | sort)
fi
# The whole tree takes five minutes of processor time, so a source that has passed is skipped until it,
# a header, .clang-tidy or a compile command changes: an empty file with its sum as name is in this folder.
passed=build/lint/$({
    clang-tidy --version
    cat .clang-tidy build/clang/compile_commands.json
    find src include -name '*.h' -o -name '*.def' | sort | xargs cat
} | sha256sum | cut -c 1-64)
mkdir -p "$passed"
# One file per run: clang-tidy 14 carries va_list state from one file to the next.
# shellcheck disable=SC2016 # expanded by the inner shell
sha256sum "${files[@]}" | while read -r sum file; do
    [ -e "$passed/$sum" ] || printf '%s\0' "$file" "$passed/$sum"
done | xargs -0 -r -n 2 -P "$(nproc)" sh -c 'clang-tidy -p build/clang --quiet "$0" && : >"$1"' \
    2> >(grep -v 'warnings generated' >&2) || status=1
[ $status -eq 0 ] && say "clean"
exit $status
