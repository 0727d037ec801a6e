#!/usr/bin/env bash
# Runs all checks for a change, on a clean Debian 12 or 13 with only this clone.
#   scripts/test.sh [--quick] [--unit] [--sanitize] [--races] [--integration]   (default: all of it)
# --quick        format check, gcc build, unit tests
# --unit         gcc build, unit tests
# --sanitize     ASan+UBSan build, unit tests under it
# --races        TSan build, tests of code with threads: unit tests, a demo, one integration test
# --integration  optimised build, tests with a real Kafka and a real Redis, which it starts
# all            the above, a clang build with warnings as errors, clang-tidy, and shellcheck; each
#                integration test runs once, under ASan+UBSan except those labelled `noasan`
# A failed step does not stop the others. The last line is `N passed, N failed, N skipped`; a failed
# step (a build, the format check) counts as one. The exit status is 0 only without failures. With
# CI=true, a skipped integration test is a failure. Logs: build/log/.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$lw_root"

usage() {
    sed -n '3,9s/^# *//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

want=" "
for arg; do
    case $arg in
    --quick) want+="format unit " ;;
    --unit) want+="unit " ;;
    --sanitize) want+="sanitize " ;;
    --races) want+="races " ;;
    --integration) want+="integration " ;;
    *) usage ;;
    esac
done
[ "$want" != " " ] || want=" format shell unit clang lint sanitize races integration sanitize-integration "
wanted() { case $want in *" $1 "*) ;; *) return 1 ;; esac }

passed=0 failed=0 skipped=0
summary=()
logs=build/log
mkdir -p $logs
jobs=2      # compilers, unit tests
scenarios=3 # integration tests: they mostly wait

note() { summary+=("$(printf '%-34s %s' "$1" "$2")"); }

# step NAME COMMAND...: writes the output to a log, shown if the command fails.
step() {
    local name=$1 log="$logs/${1//[^a-zA-Z0-9]/-}.log" begun=$SECONDS
    shift
    if logged "$name" "$log" "$@"; then
        note "$name" "ok ($((SECONDS - begun)) s)"
    else
        failed=$((failed + 1))
        note "$name" "FAILED, see $log"
        return 1
    fi
}

compile() { # DIR PRESET [CMAKE ARGUMENT]...
    cmake --preset "$2" -B "$1" "${@:3}" && cmake --build "$1" --parallel $jobs
}

# report_count FILE PATTERN: test cases of ctest's JUnit report whose start tag, or the <skipped> line
# below it, matches. (ctest's totals count a test without a program as skipped.)
report_count() { grep -cE "^[[:space:]]*<(testcase|skipped) .*$2" "$1" || true; }

# tests NAME DIR COMMAND...: runs a ctest command in DIR and counts its results. A failed test is tried
# once more, because some tests share the machine with a broker, a browser and a compiler. The number
# of second tries is reported; each one is a defect to be found.
tests() {
    local name=$1 dir=$lw_root/$2 report log ran good bad left again status=0 begun=$SECONDS
    shift 2
    report=$dir/junit.xml
    log=$lw_root/$logs/${name//[^a-zA-Z0-9]/-}.log
    rm -f "$report"
    say "$name"
    "$@" --test-dir "$dir" --output-on-failure --no-tests=error --repeat until-pass:2 \
        --output-junit "$report" 2>&1 | tee "$log" >&2 || status=$?
    ran=0 good=0 left=0
    if [ -e "$report" ]; then
        ran=$(report_count "$report" 'status=')
        good=$(report_count "$report" 'status="run"')
        left=$(report_count "$report" '(status="disabled"|message="SKIP_)')
    fi
    bad=$((ran - good - left))
    again=$(grep -cE '^ +Test +#[0-9]+: .* Passed ' "$log" || true)
    passed=$((passed + good))
    # Some failures are not in ctest's report: no test found, services that did not start.
    if [ $status -ne 0 ] && [ $bad -eq 0 ]; then bad=1; fi
    case ${CI:-} in true | 1)
        case $name in *integration*) bad=$((bad + left)) left=0 ;; esac ;;
    esac
    failed=$((failed + bad)) skipped=$((skipped + left))
    note "$name" "$ran run, $bad failed, $left skipped ($((SECONDS - begun)) s)"
    [ "$again" = 0 ] || note "" "$again of them passed on the second try: see $log"
}

