#!/usr/bin/env bash
# Fuzzes all code that reads bytes from outside, and extends the corpora.
#   scripts/fuzz.sh MINUTES [HARNESS]...     (harnesses: those of tests/fuzz, without fuzz_; default: all)
# Builds with clang, libFuzzer, ASan and UBSan in build/fuzz. The harnesses share the time, JOBS of
# them (2) at once. A minimal set of inputs that reach new code is added to tests/fuzz/corpus/, which
# ctest replays in every build (commit them). A failing input is saved in build/fuzz/found/ with its
# log, and the exit status is 1.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

minutes=${1:-}
[[ $minutes =~ ^[1-9][0-9]*$ ]] || die "usage: scripts/fuzz.sh MINUTES [HARNESS]..."
shift
cd "$lw_root"
build=build/fuzz found=build/fuzz/found
jobs=${JOBS:-2}

# corpus_of HARNESS: configurations use the corpus of a unit test.
corpus_of() {
    case $1 in
    config) echo tests/data/config/bad ;;
    *) echo "tests/fuzz/corpus/$1" ;;
    esac
}

all=()
for file in tests/fuzz/fuzz_*.c; do
    name=${file##*/fuzz_}
    all+=("${name%.c}")
done
wanted=("${@:-${all[@]}}")
for name in "${wanted[@]}"; do
    [ -e "tests/fuzz/fuzz_$name.c" ] || die "unknown harness '$name'; harnesses: ${all[*]}"
done

apt_need clang=clang libcmocka-dev
cmake_quick
mkdir -p $build
rm -rf $found
mkdir -p $found
logged "configuring $build" $build/configure.log cmake -B $build -G Ninja \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang -DLEEWAY_TESTS=ON -DLEEWAY_FUZZ=ON \
    -DLEEWAY_SANITIZE=address,undefined
logged "building the harnesses" $build/build.log cmake --build $build --parallel "$jobs" --target fuzzers

export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
seconds=$((minutes * 60 * jobs / ${#wanted[@]}))
[ $seconds -gt 0 ] || seconds=1

# fuzz HARNESS: runs it for its share of the time; new inputs are kept in build/fuzz for the next run.
fuzz() {
    local name=$1 grown=$build/grown/$1
    mkdir -p "$grown"
    "$build/tests/fuzz/fuzz_$name" -max_total_time=$seconds -timeout=30 -rss_limit_mb=3000 -max_len=16384 \
        -print_final_stats=1 -artifact_prefix="$found/$name-" "$grown" "$(corpus_of "$name")" \
        >"$found/$name.log" 2>&1
}

# keep HARNESS: adds a minimal set of its new inputs that cover code which the corpus does not; hit counts
# are ignored. The corpus of configurations is written by hand, each file with its expected message.
keep() {
    local name=$1
    [ "$name" != config ] || return 0
    "$build/tests/fuzz/fuzz_$name" -set_cover_merge=1 -use_counters=0 -max_len=16384 "$(corpus_of "$name")" \
        "$build/grown/$name" >"$found/$name-merge.log" 2>&1
}

share() { # COMMAND HARNESS...: runs JOBS of them at once; prints those that failed
    local command=$1 name running=()
    shift
    for name; do
        if [ ${#running[@]} -ge "$jobs" ]; then
            wait "${running[0]%% *}" || printf '%s\n' "${running[0]#* }"
            running=("${running[@]:1}")
        fi
        "$command" "$name" &
        running+=("$! $name")
    done
    for name in "${running[@]}"; do
        wait "${name%% *}" || printf '%s\n' "${name#* }"
    done
}

say "$seconds s for each of ${#wanted[@]} harnesses"
mapfile -t bad < <(share fuzz "${wanted[@]}")
good=()
for name in "${wanted[@]}"; do
    case " ${bad[*]} " in
    *" $name "*) ;;
    *) good+=("$name") ;;
    esac
done
say "adding new inputs to the corpora"
mapfile -t unkept < <([ ${#good[@]} -eq 0 ] || share keep "${good[@]}")

for name in "${wanted[@]}"; do
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/$name.log")
    printf '%-12s %12s inputs run, %s in the corpus\n' "$name" "${runs:-?}" \
        "$(find "$(corpus_of "$name")" -type f | wc -l)"
done
for name in "${unkept[@]}"; do warn "$name: the corpus could not be merged ($found/$name-merge.log)"; done
for name in "${bad[@]}"; do
    warn "$name: $(grep -m1 -E 'ERROR|runtime error|broken invariant' "$found/$name.log" || tail -1 "$found/$name.log")"
    for input in "$found/$name"-[a-z]*-*; do
        [ ! -e "$input" ] || warn "  reproduce: $build/tests/fuzz/fuzz_$name $input"
    done
done
[ ${#bad[@]} -eq 0 ] && [ ${#unkept[@]} -eq 0 ]
