"""Unreadable messages reach the dead-letter topic, and an outage of Redis loses nothing.

Garbage, a truncated record and an empty value go to the dead-letter topic unchanged, with the reason in
headers, and the stream continues. Then Redis stops answering mid-stream: consumption pauses, the group
keeps its member, and afterwards every event has been counted once.
"""
import os
import signal
import subprocess
import time

from harness import (BIN, EVENTS, TRIPS, Daemon, check, consume, counters, equal, main, members,
                     produce, say, wait_for)

STREAM = TOPIC = "letters-trips"
BAD = [b"\xff" * 40, b"\x02", b""]


def check_letters(dead):
    letters = consume(dead)
    equal(len(letters), len(BAD), "dead letters")
    equal(sorted(bytes.fromhex(m["value"] or "") for m in letters), sorted(BAD), "their bytes")
    for letter in letters:
        headers = {k: v for k, v in letter["headers"].items()}
        equal(headers["__connect.errors.topic"], TOPIC, "topic")
        reason = headers["__connect.errors.exception.message"]
        check(("tombstone" if not letter["value"] else "the bytes end") in reason, "the reason", headers)
        int(headers["__connect.errors.partition"])
        int(headers["__connect.errors.offset"])


def redis_pid(case):
    info = case.redis("INFO", "server").decode()
    return int(next(l for l in info.splitlines() if l.startswith("process_id:")).split(":")[1])


def scenario(case):
    case.create((TOPIC, 4), (TOPIC + ".dead", 1))
    config = case.nyc(STREAM, TOPIC)
    daemon = Daemon(case, config)
    wait_for("the group", 60, lambda: len(daemon.logged("partition_claimed")) == 4)
    for i, value in enumerate(BAD):
        produce(TOPIC, i, [value])
    wait_for("the dead letters", 30, lambda: counters(case.redis, STREAM)["dead_lettered"] == len(BAD))
    check_letters(TOPIC + ".dead")
    say("dead letters are unchanged")

    producer = subprocess.Popen([BIN, "replay", "-c", config, "--rate", "60000", TRIPS],
                                stdout=subprocess.DEVNULL, env=case.environment)
    case.at_end.append(producer.kill)
    wait_for("mid-stream", 30, lambda: counters(case.redis, STREAM)["messages"] > 20000)
    pid = redis_pid(case)
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for("a stall", 20, lambda: daemon.logged("stalled"))
        time.sleep(3)
    finally:
        os.kill(pid, signal.SIGCONT)
    check(daemon.alive(), "the daemon runs")
    equal(producer.wait(60), 0, "exit status of the replay")
    wait_for("all messages", 60, lambda: counters(case.redis, STREAM)["messages"] == EVENTS + len(BAD))
    check(daemon.logged("resumed"), "it resumed")
    equal(daemon.logged("partition_lost"), [], "partitions lost")
    equal(members(STREAM), 1, "members of the group")
    daemon.stop()


main(scenario)
