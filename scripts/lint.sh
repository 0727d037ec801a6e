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
# One file per run: clang-tidy 14 carries va_list state from one file to the next.
printf '%s\0' "${files[@]}" |
    xargs -0 -n 1 -P 2 clang-tidy -p build/clang --quiet 2> >(grep -v 'warnings generated' >&2) ||
    status=1
[ $status -eq 0 ] && say "clean"
exit $status
