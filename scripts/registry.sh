#!/usr/bin/env bash
# A real schema registry for tests and manual experiments: Apicurio Registry, in memory, with
# Confluent's API under /apis/ccompat/v7 on a port of the loopback interface.
#   scripts/registry.sh fetch              download it to the user's cache, once
#   scripts/registry.sh run PORT           run in the foreground; schemas are lost at the end
#   scripts/registry.sh run PORT DIR       likewise, with schemas stored in DIR
# The program comes from Maven Central. Nothing is installed, and only the cache and DIR are written.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly version=2.6.13.Final
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/leeway/apicurio-$version
readonly jar=apicurio-registry-app-$version-runner.jar

usage() {
    sed -n '4,6s/^# *//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

# Downloaded to a temporary directory and renamed, so that an interrupted fetch leaves no partial copy.
fetch() {
    [ ! -e "$cache/complete" ] || return 0
    have mvn || die "Maven is required to download Apicurio Registry: run scripts/deps.sh test"
    local part
    mkdir -p "$(dirname "$cache")"
    part=$(mktemp -d "$cache.XXXXXX")
    say "downloading Apicurio Registry $version from Maven Central to $cache"
    # Debian 12's Maven colours its messages even in batch mode.
    if ! mvn -q -B --strict-checksums \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
        -Dartifact="io.apicurio:apicurio-registry-app:$version:zip:all" \
        -DoutputDirectory="$part" 2>&1 | sed $'s/\e\\[[0-9;]*m//g' >&2 ||
        ! unpack "$part"; then
        rm -rf "$part"
        die "could not download Apicurio Registry; see Maven's message above"
    fi
    : >"$part/complete"
    # Another fetch may have finished first.
    mv -T "$part" "$cache" 2>/dev/null || rm -rf "$part"
    [ -e "$cache/complete" ] || die "$cache is incomplete; remove it and fetch again"
}

# With Python, which the tests need anyway: a minimal Debian has no unzip.
unpack() {
    python3 -m zipfile -e "$1/apicurio-registry-app-$version-all.zip" "$1" &&
        rm "$1/apicurio-registry-app-$version-all.zip" && [ -e "$1/$jar" ]
}

# Replaces this process, so that a signal to it reaches the JVM.
run() {
    local store=jdbc:h2:mem:registry
    [ -n "${1:-}" ] || usage
    [ -z "${2:-}" ] || store="jdbc:h2:file:$(realpath "$2")/registry;WRITE_DELAY=0" # a kill loses nothing
    fetch
    exec java -Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
        -Djava.net.preferIPv4Stack=true -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$1" \
        -Dquarkus.datasource.jdbc.url="$store" -jar "$cache/$jar"
}

case ${1:-} in
fetch | run) "$@" ;;
*) usage ;;
esac
