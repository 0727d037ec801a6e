#!/usr/bin/env bash
# A real Kafka for tests and manual experiments: one process, combined broker and controller
# (KRaft), on free ports of the loopback interface, with all files in one directory.
#   scripts/kafka.sh fetch                        download the jars to the user's cache, once
#   scripts/kafka.sh start DIR [secured]          start, wait until it answers, write DIR/bootstrap
#   scripts/kafka.sh topics DIR create NAME PARTITIONS [KEY=VALUE]...
#   scripts/kafka.sh topics DIR [list|describe|delete NAME]
#   scripts/kafka.sh stop DIR                     stop it; DIR stays, for inspection or another start
#   scripts/kafka.sh run DIR [secured]            run the broker in the foreground (used by start)
#   scripts/kafka.sh port                         print a free port, for another service of a test
# A secured broker has listeners with TLS, authentication and ACLs in addition to the plain one, whose
# clients are super users: tests/support/kafka/secured.sh.
# The jars come from Maven Central (tests/support/kafka/pom.xml). Nothing is installed, and only DIR and
# the cache are written.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly version=4.1.1
readonly support=$lw_root/tests/support/kafka
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/leeway/kafka-$version

usage() {
    sed -n '4,10s/^# *//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

# Downloaded to a temporary directory and renamed, so that an interrupted fetch leaves no partial copy.
fetch() {
    [ ! -e "$cache/complete" ] || return 0
    have mvn || die "Maven is required to download Kafka's jars: run scripts/deps.sh test"
    local part
    mkdir -p "$(dirname "$cache")"
    part=$(mktemp -d "$cache.XXXXXX")
    say "downloading Kafka $version from Maven Central to $cache"
    # Debian 12's Maven colours its messages even in batch mode.
    mvn -q -B --strict-checksums -f "$support/pom.xml" -Dkafka.version=$version \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
        -DoutputDirectory="$part/libs" 2>&1 | sed $'s/\e\\[[0-9;]*m//g' >&2 || {
        rm -rf "$part"
        die "could not download Kafka's jars; see Maven's message above"
    }
    : >"$part/complete"
    # Another fetch may have finished first.
    mv -T "$part" "$cache" 2>/dev/null || rm -rf "$part"
    [ -e "$cache/complete" ] || die "$cache is incomplete; remove it and fetch again"
}

# java_kafka CLASS ARG...: replaces this process, so that a signal to it reaches the JVM. The asterisk
# is Java's wildcard; the shell must not expand it.
java_kafka() {
    exec java -Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
        -Djava.net.preferIPv4Stack=true -Dlog4j2.configurationFile="$support/log4j2.xml" \
        -cp "$cache/libs/*" "$@"
}

# free_ports N: N unused ports below the range of outgoing connections, so that no outgoing
# connection takes one between this check and the broker's bind.
free_ports() {
    local low port used found=() tries=0
    read -r low _ </proc/sys/net/ipv4/ip_local_port_range
    used=$(awk 'NR > 1 { n = split($2, a, ":"); print a[n] }' /proc/net/tcp /proc/net/tcp6 \
        2>/dev/null || true)
    [ "$low" -gt 20000 ] || low=32768
    while [ ${#found[@]} -lt "$1" ]; do
        [ $((tries += 1)) -lt 10000 ] || die "found no free port"
        port=$((10000 + (RANDOM * 32768 + RANDOM) % (low - 10000)))
        case " ${found[*]-} " in *" $port "*) continue ;; esac
        case $'\n'$used$'\n' in *$'\n'$(printf '%04X' $port)$'\n'*) continue ;; esac
        found+=("$port")
    done
    echo "${found[@]}"
}

# The configuration is written once; a second start of DIR keeps its ports and its topics.
configure() {
    local dir=$1 broker controller users=()
    [ ! -e "$dir/server.properties" ] || return 0
    read -r broker controller < <(free_ports 2)
    cat >"$dir/server.properties.part" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=BROKER://127.0.0.1:$broker,CONTROLLER://127.0.0.1:$controller
advertised.listeners=BROKER://127.0.0.1:$broker
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/log
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
# Tests that stop a member must not wait six seconds for the group to notice.
group.min.session.timeout.ms=1000
# The record time of trips is their event time; the default retention of a week would delete
# those of 2020 on arrival.
log.retention.ms=-1
message.timestamp.before.max.ms=9223372036854775807
message.timestamp.after.max.ms=9223372036854775807
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=1
num.io.threads=2
background.threads=1
EOF
    if [ "${2:-}" = secured ]; then
        # shellcheck source-path=SCRIPTDIR source=../tests/support/kafka/secured.sh
        . "$support/secured.sh"
        secure "$dir"
    fi
    (java_kafka kafka.tools.StorageTool format --config "$dir/server.properties.part" \
        --cluster-id "$(cluster_id)" "${users[@]}") >"$dir/format.log" 2>&1 || {
        cat "$dir/format.log" >&2
        die "could not format $dir"
    }
    printf '127.0.0.1:%s\n' "$broker" >"$dir/bootstrap.part"
    mv "$dir/server.properties.part" "$dir/server.properties"
}

# 16 bytes in base64url, without a leading dash, which would look like an option.
cluster_id() {
    local id
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')
    printf '%s\n' "${id/#-/L}"
}

# started_at PID: the start time of the process, in the kernel's ticks; a reused PID has another
# start time and must not be killed.
started_at() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

broker_pid() {
    local pid start
    [ -r "$1/pid" ] && read -r pid start <"$1/pid" || return 1
    [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ] && echo "$pid"
}

run() {
    local dir
    mkdir -p "${1:?DIR}"
    dir=$(realpath "$1")
    fetch
    configure "$dir" "${2:-}"
    printf '%s %s\n' $$ "$(started_at $$)" >"$dir/pid"
    java_kafka kafka.Kafka "$dir/server.properties"
}

# The broker accepts requests once its log says so; watching the log needs no second JVM.
wait_ready() {
    local dir=$1 tries=0
    until grep -qs 'Kafka Server started' "$dir/broker.log"; do
        if [ $((tries += 1)) -gt 600 ] || ! kill -0 "$2" 2>/dev/null; then
            tail -n 40 "$dir/broker.log" >&2
            return 1
        fi
        sleep 0.1
    done
    mv "$dir/bootstrap.part" "$dir/bootstrap" 2>/dev/null || [ -e "$dir/bootstrap" ]
}

start() {
    local dir
    mkdir -p "${1:?DIR}"
    dir=$(realpath "$1")
    ! broker_pid "$dir" >/dev/null || die "a broker already runs in $dir"
    fetch
    : >"$dir/broker.log"
    setsid nohup "${BASH_SOURCE[0]}" run "$dir" "${2:-}" </dev/null >"$dir/broker.log" 2>&1 &
    wait_ready "$dir" $! || {
        stop "$dir"
        die "Kafka did not start in $dir; see the end of its log above"
    }
}

stop() {
    local pid tries=0
    pid=$(broker_pid "${1:?DIR}") || return 0
    kill "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do
        [ $((tries += 1)) -ne 150 ] || kill -9 "$pid" 2>/dev/null || true
        sleep 0.1
    done
    rm -f "$1/pid"
}

topics() {
    local dir=${1:?DIR} verb=${2:-list} setting args=()
    case $verb in
    create)
        args=(--create --topic "${3:?NAME}" --partitions "${4:?PARTITIONS}")
        for setting in "${@:5}"; do args+=(--config "$setting"); done
        ;;
    delete) args=(--delete --topic "${3:?NAME}") ;;
    list | describe) args=("--$verb") ;;
    *) usage ;;
    esac
    java_kafka org.apache.kafka.tools.TopicCommand \
        --bootstrap-server "$(<"$dir/bootstrap")" "${args[@]}"
}

case ${1:-} in
port) free_ports 1 ;;
fetch | run | start | stop | topics) "$@" ;;
*) usage ;;
esac
