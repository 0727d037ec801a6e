"""Services and processes fail in every way at random instants, while trips are produced; after each
phase the state equals that of an undisturbed run, byte for byte.

A Kafka and a Redis of this test are killed and restored; processes of one group are killed,
suspended for longer than their session, join and leave. A reference process reads the same topic
into a separate, undisturbed Redis. After each phase, production pauses until both have read
everything and sealed all complete panes; then all keys of the stream in Redis must be equal: every
pane, the progress and the counters of every partition, offsets, window sketches, history, alert
statuses, the monitor's state, and the audit. At the end, the whole topic is read once more
in one undisturbed run, without a restart of the broker, and compared too.

Only process names and wall-clock times may differ. The model is fixed from the first trip
and nothing is retrained, because the offset at which a worker adopts a new version depends on timing.
Tracking is off for the same reason; test_tracked_kills.py has it on.

    SEED=n                    repeat the same faults
    LEEWAY_CHAOS=kills,older  only these phases
"""
import os
import signal
import subprocess
import time

from harness import (BIN, TRIPS, Broker, Daemon, Receiver, Redis, RedisServer, avro_cut, avro_later,
                     check, count, counters, each_pane_once, equal, identical, main, offsets, say, wait_evaluated,
                     wait_for)

FIRST = "chaos-first"
PARTITIONS, PANE = 6, 6 * 3600 * 1000
RATE = 2500
TIMES, MONTHS = ("lpep_pickup_datetime", "lpep_dropoff_datetime"), 92 * 24 * 3600 * 1000  # March to May
KILLS = int(os.environ.get("LEEWAY_CHAOS_KILLS", "30"))
ROUNDS = int(os.environ.get("LEEWAY_CHAOS_ROUNDS", "0"))
SESSION, LEASE = 3, 2  # seconds


# ---- the two sides ----------------------------------------------------------------------------