# The format is that of version 14; later versions break lines differently.
format_check() {
    local files
    mapfile -t files < <(sources)
    if [ ${#files[@]} -gt 0 ]; then clang-format --dry-run --Werror "${files[@]}"; fi
}

sources() { find src include tests benchmarks -name '*.[ch]' -not -path '*/build/*' | sort; }

clang_format_version() { clang-format --version | sed -n 's/.*version \([0-9]*\).*/\1/p'; }

check_format() {
    if [ "$(clang_format_version)" = 14 ]; then
        step "format" format_check || true
    else
        skipped=$((skipped + 1))
        note "format" "skipped: needs clang-format 14"
    fi
}

scripts_of_project() { find scripts tests/support .ci -name '*.sh' -o -path .ci/run | sort; }

check_shell() {
    local files
    mapfile -t files < <(scripts_of_project)
    step "shellcheck" shellcheck -x "${files[@]}" || true
}

# Later versions know other checks.
clang_tidy_version() { clang-tidy --version | sed -n 's/.*LLVM version \([0-9]*\).*/\1/p'; }

check_lint() {
    if [ "$(clang_tidy_version)" = 14 ]; then
        step "clang-tidy" scripts/lint.sh || true
    else
        skipped=$((skipped + 1))
        note "clang-tidy" "skipped: needs clang-tidy 14"
    fi
}

# The tests of code with threads, and those of the thread sanitizer itself (tests/races).
race_tests='^(races_|test_(kafka_|store_[^w]|http_|engine_|alert_(notifi|post|tls)))'
race_integration='^test_group_rebalance$'

# Only the targets of these tests, which have the same names.
compile_races() {
    local targets
    cmake --preset tsan
    mapfile -t targets < <(ctest --test-dir build/tsan -N -R "$race_tests" | sed -n 's/.*: \(test_.*\)/\1/p')
    cmake --build build/tsan --parallel $jobs \
        --target leeway kafka_tool live_tool race_probe "${targets[@]}"
}

# Reports go to files, so that a killed process or a successful second try loses none.
race_reports=$lw_root/$logs/race
race_env=(env "TSAN_OPTIONS=suppressions=$lw_root/tests/support/tsan.supp:exitcode=66:history_size=4:log_path=$race_reports"
    LEEWAY_TEST_PATIENCE=3)
# gcc 12's thread sanitizer fails with high address space randomisation: disable it.
! setarch -R true 2>/dev/null || race_env=(setarch -R "${race_env[@]}")

no_race() {
    local report status=0
    for report in "$race_reports".*; do
        if [ -e "$report" ]; then
            cat "$report"
            status=1
        fi
    done
    return $status
}

san_env=(env ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 LEEWAY_TEST_PATIENCE=3)
with_services=$lw_root/tests/support/services.sh

# Python libraries that some tests compare with (tests/requirements.txt), in a virtual environment;
# tests/CMakeLists.txt finds the interpreter through VIRTUAL_ENV.
python_peers() {
    python3 -m venv build/venv &&
        build/venv/bin/python -m pip install --quiet --disable-pip-version-check \
            -r tests/requirements.txt
}

"$lw_root/scripts/deps.sh" test
cmake_quick
if logged "Python peers" $logs/python-peers.log python_peers; then
    export VIRTUAL_ENV=$lw_root/build/venv PATH=$lw_root/build/venv/bin:$PATH
fi
if wanted format; then check_format; fi
if wanted shell; then check_shell; fi

if wanted unit && step "build: gcc, warnings are errors" compile build/dev dev; then
    tests "unit tests" build/dev ctest -j$jobs -LE integration
fi
if wanted clang; then
    step "build: clang, warnings are errors" compile build/clang dev \
        -DCMAKE_C_COMPILER=clang || true
fi
if wanted lint; then check_lint; fi
asan=0
if wanted sanitize || wanted sanitize-integration; then
    if step "build: ASan and UBSan" compile build/asan asan; then asan=1; fi
fi
if [ $asan = 1 ] && wanted sanitize; then
    tests "unit tests, sanitized" build/asan "${san_env[@]}" ctest -j$jobs -LE integration
fi
races=0
if wanted races && rm -f "$race_reports".* && step "build: TSan" compile_races; then
    races=1
    tests "tests for races" build/tsan "${race_env[@]}" ctest -j4 -R "$race_tests" -LE integration
fi
if wanted integration || wanted sanitize-integration || wanted races; then
    step "Kafka's jars" scripts/kafka.sh fetch || true
fi
if wanted integration || wanted sanitize-integration; then
    step "Apicurio Registry" scripts/registry.sh fetch || true
fi
if [ $races = 1 ]; then
    tests "integration test for races" build/tsan \
        "${race_env[@]}" "$with_services" ctest -R "$race_integration"
    step "no race reported" no_race || true
fi
only=() # the tests that the sanitized build does not run
if [ $asan = 1 ] && wanted sanitize-integration; then only=(-L noasan); fi
if wanted integration && step "build: release" compile build/release release; then
    tests "integration tests" build/release "$with_services" ctest -j$scenarios -L integration \
        "${only[@]}"
fi
if [ $asan = 1 ] && wanted sanitize-integration; then
    tests "integration tests, sanitized" build/asan \
        "${san_env[@]}" "$with_services" ctest -j$scenarios -L integration -LE noasan
fi

{
    printf '\n'
    printf '%s\n' "${summary[@]}"
    printf '%s s in total\n' "$SECONDS"
} >&2
printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
