"""With tracking on, kills change no byte either.

As in test_chaos.py, an undisturbed process and a group whose processes and Redis are killed and
suspended read the same trips, and everything in Redis must be equal after each phase. Only faults that
lose no state: what is lost is read again faster than panes can be sealed, and tracked by older numbers.

    SEED=n                           repeat the same faults
    LEEWAY_CHAOS_TRACKED_KILLS=n     kills of the first phase
"""
import os
import threading

from harness import TRIPS, Redis, avro_file, avro_records, check, main, must_be_sealed, offsets, wait_for
from test_chaos import PANE, PARTITIONS, TIMES, World, kills, restarts, zombies

KILLS = int(os.environ.get("LEEWAY_CHAOS_TRACKED_KILLS", "12"))
FROM = 1584230400000  # 15 March: in the lockdown that follows, tracking is better within days


class TrackedWorld(World):
    """How a pane is tracked is decided when it begins, by the panes that are sealed by
    then. So the trips come by panes, in order of time, and the next pane begins when both sides have
    sealed what is complete, and all their partitions have adopted the result. Then a kill must change
    nothing: neither what a pane that has begun uses, nor what the next one will."""
    stream, tracking, kills = "chaos-tracked", "1h", KILLS

    def next_season(self):
        self.season = 0
        self.schema, trips = avro_records(TRIPS, 215000)
        panes = {}
        for trip in sorted(trips, key=lambda t: t[TIMES[1]]):
            if trip[TIMES[1]] >= FROM:
                panes.setdefault(trip[TIMES[1]] // PANE, []).append(trip)
        self.panes = [panes[p] for p in sorted(panes) if len(panes[p]) >= 100]  # without outliers
        self.first = self.panes[0][0][TIMES[1]] // PANE * PANE
        self.sent, self.failure = 0, None

    def settled(self, server, adopted):
        """Everything is read, all complete panes are sealed, and every partition has adopted the result."""
        redis = None
        try:
            redis = self.connect(server)
            if offsets(redis, self.stream) != self.sent:
                return False
            monitor = redis.hash(self.key("monitor"))
            parts = [redis.hash(k) for k in redis.keys(self.key("part:*"))]
            must = must_be_sealed(redis, self.stream, PARTITIONS, PANE)
            sealed = int(monitor.get("sealed_until", self.first))
            return (must is None or max(must, self.first) == sealed) and (not adopted or all(
                p.get("tracking", "") == monitor.get("tracking", "") for p in parts))
        except (OSError, Redis.error):  # it is being restarted
            return False
        finally:
            if redis:
                redis.close()

    def send(self, trips, adopted):
        path = self.case.path("pane.avro")
        avro_file(path, self.schema, trips)
        self.case.leeway("replay", "-c", self.config("producer"), path)
        self.sent += len(trips)
        for server in (self.redis, self.still):
            wait_for(f"{self.sent} trips to be sealed and adopted", 120, lambda: self.settled(server, adopted), 0.02)

    def produce_panes(self):
        try:
            while not self.enough.is_set() and self.panes:
                trips = self.panes.pop(0)
                most = len(trips) * 2 // 3  # the rest brings a flush to each partition
                self.send(trips[:most], False)
                self.send(trips[most:], True)
        except BaseException as e:  # the main thread reports it
            self.failure = e

    def produce(self, seconds, rate=None):
        """Produces panes in the background until the phase ends."""
        self.enough = threading.Event()
        self.case.at_end.append(self.enough.set)
        self.producer = threading.Thread(target=self.produce_panes, daemon=True)
        self.producer.start()

    def await_producer(self):
        self.enough.set()
        self.producer.join(300)
        if self.failure:
            raise self.failure
        check(not self.producer.is_alive(), "the producer has ended")


def scenario(case):
    w = TrackedWorld(case)
    w.train_two()
    w.start_smooth("smooth")
    for phase in (kills, zombies, restarts):
        for slot in "abc":
            if slot not in w.slots:
                w.start(slot)
        phase(w)
        w.wait_evaluated(phase.__name__)
    redis = w.connect()
    served = [e for _, e in redis.entries(w.key("audit")) if e["what"] == "tracking_served"]
    redis.close()
    check(served, "tracked predictions were served")
    for slot in list(w.slots):
        w.leave(slot)
    w.smooth.stop(30)


main(scenario)
