#!/usr/bin/env bash
# Builds an optimised leeway in build/release, for the demo and the container image.
#   scripts/build.sh [--install PREFIX]
# Tests (and cmocka) are not included; use `cmake --preset dev` for them.
# Prints one line per step to standard error, and the complete log to build/release.log.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

prefix=
case ${1:-} in
'') ;;
--install) prefix=${2:?scripts/build.sh --install PREFIX} ;;
*) die "usage: scripts/build.sh [--install PREFIX]" ;;
esac

cmake_quick
cd "$lw_root"
mkdir -p build
logged "configuring build/release" build/release.log cmake --preset release -DLEEWAY_TESTS=OFF
logged "building leeway" build/release.log cmake --build build/release --target leeway
if [ -n "$prefix" ]; then
    logged "installing to $prefix" build/release.log \
        cmake --install build/release --prefix "$prefix"
fi
