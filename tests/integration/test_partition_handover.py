"""A partition moves to another owner while its owner has unflushed state in memory.

State is flushed at most once a minute here, so that every other flush is caused by this scenario.

On revocation: a second process joins. The first one flushes its state of the partitions that it gives up,
and of no others, before it gives them up; the second starts exactly where the first one stopped.
The same happens when the first one leaves.

On loss: two processes are suspended for longer than their session, one with everything that it has read
still in memory, one with a flush on its way to Redis, delayed by a proxy. Another process takes over and
starts at the offset in Redis. Then the flush arrives, while the offset in Redis is still its start, so
that only the owner epoch can reject it; and the two processes resume. All commands to Redis from
then on are recorded: the unflushed state is dropped, and no command with an epoch of their partitions
changes anything.
"""
import re
import socket
import threading

from harness import (REDIS, REDIS_AS, TRIPS, Daemon, Redis, avro_cut, check, counters, ends, equal, free_port, gaps,
                     identical, main, metrics, offsets, say, wait_evaluated, wait_for)

PARTITIONS, PANE = 4, 3600 * 1000
SMOOTH = 9  # the database of the undisturbed run
SELDOM = "flush: {interval: 1m, events: 10000000}"


class Stream:
    """A topic, its trips in parts, and the processes of one group."""

    def __init__(self, case, name, *changes):
        self.case, self.name, self.block = case, name, 0
        self.changes = [(r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
                        (r"idle_timeout: \S+", "idle_timeout: 1h"), *changes]
        case.create((name, PARTITIONS), (name + ".dead", 1))
        self.often = case.nyc(name, name, self.changes)
        self.seldom = case.nyc(name, name, [*self.changes, (r"flush: .*", SELDOM)], f"{name}-seldom.yaml")

    def key(self, rest):
        return f"leeway:{{{self.name}}}:{rest}"

    def produce(self, blocks):
        """The next blocks of trips; returns the new ends of the partitions."""
        path = self.case.path("slice.avro")
        avro_cut(TRIPS, path, self.block, self.block + blocks)
        self.block += blocks
        self.case.leeway("replay", "-c", self.often, path)
        return ends(self.name)

    def offsets(self):
        """The offset in Redis of each partition; -1: none."""
        found = (self.case.redis("HGET", self.key(f"part:{self.name}:{p}"), "next_offset")
                 for p in range(PARTITIONS))
        return [-1 if offset is None else int(offset) for offset in found]

    def owned_by(self, member):
        """The process's partitions, by the state in Redis."""
        return {p for p in range(PARTITIONS) if f":{member.child.pid}:" in (self.case.redis(
            "HGET", self.key(f"part:{self.name}:{p}"), "owner") or b"").decode()}

    def with_panes(self):
        """Partitions that have panes in Redis."""
        return {int(k.rsplit(":", 1)[1]) for k in self.case.redis.keys(self.key("pane:*"))}

    def finish(self, total):
        """Nothing is left to read. Somebody seals what is complete, one run from the beginning makes the
        same in the other database, and both are compared."""
        last = Daemon(self.case, self.often, "last")
        wait_evaluated(self.case.redis, self.name, total, PARTITIONS, PANE)
        last.stop()
        other = Redis(db=SMOOTH)
        daemon = Daemon(self.case, self.case.nyc(self.name, self.name, [
            *self.changes, (r"group\.id: \S+", f"group.id: {self.name}-smooth")], f"{self.name}-smooth.yaml"),
            f"{self.name}-smooth", db=SMOOTH)
        wait_evaluated(other, self.name, total, PARTITIONS, PANE)
        daemon.stop()
        for redis in (self.case.redis, other):
            sums = counters(redis, self.name)
            equal(sums["messages"], total, "messages counted")
            equal(sums["good"] + sums["rejected"] + sums["dead_lettered"], total, "their kinds")
            equal(gaps(redis, self.name), [], "partitions whose counters do not match their offsets")
        identical(self.case.redis, other, self.name, self.name)
        other.close()


class Member(Daemon):
    """A process whose read events are known, flushed or not."""

    def __init__(self, case, config, name, **environment):
        self.listen = f"127.0.0.1:{free_port()}"
        super().__init__(case, config, name, LEEWAY_LISTEN=self.listen, **environment)
        wait_for(f"{name} to answer", 30, self.answers)

    def answers(self):
        try:
            return metrics(self.listen)
        except OSError:
            return False

    def figure(self, name):
        return int(float(metrics(self.listen)[f"leeway_{name}"]))

    def claims(self):
        """[(partition, epoch, offset)] in order."""
        found = (re.search(r"partition=(\d+) epoch=(\d+) offset=(-?\d+)", line)
                 for line in self.logged("partition_claimed"))
        return [tuple(map(int, m.groups())) for m in found]

    def logged_partitions(self, event):
        """Of which partitions."""
        return [int(re.search(r"partition=(\d+)", line)[1]) for line in self.logged(event)]


    def has_read(self, n):
        """... so many trips, and flushed nothing."""
        wait_for(f"{self.name} to have read {n} trips", 60, lambda: self.figure("messages_total") == n)
        equal(self.figure("flushes_total"), 0, f"flushes of {self.name}")


# ---- revoke -----------------------------------------------------------------------------------


def revoke(case):
    stream = Stream(case, "handover-revoke")
    first = stream.produce(6)
    one = Member(case, stream.seldom, "first")
    one.has_read(sum(first))
    equal(stream.offsets(), [-1] * PARTITIONS, "offsets in Redis before anything is revoked")
    equal(stream.with_panes(), set(), "partitions with panes in Redis")

    two = Member(case, stream.seldom, "second")
    wait_for("the second to own partitions", 60, lambda: len(two.claims()) == PARTITIONS // 2)
    moved = set(one.logged_partitions("partition_released"))
    equal({p for p, _, _ in two.claims()}, moved, "partitions that the second has")
    for p, _, offset in two.claims():
        equal(offset, first[p], f"where the second begins in partition {p}")
    equal(stream.offsets(), [first[p] if p in moved else -1 for p in range(PARTITIONS)], "offsets in Redis")
    equal(stream.with_panes(), moved, "partitions with panes in Redis")
    equal(counters(case.redis, stream.name)["messages"], sum(first[p] for p in moved), "messages counted")
    equal(one.figure("flushes_total"), len(moved), "flushes of the first: one per revoked partition")
    say(f"partitions {sorted(moved)} were flushed and given up at {[first[p] for p in sorted(moved)]}")

    second = stream.produce(4)
    wait_for("both to have read the rest", 60, lambda: one.figure("messages_total") +
             two.figure("messages_total") >= sum(second))
    equal(two.figure("messages_total"), sum(second[p] - first[p] for p in moved), "trips that the second read")
    one.stop()
    wait_for("the second to own all", 60, lambda: len(two.claims()) == PARTITIONS)
    for p, _, offset in two.claims()[len(moved):]:
        equal(offset, second[p], f"where the second goes on in partition {p}")
    equal({p for p, _, _ in two.claims()}, set(range(PARTITIONS)), "partitions that the second has")

    third = stream.produce(2)
    wait_for("the second to have read the rest", 60, lambda: two.figure("messages_total") >= sum(
        third[p] - (first if p in moved else second)[p] for p in range(PARTITIONS)))
    equal(two.figure("messages_total"), sum(third[p] - (first if p in moved else second)[p]
                                            for p in range(PARTITIONS)), "trips that the second read")
    two.stop()
    equal(stream.offsets(), third, "offsets in Redis at the end")
    for daemon in (one, two):
        for event in ("partition_lost", "fenced", "revoked_unflushed"):
            equal(daemon.logged(event), [], f"{event} in the log of {daemon.name}")
    stream.finish(sum(third))


# ---- loss -------------------------------------------------------------------------------------


class Proxy:
    """A proxy between one process and Redis; it delays commands with certain epochs, and all later ones."""

    def __init__(self, case):
        self.lock, self.epochs, self.kept = threading.Lock(), [], []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://{REDIS_AS}127.0.0.1:{self.server.getsockname()[1]}"
        case.at_end.append(self.server.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                client, _ = self.server.accept()
                host, port = REDIS.rsplit(":", 1)
                redis = socket.create_connection((host, int(port)))
                for pump in ((client, redis, self.send), (redis, client, socket.socket.sendall)):
                    threading.Thread(target=self.pump, args=pump, daemon=True).start()
        except OSError:
            pass  # closed

    @staticmethod
    def pump(from_, to, send):
        try:
            while data := from_.recv(1 << 16):
                send(to, data)
        except OSError:
            pass  # one end is closed; delayed commands are still sent

    def send(self, redis, data):
        with self.lock:
            if any(redis is to for to, _ in self.kept) or any(epoch in data for epoch in self.epochs):
                self.kept.append((redis, data))
            else:
                redis.sendall(data)

    def keep(self, epochs):
        with self.lock:
            self.epochs = [b"%d" % epoch for epoch in epochs]

    def let_go(self):
        with self.lock:
            for redis, data in self.kept:
                redis.sendall(data)
            self.epochs, self.kept = [], []


class Commands:
    """All commands that the server receives from here on, including those of scripts (MONITOR)."""

    def __init__(self):
        self.redis, self.lines = Redis(timeout=None), []
        self.redis("MONITOR")
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while not self.lines or b"enough of MONITOR" not in self.lines[-1]:
            self.lines.append(self.redis.reply())

    def end(self, case):
        case.redis("ECHO", "enough of MONITOR")
        self.thread.join(60)
        check(not self.thread.is_alive(), "the end of MONITOR came")
        self.redis.close()

    def with_epoch(self, epochs):
        """Commands that carry one of these epochs, each with the commands that its script called."""
        found, words = [], [b'"%d"' % epoch for epoch in epochs]
        for line in list(self.lines):
            if b" lua] " not in line:
                found.append([line, []])
            elif found:
                found[-1][1].append(line.split(b'"')[1].decode())
        return [(line, called) for line, called in found if any(word in line for word in words)]


READS = {"HMGET", "HGET", "GET", "TIME"}


def loss(case):
    stream = Stream(case, "handover-loss", (
        r"group\.id: \S+", "group.id: handover-loss\n  session.timeout.ms: 6000\n"
        "  heartbeat.interval.ms: 1000"))
    proxy = Proxy(case)
    one = Member(case, stream.seldom, "stopped")
    slow = Member(case, stream.often, "slow", LEEWAY_REDIS=proxy.url)
    wait_for("both to own partitions", 60, lambda: [m.figure("partitions_owned") for m in (one, slow)] ==
             [PARTITIONS // 2] * 2)
    before = len(one.claims())
    old = [epoch for m in (one, slow) for _, epoch, _ in m.claims()]
    proxy.keep([epoch for _, epoch, _ in slow.claims()])
    first = stream.produce(6)
    one.has_read(sum(first[p] for p in stream.owned_by(one)))
    wait_for("a flush to be delayed", 60, lambda: proxy.kept)
    read = one.figure("messages_total")
    for member in (one, slow):
        member.freeze()
    equal(stream.offsets(), [-1] * PARTITIONS, "offsets in Redis when they are stopped")
    two = Member(case, stream.seldom, "other")
    wait_for("the other to own all", 60, lambda: len(two.claims()) == PARTITIONS)
    equal({offset for _, _, offset in two.claims()}, {-1}, "start offsets of the other: nothing was flushed")
    commands = Commands()
    proxy.let_go()
    wait_for("the flush to arrive", 60, lambda: commands.with_epoch(old))
    two.has_read(sum(first))
    equal(stream.offsets(), [-1] * PARTITIONS, "offsets in Redis after the late flush")
    equal(stream.with_panes(), set(), "partitions with panes in Redis")

    second = stream.produce(4)
    two.has_read(sum(second))
    for member in (one, slow):
        member.resume()
    wait_for("both to notice that they are expelled", 60, lambda: all(
        len(m.logged_partitions("partition_lost") + m.logged_partitions("fenced")) >= PARTITIONS // 2 for m in (one, slow)))
    slow.stop(60)
    wait_for("the first to own partitions again", 60,
             lambda: one.figure("partitions_owned") == PARTITIONS // 2 and len(one.claims()) > before)
    for p, _, offset in one.claims()[before:]:
        equal(offset, second[p], f"where the first begins again in partition {p}")
    third = stream.produce(2)
    wait_for("the rest to be read", 60, lambda: one.figure("messages_total") - read + two.figure(
        "messages_total") >= sum(third))
    one.stop()
    two.stop()
    equal(stream.offsets(), third, "offsets in Redis at the end")
    commands.end(case)

    for event in ("fenced", "revoked_unflushed"):
        equal(two.logged(event), [], f"{event} in the log of the other: its state was changed")
    tried = commands.with_epoch(old)
    check(tried, "the delayed flush arrived")
    equal([line[:300] for line, called in tried if set(called) - READS], [], "its writes")
    epochs = [[e for _, e, _ in claims] for claims in (one.claims()[before:], two.claims())]
    wrote = [sum(bool(set(called) - READS) for _, called in commands.with_epoch(e)) for e in epochs]
    check(min(wrote) >= 1, "writes with valid epochs are recorded", wrote)
    say(f"of {len(commands.lines)} commands {len(tried)} came with an epoch of what was lost and wrote "
        f"nothing; with valid ones the first wrote {wrote[0]} times, the other {wrote[1]}")
    stream.finish(sum(third))


def scenario(case):
    case.databases.append(SMOOTH)
    revoke(case)
    loss(case)


main(scenario)
