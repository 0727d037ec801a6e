"""`leeway check` reaches every service, and says for each failure what to do."""
import json
import socket

from harness import (Daemon, Receiver, Redis, RedisServer, check, consume, count, equal, green_trip, kafka, main,
                     produce, wait_for)

STREAM = TOPIC = "checked"


def findings(case, config, status, *words, **environment):
    out = json.loads(case.leeway("check", "-c", config, "--json", *words, status=status,
                                 **environment))
    equal(out["ok"], status == 0, "ok")
    return out["checks"]


def failed(checks):
    return [c for c in checks if not c["ok"]]


def scenario(case):
    receiver = Receiver()
    case.at_end.append(receiver.close)
    config = case.nyc(STREAM, TOPIC, [(r"^  workers: 1.*", f"  scored: {TOPIC}.scored")])
    hooks = {"LEEWAY_WEBHOOK": receiver.url}
    # No topic at all: each is named, with the remedy.
    case.topics += [TOPIC, TOPIC + ".dead", TOPIC + ".scored"]
    checks = findings(case, config, 3, **hooks)
    bad = {c["check"]: c["detail"] for c in failed(checks)}
    equal(sorted(bad), ["dead letters", "scored topic", "topic"], "failed checks")
    check(f"there is no topic {TOPIC}.dead" in bad["dead letters"] and
          "source.dead_letters" in bad["dead letters"], "the remedy", bad)
    check("source.scored" in bad["scored topic"], "the remedy", bad)
    kafka("create", TOPIC, 3, TOPIC + ".dead", 1, TOPIC + ".scored", 2)
    checks = findings(case, config, 0, **hooks)
    by = {c["check"]: c["detail"] for c in checks}
    check("3 partitions" in by["topic"] and "2 partitions" in by["scored topic"], "topics", by)
    for what in ("configuration", "timeouts", "redis", "permissions", "eviction", "scripts", "memory", "receiver"):
        check(what in by, f"{what} was checked", by)
    equal(receiver.requests, 0, "requests to the receiver")

    # A receiver that does not exist, a server that is not Redis, a Redis that hangs, brokers that are away.
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        closed_port = s.getsockname()[1]
    checks = findings(case, config, 0, LEEWAY_WEBHOOK=f"http://127.0.0.1:{closed_port}/x?key=s3cr3t")
    equal([c["check"] for c in checks if c["warning"]], ["receiver"], "without the receiver")
    check("s3cr3t" not in json.dumps(checks), "no secret is shown", checks)
    checks = findings(case, config, 3, LEEWAY_REDIS=f"redis://127.0.0.1:{closed_port}", **hooks)
    equal([c["check"] for c in failed(checks)], ["redis"], "without Redis")
    with socket.socket() as hanging:
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        port = hanging.getsockname()[1]
        checks = findings(case, config, 3, LEEWAY_REDIS=f"redis://127.0.0.1:{port}", **hooks)
        check("no answer" in failed(checks)[0]["detail"], "a Redis that hangs", failed(checks))
    checks = findings(case, config, 3, LEEWAY_KAFKA=f"127.0.0.1:{closed_port}", **hooks)
    equal([c["check"] for c in failed(checks)], ["topic", "dead letters", "scored topic"],
          "without Kafka")
    checks = findings(case, config, 0, "--offline", LEEWAY_KAFKA=f"127.0.0.1:{closed_port}")
    check("topic" not in {c["check"] for c in checks}, "offline contacts no service", checks)

    # A Redis replica without an append-only file.
    other = RedisServer(case, "other", "--appendonly", "no")
    Redis(other.address)("REPLICAOF", "127.0.0.1", closed_port)
    checks = findings(case, config, 3, LEEWAY_REDIS=f"redis://{other.address}", **hooks)
    equal([c["check"] for c in failed(checks)], ["role"], "of a replica")
    equal([c["check"] for c in checks if c["warning"]], ["persistence"], "without an append-only file")

    # Panes of another length: check reports it, and run exits before it changes anything.
    meta = f"leeway:{{{STREAM}}}:meta"
    case.redis("HSET", meta, "pane_ms", 7200000, "topic", TOPIC)
    checks = findings(case, config, 3, **hooks)
    equal([c["check"] for c in failed(checks)], ["stream"], "of other panes")
    detail = failed(checks)[0]["detail"]
    check("have length 2h" in detail and "panes.length is 1h" in detail, "which", detail)
    daemon = Daemon(case, config, **hooks)
    wait_for("it to exit", 30, lambda: not daemon.alive())
    equal(daemon.child.returncode, 1, "exit status")
    check(detail in daemon.logged("failed")[0], "why", daemon.text())
    equal(case.redis.keys(f"leeway:{{{STREAM}}}:*"), [meta], "keys of the stream")
    equal(case.redis("HGET", meta, "pane_ms"), b"7200000", "panes")

    # Trips in microseconds where the schema has milliseconds: check reports it for the topic, run for each event.
    other = case.nyc("hurried", "hurried", [], "hurried.yaml")
    case.create(("hurried", 2), ("hurried.dead", 1))
    produce("hurried", 0, [green_trip(i, 1590000000000000 + i) for i in range(30)])
    produce("hurried", 1, [green_trip(i, 1590000000000 + i) for i in range(3)])
    bad = failed(findings(case, other, 3, **hooks))
    check(all(c["check"] == "time" for c in bad), "failed checks", bad)
    detail = next(c["detail"] for c in bad if "lpep_dropoff_datetime" in c["detail"])
    check("30 of them outside the years 1990 to 2100; 30 would be valid in us: set its unit to us" in detail, "the unit", detail)
    daemon = Daemon(case, other, "hurried", **hooks)
    wait_for("the dead letters", 30, lambda: count("hurried.dead") == 30)
    equal(len(daemon.logged("event_time_invalid")), 1, "log lines about it")
    reason = consume("hurried.dead")[0]["headers"]
    check("would be plausible as microseconds: set its unit to us" in json.dumps(reason), "the reason", reason)
    daemon.stop()

    # A record without a time cannot be placed if the record's time is the event's.
    timeless = case.nyc("timeless", "timeless", [(r"^  time: \S+", "  time: record")], "timeless.yaml")
    case.create(("timeless", 1), ("timeless.dead", 1))
    produce("timeless", 0, [green_trip(0, 1590000000000)], -1)
    produce("timeless", 0, [green_trip(1, 1590000000000)], 1590000000000)
    detail = next(c["detail"] for c in findings(case, timeless, 0, **hooks) if "Kafka record" in c["detail"])
    check("1 sampled messages have none" in detail, "the record without a time", detail)
    daemon = Daemon(case, timeless, "timeless", **hooks)
    wait_for("the dead letter", 30, lambda: count("timeless.dead") == 1)
    reason = json.dumps(consume("timeless.dead")[0]["headers"])
    check("the record has no time" in reason and "TRANSFORMATION" in reason, "the reason", reason)
    daemon.stop()

    # Unreadable state is moved away and does not stop run.
    case.redis("HSET", meta, "pane_ms", 3600000)
    case.redis("HSET", f"leeway:{{{STREAM}}}:part:{TOPIC}:0", "next_offset", 5, "progress", "\1damaged")
    daemon = Daemon(case, config, "damaged", **hooks)
    wait_for("it to continue", 30, lambda: daemon.logged("partition_rebuilt"))
    daemon.stop()

    hasty = case.nyc(STREAM, TOPIC, [
        (r"^  timeout: 2s", "  timeout: 4s"),
        (r"^  auto\.offset\.reset: \S+", "  max.poll.interval.ms: 10000\n"
         "  session.timeout.ms: 6000")], "hasty.yaml")
    checks = findings(case, hasty, 3, "--offline")
    equal([c["check"] for c in failed(checks)], ["timeouts"], "the message about Redis")


main(scenario)
