#!/usr/bin/env bash
# Runs a command with a real Kafka and a private Redis, and stops both afterwards.
#   tests/support/services.sh COMMAND [ARG]...
# The command finds in its environment
#   LEEWAY_TEST_KAFKA   bootstrap servers, host:port
#   LEEWAY_TEST_REDIS   host:port
#   LEEWAY_TEST_REDIS_AS  user:password@ of a user with the permissions of docs/redis.md;
#                       connections without a user have all permissions
#   LEEWAY_TEST_DIR     a scratch directory, removed at the end with those of the services
#   LEEWAY_TEST_TOPICS  a script to manage topics: `$LEEWAY_TEST_TOPICS create NAME PARTITIONS`
# The exit status is that of the command. The services use free ports of the loopback interface.
#
# No process survives the run: the services are children that are stopped when the command ends or this
# script is interrupted; if this script is killed, the kernel kills them (PR_SET_PDEATHSIG). With
# LEEWAY_KEEP=1 the directory with the logs stays.
# shellcheck disable=SC2317 # functions called by trap and by wait_for look unreachable
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
[ $# -gt 0 ] || die "usage: tests/support/services.sh COMMAND [ARG]..."

dir=$(mktemp -d "${TMPDIR:-/tmp}/leeway-services.XXXXXX")
children=()
command=

finish() {
    local status=$? pid
    trap '' INT TERM HUP
    trap - EXIT
    if [ -n "$command" ] && kill -- "-$command" 2>/dev/null; then
        end_of "-$command" 5 || kill -9 -- "-$command" 2>/dev/null || true
    fi
    for pid in "${children[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${children[@]}"; do
        end_of "$pid" 15 || kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if [ "${LEEWAY_KEEP:-0}" = 1 ]; then
        say "kept: $dir"
    else
        rm -rf "$dir"
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# end_of PID SECONDS: waits until the process (or with -PID the group) is gone.
end_of() {
    local tries=0
    while kill -0 -- "$1" 2>/dev/null; do
        [ $((tries += 1)) -le $(($2 * 10)) ] || return 1
        sleep 0.1
    done
}

# wait_for SECONDS PID LOG COMMAND...: until the command succeeds; shows LOG when PID dies first.
wait_for() {
    local tries=0 limit=$(($1 * 10)) pid=$2 log=$3
    shift 3
    until "$@" >/dev/null 2>&1; do
        if [ $((tries += 1)) -gt $limit ] || ! kill -0 "$pid" 2>/dev/null; then
            tail -n 40 "$log" >&2
            return 1
        fi
        sleep 0.1
    done
}

# The minimal ACL of the operators' documentation; each test has its own streams and its own
# database number.
redis_rules() {
    sed -n 's/^ACL SETUSER leeway on >PASSWORD //p' "$lw_root/docs/redis.md" | sed 's/{STREAM}/{*}/g; s/$/ +select/'
}

redis_start() {
    local tries port
    local -a rules
    read -r -a rules < <(redis_rules) || die "docs/redis.md has no ACL"
    mkdir "$dir/redis"
    # If another process takes the port between the check and the bind, the next one is tried.
    for tries in 1 2 3 4 5; do
        port=$("$lw_root/scripts/kafka.sh" port)
        setpriv --pdeathsig KILL redis-server --bind 127.0.0.1 --port "$port" --dir "$dir/redis" \
            --appendonly yes --appendfsync everysec --save '' --maxmemory-policy noeviction \
            --user leeway on '>least' "${rules[@]}" --daemonize no >"$dir/redis.log" 2>&1 </dev/null &
        if wait_for 10 $! "$dir/redis.log" redis_answers "$port"; then
            children+=($!)
            export LEEWAY_TEST_REDIS=127.0.0.1:$port LEEWAY_TEST_REDIS_AS=leeway:least@
            return
        fi
        kill $! 2>/dev/null || true
    done
    die "redis-server did not come up after $tries tries"
}

# With bash's sockets, so that no client is required.
redis_answers() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'PING\r\n' >&3
    read -r -t 2 line <&3
    exec 3>&-
    [ "${line%$'\r'}" = +PONG ]
}

kafka_start() {
    mkdir "$dir/kafka"
    "$lw_root/scripts/kafka.sh" fetch
    setpriv --pdeathsig KILL "$lw_root/scripts/kafka.sh" run "$dir/kafka" \
        >"$dir/kafka/broker.log" 2>&1 </dev/null &
    children+=($!)
    wait_for 90 $! "$dir/kafka/broker.log" \
        grep -q 'Kafka Server started' "$dir/kafka/broker.log" || die "Kafka did not come up"
    mv "$dir/kafka/bootstrap.part" "$dir/kafka/bootstrap"
    LEEWAY_TEST_KAFKA=$(<"$dir/kafka/bootstrap")
    export LEEWAY_TEST_KAFKA
}

cat >"$dir/topics" <<EOF
#!/bin/sh
exec "$lw_root/scripts/kafka.sh" topics "$dir/kafka" "\$@"
EOF
chmod +x "$dir/topics"
mkdir "$dir/scratch"
export LEEWAY_TEST_DIR=$dir/scratch LEEWAY_TEST_TOPICS=$dir/topics
redis_start
kafka_start
say "services: Kafka $LEEWAY_TEST_KAFKA, Redis $LEEWAY_TEST_REDIS"

# A separate process group, so that an interruption also stops the command's children; in the
# background with wait, so that signals are handled immediately.
set -m
setpriv --pdeathsig KILL "$@" </dev/null &
command=$!
set +m
status=0
wait "$command" || status=$?
exit "$status"
