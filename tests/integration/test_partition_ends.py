"""Partitions that begin or end with offsets that are not messages.

Transactional producers leave markers after their messages, and aborted messages; consumers never receive
those offsets. A partition that ends with them still counts as read to its end, and does not hold back
sealing. An open transaction is waited for, and its messages are counted.

With auto.offset.reset: latest, a partition starts at the end that the stream first saw. It is idle
there although it has (old) messages, and messages that arrive while no process runs are read by the next one.
"""
import time

from harness import (KAFKA, Daemon, counters, equal, green_trip, main, produce, say, wait_for)

try:
    from confluent_kafka import Producer
except ImportError:
    print("skipped: needs tests/requirements.txt")
    raise SystemExit(77) from None

HOUR = 3600 * 1000
T0 = 1577836800000  # 2020-01-01
IDLE = 2  # seconds; also the interval between two checks


def trips(first_hour, until_hour):
    return [green_trip(4 * h + i, T0 + h * HOUR + i * HOUR // 4)
            for h in range(first_hour, until_hour) for i in range(4)]


def config(case, stream, reset="earliest"):
    return case.nyc(stream, stream, [
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
        (r"lateness: 1h", "lateness: 0s"), (r"idle_timeout: \S+", f"idle_timeout: {IDLE}s"),
        (r"^  auto\.offset\.reset: \S+", f"  auto.offset.reset: {reset}")])


def sealed(case, stream):
    at = case.redis("HGET", f"leeway:{{{stream}}}:monitor", "sealed_until")
    return (int(at) - T0) // HOUR if at else None


def next_offsets(case, stream, partitions):
    return [case.redis.hash(f"leeway:{{{stream}}}:part:{stream}:{p}").get("next_offset")
            for p in range(partitions)]


def transactions(case):
    stream = "ends-transactions"
    case.create((stream, 4), (stream + ".dead", 1))
    producer = Producer({"bootstrap.servers": KAFKA, "transactional.id": f"{stream}-{case.seed}"})
    producer.init_transactions()

    def send(partition, values):
        for value in values:
            producer.produce(stream, value, partition=partition)
        producer.flush()

    producer.begin_transaction()
    send(0, trips(0, 6))
    producer.commit_transaction()
    producer.begin_transaction()
    send(0, trips(6, 7))
    send(1, trips(0, 2))
    producer.abort_transaction()  # partition 1 has nothing else
    produce(stream, 2, trips(0, 12))
    produce(stream, 3, trips(0, 3))
    producer.begin_transaction()
    send(3, trips(3, 4))
    daemon = Daemon(case, config(case, stream))
    # Partition 3 has all committed messages: its watermark is 02:45.
    wait_for("the panes before the open transaction", 30, lambda: sealed(case, stream) == 2)
    time.sleep(2 * IDLE + 1)
    equal(sealed(case, stream), 2, "hours sealed while a transaction was open")
    equal(counters(case.redis, stream)["messages"], 84, "committed messages")
    producer.commit_transaction()
    wait_for("the end of all", 30, lambda: sealed(case, stream) == 12)
    equal(next_offsets(case, stream, 4), ["30", "9", "48", "17"], "offsets after the markers")
    equal(counters(case.redis, stream)["messages"], 88, "messages")
    say("only an open transaction delays sealing")
    producer.begin_transaction()
    send(0, trips(12, 14))
    send(1, trips(12, 14))
    producer.commit_transaction()
    produce(stream, 2, trips(12, 14))
    produce(stream, 3, trips(12, 14))
    wait_for("the later messages", 30, lambda: counters(case.redis, stream)["messages"] == 120)
    wait_for("its panes", 30, lambda: sealed(case, stream) == 14)
    total = counters(case.redis, stream)
    equal((total["good"], total["late"], total["gone"]), (120, 0, 0), "all good, none late")
    daemon.stop()
    say("messages after them are read")


def latest(case):
    stream = "ends-latest"
    case.create((stream, 2), (stream + ".dead", 1))
    for partition in (0, 1):
        produce(stream, partition, trips(0, 5))
    c = config(case, stream, "latest")
    daemon = Daemon(case, c, stream)
    wait_for("the offsets", 30, lambda: next_offsets(case, stream, 2) == ["20", "20"])
    equal(counters(case.redis, stream)["messages"], 0, "messages from before")
    produce(stream, 1, trips(5, 12))
    wait_for("its panes", 30, lambda: sealed(case, stream) == 12)
    say("an idle partition with old messages does not delay sealing")
    daemon.stop()
    produce(stream, 0, trips(12, 14))
    daemon = Daemon(case, c, stream + "-again")
    wait_for("the messages in between", 30, lambda: counters(case.redis, stream)["messages"] == 36)
    equal(next_offsets(case, stream, 2), ["28", "48"], "the offsets")
    daemon.stop()
    say("messages that arrived while no process ran are read")


def scenario(case):
    transactions(case)
    latest(case)


main(scenario)
