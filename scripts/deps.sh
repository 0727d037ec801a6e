#!/usr/bin/env bash
# Installs the packages that leeway needs, on Debian 12 and 13.
#   scripts/deps.sh [build|run|test|runtime|all]...     (default: all)
# build    compiler, CMake and the development packages: enough for the leeway binary
# run      what the demo starts beside leeway: a redis-server
# test     everything for scripts/test.sh: cmocka, clang and its tools, shellcheck, Java with Maven for
#          a real Kafka, Alertmanager, Prometheus for its promtool, luac, and a browser for the page
# runtime  only the shared libraries that a built leeway links (what a container needs)
# Installs nothing, and uses no network, if nothing is missing. docs/dependencies.md gives the
# reason for each package.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build=(gcc=gcc libc6-dev cmake=cmake ninja=ninja-build pkg-config=pkg-config
    librdkafka-dev libavro-dev libopenblas-dev liblapacke-dev libhiredis-dev
    libcurl4-openssl-dev libyaml-dev libjansson-dev libmicrohttpd-dev libgnutls28-dev libssl-dev
    libxxhash-dev libxgboost-dev zlib1g-dev tzdata libjs-chart.js)
run=(redis-server=redis-server tzdata)
test=(libcmocka-dev clang=clang clang-format=clang-format clang-tidy=clang-tidy java=default-jre-headless
    mvn=maven setpriv=util-linux shellcheck=shellcheck prometheus-alertmanager python3-venv redis-tools
    openssl=openssl promtool=prometheus chromium=chromium chromedriver=chromium-driver
    netbase luac=lua5.1) # netbase is /etc/hosts: chromedriver looks for its browser at "localhost"

# The only set whose names differ between the releases: sonames, and Debian 13's t64 suffix.
runtime_of() {
    case $1 in
    12) echo libavro23 libcurl4 libgnutls30 libhiredis0.14 libmicrohttpd12 libssl3 ;;
    13) echo libavro24 libcurl4t64 libgnutls30t64 libhiredis1.1.0 libmicrohttpd12t64 libssl3t64 ;;
    *) die "runtime packages are known only for Debian 12 and 13, not for ${1:-this system}" ;;
    esac
    echo librdkafka1 libopenblas0 liblapacke libyaml-0-2 libjansson4 libxxhash0 libxgboost0
    echo zlib1g tzdata ca-certificates
}

debian_version() { (. /etc/os-release && echo "${VERSION_ID:-}"); }

need=()
for set in "${@:-all}"; do
    case $set in
    build) need+=("${build[@]}") ;;
    run) need+=("${run[@]}") ;;
    test) need+=("${build[@]}" "${run[@]}" "${test[@]}") ;;
    runtime) read -r -d '' -a packages < <(runtime_of "$(debian_version)" && printf '\0')
        need+=("${packages[@]}") ;;
    all) need+=("${build[@]}" "${run[@]}" "${test[@]}") ;;
    *) die "unknown set '$set'; one of build, run, test, runtime, all" ;;
    esac
done
java_was_there=0
! have java || java_was_there=1
apt_need "${need[@]}"

# Java's trust store is filled at installation from the active certificates in /etc/ssl/certs. Local
# authorities that were only copied to /usr/local/share/ca-certificates (often for a company proxy)
# would be missing, and Maven could not reach its repository.
if [ $java_was_there = 0 ] && have java && have update-ca-certificates; then
    as_root update-ca-certificates >/dev/null 2>&1 || true
fi