class World:
    stream, tracking, kills = "chaos", "0s", KILLS

    def __init__(self, case):
        self.case, self.random = case, case.random
        self.broker = Broker(case)
        self.redis = RedisServer(case, "rough")
        self.still = RedisServer(case, "smooth")
        self.receivers = [Receiver(), Receiver()]
        case.at_end += [r.close for r in self.receivers]
        case.environment["LEEWAY_REDIS"] = f"redis://{self.redis.address}"
        case.environment["LEEWAY_WEBHOOK"] = self.receivers[0].url
        self.topic = self.stream + "-trips"
        case.create((self.topic, PARTITIONS), (self.topic + ".dead", 1), (FIRST, 1), (FIRST + ".dead", 1))
        self.season, self.trips = -1, None
        self.next_season()
        self.slots, self.started = {}, 0
        self.producer = self.smooth = None

    def key(self, name):
        return f"leeway:{{{self.stream}}}:{name}"

    def config(self, group, instance=None, workers=1, changes=()):
        return self.case.nyc(self.stream, self.topic, [
            (r"length: 1h$", "length: 6h"), (r"week: 7d", "week: 120d"),
            (r"max_age: \S+", "max_age: 0"), (r"retrain: true", "retrain: false"),
            (r"^  stale: .*", "  stale: {age: 0}"),
            (r"^retrain:", f"tracking: {{time_constant: {self.tracking}}}\nretrain:"),
            (r"idle_timeout: \S+", "idle_timeout: 1h"), (r"workers: 1 ", f"workers: {workers} "),
            (r"flush: .*", "flush: {interval: 100ms, events: 300}"),
            (r"^  timeout: 2s", f"  timeout: 500ms\n  retry_max: 1s\n  lease: {LEASE}s"),
            (r"group\.id: \S+", f"group.id: {group}\n  session.timeout.ms: {SESSION * 1000}\n"
             f"  heartbeat.interval.ms: 500" +
             (f"\n  group.instance.id: {instance}" if instance else "")),
            *changes], f"{group}-{instance or workers}.yaml")

    def connect(self, server=None):
        return Redis((server or self.redis).address)

    # -- the model that scores from the first trip on

    def train(self, rows, name):
        """Trains version 1 in the bootstrap of a separate run, of which only the model is kept."""
        first = self.config(name, changes=[
            (r"until: 2020-03-12", f"rows: {rows}"), (r"holdout: 2d", "holdout: 12h"),
            (r"^  topic: \S+", f"  topic: {FIRST}")])
        daemon = Daemon(self.case, first, name)
        redis = self.connect()
        wait_for("version 1", 60, lambda: redis("HGET", self.key("models"), "champion") == b"1")
        daemon.stop()
        model = [(k, redis("DUMP", k)) for k in map(self.key, ("models", "model:1", "reference:1"))]
        redis("FLUSHALL")
        redis.close()
        say(f"trained on {rows} trips")
        return model

    def train_two(self):
        avro_cut(TRIPS, self.case.path("first.avro"), 0, 8)
        self.case.leeway("replay", "-c", self.config("first", changes=[
            (r"^  topic: \S+", f"  topic: {FIRST}")]), self.case.path("first.avro"))
        self.other = self.train(8000, "second")
        self.model = self.train(15000, "first")
        for server in (self.redis, self.still):
            self.empty(server)

    def empty(self, server):
        """Deletes everything but the model in one step, as if a person restored the model from an export."""
        redis = self.connect(server)
        redis("MULTI")
        redis("FLUSHALL")
        for name, bytes_ in self.model:
            redis("RESTORE", name, 0, bytes_)
        redis("EXEC")
        redis.close()

    # -- trips

    def next_season(self):
        """The bundled trips last for one round. Once they have all been produced, they are repeated as
        those of the following three months."""
        old, self.season, self.trips = self.trips, self.season + 1, TRIPS
        if self.season:
            self.trips = self.case.path(f"season-{self.season}.avro")
            avro_later(TRIPS, self.trips, TIMES, self.season * MONTHS)
            say(f"the trips are repeated for the {self.season + 1}th time")
        if self.season > 1:
            os.unlink(old)
        self.block, self.blocks = 0, avro_cut(self.trips, self.case.path("none.avro"), 0, 0)[1]

    def cut(self, path, n):
        """The next blocks with at least n trips, or as many as this season has left."""
        found, first = 0, self.block
        while found < n and self.block < self.blocks:
            self.block += 1
            found, _ = avro_cut(self.trips, path, first, self.block)
        return found

    def produce(self, seconds, rate=RATE):
        """Produces the next trips for this many seconds, in the background."""
        paths, left = [], seconds * rate
        while left > 0:
            if self.block == self.blocks:
                self.next_season()
            paths.append(self.case.path(f"slice-{len(paths)}.avro"))
            left -= self.cut(paths[-1], left)
        self.producer = subprocess.Popen(
            [BIN, "replay", "-c", self.config("producer"), "--rate", str(rate), *paths],
            stdout=subprocess.DEVNULL, env=self.case.environment)
        self.case.at_end.append(self.producer.kill)

    def await_producer(self):
        equal(self.producer.wait(120), 0, "exit status of the replay")

    # -- processes

    def start(self, slot):
        """a and b are static members, and c and d join and leave; d and b2 ... have two workers."""
        self.started += 1
        static = slot in "ab"
        config = self.config("chaos", f"chaos-{slot}" if static else None, 1 if static else 2)
        self.slots[slot] = Daemon(self.case, config, f"{slot}-{self.started}")

    def start_smooth(self, name):
        self.smooth = Daemon(self.case, self.config(name), name, LEEWAY_WEBHOOK=self.receivers[1].url,
                             LEEWAY_REDIS=f"redis://{self.still.address}")

    def restart_smooth(self):
        """Reads from the first trip, in one run."""
        self.smooth.stop(30)
        self.empty(self.still)
        self.start_smooth(f"smooth-{self.started}")

    def kill(self, slot):
        self.slots.pop(slot).kill()

    def leave(self, slot):
        daemon = self.slots.pop(slot)
        wait_for(f"{daemon.name} to have started", 20, lambda: daemon.logged("starting"))
        daemon.child.send_signal(signal.SIGTERM)
        # librdkafka 2.0.2 can abort when a member is closed in the middle of its first join. That
        # is a crash like the others, and must lose nothing.
        status = daemon.child.wait(60)
        check(status == 0 or "sticky_assignor_state_destroy: Assertion" in daemon.text(),
              f"{daemon.name} stops cleanly", status)

    def at(self):
        redis = self.connect()
        try:
            return offsets(redis, self.stream)
        finally:
            redis.close()

    def pass_(self, n, seconds=30):
        """Waits until n more messages are counted in Redis."""
        want = self.at() + n
        return wait_for(f"{want} trips in Redis", seconds, lambda: self.at() >= want, 0.05)

    def logged(self, event):
        return sum(len(d.logged(event)) for d in self.case.daemons if d is not self.smooth)

    def wait_evaluated(self, what):
        self.await_producer()
        total = count(self.topic)
        rough, smooth = self.connect(), self.connect(self.still)
        for redis in (rough, smooth):
            wait_evaluated(redis, self.stream, total, PARTITIONS, PANE, 60 + total / 5000)
        for redis in (rough, smooth):
            sums = counters(redis, self.stream)
            equal(sums["messages"], total, f"{what}: messages counted")
            equal(sums["good"] + sums["rejected"] + sums["dead_lettered"], total, f"{what}: their kinds")
            equal(sums["scored"], sums["good"], f"{what}: scored from the first trip on")
            each_pane_once(redis, self.stream, PANE)
        identical(rough, smooth, self.stream, f"{what} ({total} messages)")
        rough.close()
        smooth.close()


