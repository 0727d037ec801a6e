"""A master dies under Redis Sentinel with writes that it had not replicated.

There are one master, one replica and three sentinels. Mid-stream the replica loses its connection for a
while, the master continues, and is killed: the sentinels then promote an older state. State and offsets
have gone back together, so the workers are fenced, claim again and read the gap again. Later the old
master, now a replica, is promoted again while everything runs. At the end,
Redis must equal that of an undisturbed run."""
import subprocess

from harness import (BIN, EVENTS, TRIPS, Daemon, Failed, Redis, RedisServer, check, counters, each_pane_once,
                     equal, free_port, identical, main, offsets, say, wait_evaluated, wait_for)

STREAM = TOPIC = "sentinel"
PARTITIONS, PANE = 4, 6 * 3600 * 1000
MASTER = "trips"


class Sentinel:
    def __init__(self, case, number, master):
        self.port = free_port()
        path = case.path(f"sentinel-{number}.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"port {self.port}\nbind 127.0.0.1\ndir {case.dir}\n"
                    f"logfile sentinel-{number}.log\n"
                    f"sentinel monitor {MASTER} 127.0.0.1 {master} 2\n"
                    f"sentinel down-after-milliseconds {MASTER} 1000\n"
                    f"sentinel failover-timeout {MASTER} 3000\n")
        self.child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "redis-server", path, "--sentinel"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        case.at_end.append(self.child.kill)
        self.address = f"127.0.0.1:{self.port}"

    def __call__(self, *words):
        redis = Redis(self.address, 5)
        try:
            return redis("SENTINEL", *words)
        finally:
            redis.close()

    def knows_all(self):
        try:
            return (len(self("replicas", MASTER)) == 1 and len(self("sentinels", MASTER)) == 2)
        except OSError:
            return False


def ask(server, what):
    """Uses a new connection, because a server that changes its role closes all connections. None while it
    does."""
    redis = None
    try:
        redis = Redis(server.address, 5)
        return what(redis)
    except (Failed, OSError):
        return None
    finally:
        if redis:
            redis.close()


def role(server):
    return ask(server, lambda r: r("ROLE")[0].decode())


def at(server):
    return ask(server, lambda r: offsets(r, STREAM)) or 0


def follows(server):
    info = ask(server, lambda r: r("INFO", "replication")) or b""
    return b"master_link_status:up" in info and b"master_sync_in_progress:0" in info


def scenario(case):
    case.create((TOPIC, PARTITIONS), (TOPIC + ".dead", 1))
    quick = ("--repl-diskless-sync-delay", "0")
    master = RedisServer(case, "one", *quick)
    replica = RedisServer(case, "two", *quick, "--replicaof", f"127.0.0.1 {master.port}")
    sentinels = [Sentinel(case, i, master.port) for i in range(3)]
    wait_for("the sentinels to know each other and the replica", 30,
             lambda: all(s.knows_all() for s in sentinels))
    url = "sentinel://" + ",".join(s.address for s in sentinels) + "/" + MASTER
    config = case.nyc(STREAM, TOPIC, [
        (r"length: 1h$", "length: 6h"), (r"week: 7d", "week: 120d"),
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
        (r"idle_timeout: \S+", "idle_timeout: 1h"), (r"group\.id: \S+", 'group.id: "${GROUP}"'),
        (r"^  timeout: 2s", "  timeout: 1s\n  retry_max: 1s\n  lease: 2s")])
    daemons = [Daemon(case, config, f"run-{i}", LEEWAY_REDIS=url, GROUP="rough") for i in range(2)]
    producer = subprocess.Popen([BIN, "replay", "-c", config, "--rate", "11000", TRIPS],
                                stdout=subprocess.DEVNULL, env={**case.environment, "GROUP": "-"})
    case.at_end.append(producer.kill)

    wait_for("trips", 60, lambda: at(master) > 20000)
    wait_for("the replica to follow", 20, lambda: follows(replica))
    ask(replica, lambda r: r("REPLICAOF", "127.0.0.1", 1))  # an unreachable master
    cut = at(replica)
    wait_for("writes that are not replicated", 30, lambda: at(master) > cut + 5000, 0.02)
    before = at(master)
    master.kill()
    wait_for("the sentinels to promote the replica", 40, lambda: role(replica) == "master")
    say(f"failover: the old master had {before} trips, the new one has {cut}")
    check(cut < before < EVENTS, "writes were lost mid-stream", cut, before)
    wait_for("the stream to continue", 40, lambda: at(replica) > before)
    check(any(d.logged("fenced") for d in daemons), "workers were fenced, as the state is older")

    master.start()
    wait_for("the old master to become a replica", 40, lambda: role(master) == "slave")
    wait_for("its copy", 30, lambda: follows(master))
    wait_for("the sentinels to agree", 40, lambda: all(s.knows_all() for s in sentinels))

    def again():  # refused if the last failover is too recent
        try:
            return sentinels[0]("failover", MASTER) == b"OK"
        except (Failed, OSError):
            return False

    wait_for("a manual failover", 30, again, 1)
    wait_for("the first to be master again", 40, lambda: role(master) == "master")
    turned = at(master)
    say(f"manual failover, at {turned} trips")
    check(turned < EVENTS, "also mid-stream", turned)
    equal(producer.wait(90), 0, "exit status of the replay")
    one = Redis(master.address)
    wait_evaluated(one, STREAM, EVENTS, PARTITIONS, PANE)
    equal(counters(one, STREAM)["messages"], EVENTS, "messages counted")
    each_pane_once(one, STREAM, PANE)
    for daemon in daemons:
        check(daemon.alive(), f"{daemon.name} runs")
        daemon.stop(20)
    smooth = Daemon(case, config, "smooth", GROUP="smooth")
    wait_evaluated(case.redis, STREAM, EVENTS, PARTITIONS, PANE)
    smooth.stop(20)
    identical(one, case.redis, STREAM, "after two failovers")
    one.close()


main(scenario)
