#!/usr/bin/env bash
# clang-tidy over src (or over the files named), by .clang-tidy, and shellcheck over the scripts.
#   scripts/lint.sh [FILE.c]...
# Slower than the tests and not part of them: run it on what you touched.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

files=()
for file; do files+=("$(realpath "$file")"); done
cd "$lw_root"
"$lw_root/scripts/deps.sh" lint
cmake_quick
mkdir -p build/log
# By clang's own compile commands: clang-tidy does not know gcc's.
logged "configuring build/clang" build/log/lint-configure.log \
    cmake --preset dev -B build/clang -DCMAKE_C_COMPILER=clang

status=0
if [ ${#files[@]} -eq 0 ]; then
    mapfile -t files < <(find src -name '*.c' | sort)
    mapfile -t shell < <(find scripts tests/support -name '*.sh' | sort)
    shellcheck -x "${shell[@]}" .ci/run || status=1
fi
# One file a run: clang-tidy 14 carries va_list state from one to the next.
printf '%s\0' "${files[@]}" |
    xargs -0 -n 1 -P 2 clang-tidy -p build/clang --quiet 2> >(grep -v 'warnings generated' >&2) ||
    status=1
[ $status -eq 0 ] && say "clean"
exit $status