# ---- phases -----------------------------------------------------------------------------------


def kills(w):
    w.produce(w.kills * 1.1)
    moved, before = 0, w.at()
    for _ in range(w.kills):
        # Mid-stream: something has been written since the last one, or nothing could be.
        until = time.monotonic() + 4
        while w.at() == before and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(w.random.uniform(0, 0.8))
        now = w.at()
        moved, before = moved + (now > before), now
        victim = w.random.choice(sorted(w.slots))
        w.kill(victim)
        if victim in "ab" or w.random.random() < 0.7:
            w.start(victim)
        if w.random.random() < 0.3:  # one more joins, or one of the dynamic ones leaves
            other = w.random.choice("cd")
            if other not in w.slots:
                w.start(other)
            elif len(w.slots) > 2:
                w.leave(other)
    say(f"killed {w.kills} times, {moved} of them after a write since the last")
    check(moved >= w.kills / 2, "most kills were mid-stream", moved)


def stop_one(w, slot, why):
    """Suspends one process for longer than its session and its lease; the others take over; then it resumes."""
    daemon, redis = w.slots[slot], w.connect()
    me = f":{daemon.child.pid}"
    mine = lambda: [k for k in redis.keys(w.key("part:*"))
                    if (redis("HGET", k, "owner") or b"").decode().rsplit(":", 1)[0].endswith(me)]
    wait_for(f"{slot} to own a partition", 20, mine, 0.02)
    time.sleep(w.random.uniform(0, 0.5))
    daemon.freeze()
    wait_for("the others to own its partitions", 30, lambda: not mine())
    wait_for("another to lead", 20, lambda: not (redis("GET", w.key("lease")) or b"").decode().endswith(me))
    w.pass_(500)
    handed_over = lambda: sum(len(daemon.logged(e)) for e in ("fenced", "partition_lost", "partition_released"))
    before = handed_over()
    daemon.resume()
    wait_for(f"{slot} to notice that it is expelled", 30, lambda: handed_over() > before)
    say(f"{slot} ({why}) suspended for longer than its session, and resumed")
    redis.close()


