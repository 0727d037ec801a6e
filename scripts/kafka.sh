#!/usr/bin/env bash
# A real Kafka for tests and for trying leeway by hand: one process, broker and controller in one
# (KRaft), on free ports of the loopback interface, with every file in one directory.
#   scripts/kafka.sh fetch                        get the jars into the user's cache, once
#   scripts/kafka.sh start DIR [secured]          start, wait until it answers, write DIR/bootstrap
#   scripts/kafka.sh topics DIR create NAME PARTITIONS [KEY=VALUE]...
#   scripts/kafka.sh topics DIR [list|describe|delete NAME]
#   scripts/kafka.sh stop DIR                     stop it; DIR stays, to look at or to start again
#   scripts/kafka.sh run DIR [secured]            the broker in the foreground (what start does)
#   scripts/kafka.sh port                         a free port, for another service of a test
# A secured one has listeners with TLS, logins and ACLs beside the plain one, which is a super user's:
# tests/support/kafka/secured.sh.
# The jars come from Maven Central by tests/support/kafka/pom.xml. Nothing is installed and nothing
# outside DIR and the cache is written.
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

# Copied to the side and moved into place, so that an interrupted fetch leaves no half set.
fetch() {
    [ ! -e "$cache/complete" ] || return 0
    have mvn || die "needs Maven to get Kafka's jars: scripts/deps.sh test"
    local part
    mkdir -p "$(dirname "$cache")"
    part=$(mktemp -d "$cache.XXXXXX")
    say "getting Kafka $version from Maven Central into $cache"
    # Debian 12's Maven colours its messages even in batch mode.
    mvn -q -B --strict-checksums -f "$support/pom.xml" -Dkafka.version=$version \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
        -DoutputDirectory="$part/libs" 2>&1 | sed $'s/\e\\[[0-9;]*m//g' >&2 || {
        rm -rf "$part"
        die "could not get Kafka's jars; Maven's own message is above"
    }
    : >"$part/complete"
    # Another fetch may have been quicker.
    mv -T "$part" "$cache" 2>/dev/null || rm -rf "$part"
    [ -e "$cache/complete" ] || die "$cache is there but incomplete; remove it and fetch again"
}

# java_kafka CLASS ARG...: replaces this process, so that a signal to it reaches the JVM. The star
# is Java's own wildcard and must not be expanded by the shell.
java_kafka() {
    exec java -Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
        -Djava.net.preferIPv4Stack=true -Dlog4j2.configurationFile="$support/log4j2.xml" \
        -cp "$cache/libs/*" "$@"
}

# free_ports N: N ports that nothing listens on, below the range that the kernel hands out to
# outgoing connections, so that none of those takes one between this look and the broker's bind.
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
# A test that stops a member must not wait six seconds for the group to notice.
group.min.session.timeout.ms=1000
# Trips carry their own time as record time; by the default of a week those of 2020 would be
# deleted as soon as they arrive.
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

# 16 bytes in base64url, and no leading dash that would read as an option.
cluster_id() {
    local id
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')
    printf '%s\n' "${id/#-/L}"
}

# started_at PID: when the process began, in the kernel's ticks; a number that was given to another
# process meanwhile has another start, and is not ours to end.
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

# The broker takes requests once it says so in its log; waiting for that costs no second JVM.
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
    ! broker_pid "$dir" >/dev/null || die "a broker runs in $dir already"
    fetch
    : >"$dir/broker.log"
    setsid nohup "${BASH_SOURCE[0]}" run "$dir" "${2:-}" </dev/null >"$dir/broker.log" 2>&1 &
    wait_ready "$dir" $! || {
        stop "$dir"
        die "Kafka did not come up in $dir; the end of its log is above"
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
