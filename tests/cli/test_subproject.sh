#!/usr/bin/env bash
# leeway inside another project: added by add_subdirectory, its libraries linked to a program of
# that project that uses only the public headers; nothing depends on being the top-level project.
#   test_subproject.sh PROGRAM
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh" "$1"
command -v ninja >/dev/null || exit 77

cat >"$dir/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.25)
project(harbour LANGUAGES C)
add_subdirectory($root leeway)
add_executable(harbour harbour.c)
target_link_libraries(harbour PRIVATE lw_model)
foreach(name LEEWAY_TESTS LEEWAY_WERROR)
  message(STATUS "harbour: \${name}=\${\${name}}")
endforeach()
EOF
cat >"$dir/harbour.c" <<'EOF'
#include <stdio.h>
#include <leeway/kll.h>
#include <leeway/model.h>

int main(void) {
    struct lw_err err = {0};
    struct lw_kll *k = lw_kll_new(200, 1);
    for (int i = 0; i <= 100; i++)
        lw_kll_update(k, i);
    printf("%d items, %s model\n", (int)lw_kll_n(k),
           lw_model_decode("flotsam", 7, &err) ? "a" : "no");
    lw_kll_free(k);
    return 0;
}
EOF
check "configures" cmake -S "$dir" -B "$dir/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug >"$dir/out" 2>"$dir/err"
[ $failed -eq 0 ] || cat "$dir/out" "$dir/err" >&2
prints "LEEWAY_TESTS=OFF" # a parent's tests are its own
check "builds" cmake --build "$dir/build" -j2 --target harbour >"$dir/out" 2>&1
[ $failed -eq 0 ] || tail -20 "$dir/out" >&2
check "runs" "$dir/build/harbour" >"$dir/out"
prints "101 items, no model"
finish