def zombies(w):
    w.produce(16)
    redis = w.connect()
    lease = lambda: (redis("GET", w.key("lease")) or b"").decode()
    pids = {str(d.child.pid): s for s, d in w.slots.items()}
    leader = lambda: pids.get(lease().rsplit(":", 1)[-1])  # the lease of a killed process lasts a while
    stop_one(w, wait_for("a living leader", 30, leader), "the leader")
    redis.close()
    stop_one(w, w.random.choice(sorted(w.slots)), "any")


def restarts(w):
    """Restarts from the append-only file; and a server that only hangs."""
    w.produce(14)
    for i in range(2):
        w.pass_(w.random.randrange(500, 3000))
        w.redis.kill()
        time.sleep(w.random.uniform(0.1, 1.5))
        w.redis.start()
        w.pass_(500)
    stalls = w.logged("stalled")
    w.redis.stop()
    time.sleep(w.random.uniform(1, 3))
    wait_for("the outage to be noticed", 20, lambda: w.logged("stalled") > stalls)
    w.redis.resume()
    w.pass_(500)
    say("Redis was killed twice and hung once")


def older(w):
    w.produce(12)
    w.pass_(w.random.randrange(1000, 5000))
    w.redis.copy(w.case.path("older"))
    w.pass_(w.random.randrange(3000, 9000))
    w.redis.kill()
    was = w.redis.dir
    w.redis.restore(w.case.path("older"))
    w.redis.start()
    say(f"{was}: restored to an older state")
    w.pass_(4000)


def emptied(w):
    w.produce(10)
    w.pass_(w.random.randrange(1000, 5000))
    w.empty(w.redis)
    w.pass_(1000)


def broker(w):
    w.produce(14)
    w.pass_(w.random.randrange(500, 3000))
    w.broker.kill()
    time.sleep(w.random.uniform(0.5, 2))
    w.broker.start()
    say("the broker is back")


PHASES = [kills, zombies, restarts, older, emptied, broker]


def at_rest(w):
    """State is lost while no events arrive: the loss is detected and the state rebuilt."""
    w.redis.kill()
    w.redis.restore(w.case.path("older"))
    w.redis.start()
    w.wait_evaluated("put back at rest")
    w.model = w.other  # also version 1: models cached under that number are invalid
    w.empty(w.redis)
    w.restart_smooth()
    w.wait_evaluated("emptied at rest, with another model")


def smooth_again(w):
    """Reads the whole topic in one run."""
    for slot in list(w.slots):
        w.leave(slot)
    w.restart_smooth()
    w.wait_evaluated("one smooth run")
    w.smooth.stop(30)


def scenario(case):
    w = World(case)
    w.train_two()
    w.start_smooth("smooth")
    phases = PHASES
    if os.environ.get("LEEWAY_CHAOS"):
        phases = [p for p in PHASES if p.__name__ in os.environ["LEEWAY_CHAOS"].split(",")]
    for i in range(ROUNDS):
        phases = (phases if i else []) + w.random.sample(PHASES, len(PHASES))
    for phase in phases:
        for slot in "abc":
            if slot not in w.slots:
                w.start(slot)
        phase(w)
        w.wait_evaluated(phase.__name__)
    if older in phases:
        at_rest(w)
    smooth_again(w)
    sent = [{a["id"] for a in r.got} for r in w.receivers]
    equal(sent[0] ^ sent[1], set(), "alerts that reached only one receiver")
    say(f"{len(sent[0])} alerts at both; logged: " + ", ".join(
        f"{e} {w.logged(e)}" for e in ("fenced", "partition_lost", "partition_released", "stalled",
                                       "leading", "leader_fenced")))


if __name__ == "__main__":
    main(scenario)
