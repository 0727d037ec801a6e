"""A Redis Cluster whose slot moves to another node, key by key, and whose master then dies.

There are three masters, and a replica of the one that the slot moves to. All keys of a stream are in one slot.
While it moves, operations that cannot be atomic are refused and the workers pause; then they follow the slot.
The replica replaces a killed master, possibly without its last writes. At the end,
Redis must equal that of an undisturbed run."""
import subprocess
import time

from harness import (BIN, EVENTS, TRIPS, Daemon, Failed, Redis, RedisServer, check, counters,
                     each_pane_once, equal, free_port, identical, main, offsets, say, wait_evaluated, wait_for)

STREAM = TOPIC = "cluster"
PARTITIONS, PANE = 4, 6 * 3600 * 1000
SLOTS = [(0, 5460), (5461, 10922), (10923, 16383)]


class Node:
    def __init__(self, case, number):
        self.bus = free_port()
        self.server = RedisServer(
            case, f"node-{number}", "--cluster-enabled", "yes", "--cluster-port", str(self.bus),
            "--cluster-node-timeout", "1500", "--cluster-require-full-coverage", "no",
            "--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0")
        self.redis = Redis(self.server.address)
        self.id = self.redis("CLUSTER", "MYID").decode()
        case.at_end.append(self.redis.close)

    def ok(self):
        info = self.redis("CLUSTER", "INFO").decode()
        return "cluster_state:ok" in info and "cluster_known_nodes:4" in info


def form(case):
    nodes = [Node(case, i) for i in range(4)]
    for i, node in enumerate(nodes):
        node.redis("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
        if i < 3:
            node.redis("CLUSTER", "ADDSLOTSRANGE", *SLOTS[i])
        if i:
            node.redis("CLUSTER", "MEET", "127.0.0.1", nodes[0].server.port, nodes[0].bus)
    wait_for("the cluster", 30, lambda: all(n.ok() for n in nodes))
    return nodes


def move(slot, source, target):
    """Moves a few keys at a time, like redis-cli --cluster reshard."""
    target.redis("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.redis("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    moved = 0
    while keys := source.redis("CLUSTER", "GETKEYSINSLOT", slot, 10):
        source.redis("MIGRATE", "127.0.0.1", target.server.port, "", 0, 5000, "KEYS", *keys)
        moved += len(keys)
        time.sleep(0.05)
    for node in (target, source):
        node.redis("CLUSTER", "SETSLOT", slot, "NODE", target.id)
    return moved


def holder(nodes, slot):
    return next(n for n, (a, b) in zip(nodes, SLOTS) if a <= slot <= b)


def scenario(case):
    case.create((TOPIC, PARTITIONS), (TOPIC + ".dead", 1))
    nodes = form(case)
    slot = nodes[0].redis("CLUSTER", "KEYSLOT", f"leeway:{{{STREAM}}}:x")
    source = holder(nodes, slot)
    target = next(n for n in nodes[:3] if n is not source)
    replica = nodes[3]
    wait_for("the replica to know its master", 20, lambda: target.id.encode() in
             replica.redis("CLUSTER", "NODES"))
    replica.redis("CLUSTER", "REPLICATE", target.id)
    wait_for("the replica to follow", 30,
             lambda: b"master_link_status:up" in replica.redis("INFO", "replication"))

    url = "redis://" + ",".join(n.server.address for n in nodes[:3])
    config = case.nyc(STREAM, TOPIC, [
        (r"length: 1h$", "length: 6h"), (r"week: 7d", "week: 120d"),
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
        (r"idle_timeout: \S+", "idle_timeout: 1h"), (r"group\.id: \S+", 'group.id: "${GROUP}"'),
        (r"^  timeout: 2s", "  timeout: 1s\n  retry_max: 1s\n  lease: 2s")])
    daemons = [Daemon(case, config, f"run-{i}", LEEWAY_REDIS=url, GROUP="rough") for i in range(2)]
    producer = subprocess.Popen([BIN, "replay", "-c", config, "--rate", "20000", TRIPS],
                                stdout=subprocess.DEVNULL, env={**case.environment, "GROUP": "-"})
    case.at_end.append(producer.kill)

    wait_for("trips", 60, lambda: offsets(source.redis, STREAM) > 60000)
    moved = move(slot, source, target)
    before = offsets(target.redis, STREAM)
    say(f"the slot moved with {moved} keys, at {before} trips")
    check(moved > 100 and before < EVENTS, "the slot moved mid-stream", moved, before)
    wait_for("the stream to continue", 30, lambda: offsets(target.redis, STREAM) > before + 10000)

    before = offsets(target.redis, STREAM)
    target.server.kill()

    def leads():
        try:
            return replica.redis("ROLE")[0] == b"master"
        except Failed:
            return False

    wait_for("the replica to take over", 40, leads)
    say(f"the master died at {before} trips, its replica has {offsets(replica.redis, STREAM)}")
    wait_for("the stream to continue", 40, lambda: offsets(replica.redis, STREAM) > before)
    equal(producer.wait(90), 0, "exit status of the replay")
    wait_evaluated(replica.redis, STREAM, EVENTS, PARTITIONS, PANE)
    equal(counters(replica.redis, STREAM)["messages"], EVENTS, "messages counted")
    each_pane_once(replica.redis, STREAM, PANE)
    for daemon in daemons:
        check(daemon.alive(), f"{daemon.name} runs")
        daemon.stop(20)
    smooth = Daemon(case, config, "smooth", GROUP="smooth")
    wait_evaluated(case.redis, STREAM, EVENTS, PARTITIONS, PANE)
    smooth.stop(20)
    identical(replica.redis, case.redis, STREAM, "after the move and the failover")


main(scenario)
