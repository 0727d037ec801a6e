"""A partition is idle when the broker confirms that it has no more messages, not when none arrive.

One partition is far ahead in event time, the other one waits for its next event. If no events arrive
because the broker is down, or because the process was suspended, the panes must wait, however long that
takes; if they were sealed, later events would be missing from their evaluations. When the partition really
is at its end for idle_timeout, it does not hold back sealing. The last report of a dead process
does not count: its partition is waited for until another process owns it."""
import time

from harness import (Broker, Daemon, check, counters, equal, green_trip, main, offsets, produce, say, wait_for)

STREAM = TOPIC = "idle"
HOUR = 3600 * 1000
T0 = 1577836800000  # 2020-01-01
IDLE = 6  # seconds


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


class Trips:
    sent = 0

    def one(self, ms):
        self.sent += 1
        return green_trip(self.sent - 1, ms)

    def send(self, partition, first_hour, until_hour, each=40):
        produce(TOPIC, partition, [self.one(T0 + h * HOUR + i * HOUR // each)
                                   for h in range(first_hour, until_hour) for i in range(each)])


def scenario(case):
    broker = Broker(case)
    case.create((TOPIC, 2), (TOPIC + ".dead", 1))
    config = case.nyc(STREAM, TOPIC, [
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
        (r"group\.id: \S+", f"group.id: {STREAM}\n  session.timeout.ms: 15000"),
        (r"idle_timeout: \S+", f"idle_timeout: {IDLE}s"), (r"lateness: 1h", "lateness: 0s"),
        (r"^  timeout: 2s", "  timeout: 2s\n  lease: 1s")])
    trips, redis = Trips(), case.redis

    def sealed():
        at = redis("HGET", key("monitor"), "sealed_until")
        return (int(at) - T0) // HOUR if at else None

    def read():
        wait_for("all to be read", 30, lambda: offsets(redis, STREAM) == trips.sent, 0.02)

    daemon = Daemon(case, config)
    wait_for("partitions", 30, lambda: len(daemon.logged("partition_claimed")) == 2)
    trips.send(0, 0, 12)
    trips.send(1, 0, 6)
    read()
    broker.kill()
    say(f"read {trips.sent} trips; now the broker is down")
    wait_for("the panes that both have passed", 10, lambda: sealed() == 5)
    time.sleep(IDLE + 3)
    equal(sealed(), 5, "hours sealed while the broker was down for longer than idle_timeout")
    broker.start()
    trips.send(1, 6, 8)
    read()
    wait_for("the next panes", 20, lambda: sealed() == 7)
    daemon.freeze()
    trips.send(1, 8, 10)
    time.sleep(IDLE + 1)
    daemon.resume()
    read()
    wait_for("the next panes", 20, lambda: sealed() >= 9)
    # Nine hours of both by now: each evaluation had all earlier trips.
    for at, entry in redis.entries(key("history")):
        hours = (int(at.split("-")[0]) - T0) // HOUR
        equal(int(entry["day:events"]), hours * 80, f"trips in the evaluation of hour {hours}")
    say("stopped, and away: no pane was sealed without the second partition")

    wait_for("both to be idle", 30, lambda: sealed() == 12)
    say("really at its end: it delays nothing, and its panes are sealed")

    daemon.kill()  # both are idle according to Redis
    equal([redis("HGET", key(f"part:{TOPIC}:{p}"), "idle") for p in (0, 1)], [b"1", b"1"], "idle")
    trips.send(0, 12, 20)
    trips.send(1, 12, 18)
    daemon = Daemon(case, config, "next")
    read()
    time.sleep(2)
    equal(sealed(), 17, "hours sealed once both are read")
    wait_for("both to be idle again", 30, lambda: sealed() == 20)
    trips.send(1, 17, 18)  # for a pane that is already sealed
    read()
    wait_for("the event to count as late", 20, lambda: counters(redis, STREAM)["late"] == 40)
    trips.send(1, 20, 21)
    read()
    wait_for("the next pane", 30, lambda: sealed() == 21)
    total = counters(redis, STREAM)
    equal((total["messages"], total["late"]), (trips.sent, 40), "messages, late")
    lines = [line for p in (0, 1) for line in redis("ZRANGE", key(f"offsets:{p}"), 0, -1)]
    counted = sum(int(line.split()[3]) for line in lines)
    equal(counted, trips.sent - 40, "trips in panes: each once")
    say("an event for a sealed pane is late, and counted once")
    daemon.stop(20)
    check(redis("XLEN", key("history")) == 21, "evaluations")


main(scenario)
