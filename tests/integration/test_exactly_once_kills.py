"""kill -9 at any instant, any number of times: exactly once, to the bit.

A stream is read while its trips are produced, by a process that is killed at random instants
and restarted; the same stream is read a second time in one undisturbed run, into another database of
the same Redis (the randomness of a sketch depends on the stream's name, the partition and the pane). Both score
with the same model from the first trip. At the end, both must have the same bytes: every pane
(sketches, moments, offsets) and every partition's progress. The counters must equal the number of
messages in the topic.

Windows as long as the file keep all panes in Redis, so that all are compared. Static membership
(`group.instance.id`) lets a restarted process have its partitions back immediately; without it, the
group would wait until the session of the dead process expires.
"""
import subprocess
import time

from harness import (BIN, EVENTS, TRIPS, Daemon, Redis, avro_cut, check, count, counters, equal,
                     main, offsets, say, wait_for)

STREAM, TOPIC, FIRST = "kill9", "kill9-trips", "kill9-first"
KILLS = 6
ROUGH, SMOOTH = 0, 9  # databases
LONG = [(r"length: 1h$", "length: 6h"), (r"week: 7d", "week: 120d"), (r"max_age: \S+", "max_age: 0")]
# The second run reads faster than panes are sealed, and would track by older numbers than the first one
# (test_tracked_kills.py has tracking on).
FIXED = [(r"retrain: true", "retrain: false"), (r"^  stale: .*", "  stale: {age: 0}"),
         (r"^retrain:", "tracking: {time_constant: 0s}\nretrain:")]


def config(case, name, topic, changes):
    return case.nyc(STREAM, topic, LONG + changes + [
        (r"group\.id: \S+", f"group.id: {name}"),
        (r"^  auto\.offset\.reset: \S+",
         f"  auto.offset.reset: earliest\n  group.instance.id: {name}-1")], f"{name}.yaml")


def train_one(case):
    """Trains a model for both in the bootstrap of a third run; everything else of that run is deleted."""
    records, _ = avro_cut(TRIPS, case.path("first.avro"), 0, 8)
    first = config(case, FIRST, FIRST, [
        (r"until: 2020-03-12", "rows: 15000"), (r"holdout: 2d", "holdout: 12h")])
    case.leeway("replay", "-c", first, case.path("first.avro"))
    daemon = Daemon(case, first, "first")
    wait_for("version 1", 60,
             lambda: case.redis("HGET", f"leeway:{{{STREAM}}}:models", "champion") == b"1")
    daemon.stop()
    keep = {f"leeway:{{{STREAM}}}:{key}" for key in ("models", "model:1", "reference:1")}
    for key in keep:
        equal(case.redis("COPY", key, key, "DB", SMOOTH), 1, f"{key} copied")
    case.redis("UNLINK", *(set(case.redis.keys(f"leeway:{{{STREAM}}}:*")) - keep))
    say(f"version 1 trained on some of {records} trips")


def rough(case):
    redis = case.redis
    broken = config(case, "kill9-rough", TOPIC, FIXED)
    producer = subprocess.Popen([BIN, "replay", "-c", broken, "--rate", "40000", TRIPS],
                                stdout=subprocess.DEVNULL, env=case.environment)
    case.at_end.append(producer.kill)
    where = []
    for i in range(KILLS):
        daemon = Daemon(case, broken, f"rough-{i}")
        wait_for("partitions", 60, lambda: daemon.logged("partition_claimed"), 0.01)
        time.sleep(case.random.uniform(0.05, 1.6))
        daemon.kill()
        where.append(offsets(redis, STREAM))
    say(f"killed {KILLS} times, with these offsets written: {where}")
    check(sum(0 < n < EVENTS for n in where) >= 2, "kills were mid-stream", where)
    daemon = Daemon(case, broken, "rough-last")
    equal(producer.wait(60), 0, "exit status of the replay")
    wait_for("the end of the topic", 60, lambda: offsets(redis, STREAM) == EVENTS)
    daemon.stop()


def smooth(case, redis):
    daemon = Daemon(case, config(case, "kill9-smooth", TOPIC, FIXED), "smooth", db=SMOOTH)
    wait_for("the end of the topic", 60, lambda: offsets(redis, STREAM) == EVENTS)
    daemon.stop()


# Fields of a partition's hash: owner, wall-clock times, and how much Kafka
# had; everything else is a function of the topic.
WHO = {b"owner", b"epoch", b"claimed", b"updated", b"idle", b"end_offset"}


def compare(left, right):
    for kind in ("pane", "part"):
        keys = left.keys(f"leeway:{{{STREAM}}}:{kind}:*")
        equal(right.keys(f"leeway:{{{STREAM}}}:{kind}:*"), keys, f"keys of {kind}")
        check(len(keys) >= (4 if kind == "part" else 300), f"enough of {kind}", len(keys))
        fields = size = 0
        for key in keys:
            a, b = ({f: v for f, v in redis.raw(key).items() if kind == "pane" or f not in WHO}
                    for redis in (left, right))
            equal(sorted(b), sorted(a), f"fields of {key}")
            for field, value in a.items():
                check(b[field] == value, f"{key} differs in {field!r}", value[:80], b[field][:80])
            fields += len(a)
            size += sum(map(len, a.values()))
        say(f"{len(keys)} hashes of {kind}, {fields} fields, {size} bytes: identical")


def scenario(case):
    case.databases.append(SMOOTH)
    other = Redis(db=SMOOTH)
    case.create((TOPIC, 4), (TOPIC + ".dead", 1), (FIRST, 1), (FIRST + ".dead", 1))
    train_one(case)
    rough(case)
    smooth(case, other)
    equal(count(TOPIC), EVENTS, "messages in the topic")
    for redis in (case.redis, other):
        total = counters(redis, STREAM)
        say(str(total))
        equal(total["messages"], EVENTS, "messages counted")
        equal(total["good"] + total["rejected"] + total["dead_lettered"], EVENTS, "their kinds")
        equal(total["scored"], total["good"], "scored from the first trip on")
    compare(case.redis, other)


main(scenario)
