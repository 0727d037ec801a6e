"""Nothing prevents a worker from polling: Redis hangs for twice as long as the group waits.

Session and poll interval are as short as Kafka allows, there are twelve partitions, and Redis hangs
for longer than either, while a second member joins and leaves, the webhook never answers, dead letters
are written, and a model is trained. No member is expelled, and afterwards every event counts once.
A process that is suspended for longer than its session is expelled, and changes nothing.
"""
import os
import re
import signal
import socket
import subprocess
import time

from harness import (BIN, TRIPS, Daemon, Redis, avro_cut, check, counters, equal, gaps, main, members,
                     produce, say, wait_for)

STREAM = TOPIC = "polling"
SESSION = 6  # seconds; the broker's minimum


class Server:
    """A separate Redis, so that no other test is disturbed."""

    def __init__(self, case):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{s.getsockname()[1]}"
        os.mkdir(case.path("redis"))
        self.child = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", self.address.split(":")[1], "--dir",
             case.path("redis"), "--save", "", "--daemonize", "no"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        case.at_end.append(self.end)
        wait_for("Redis", 20, self.answers)

    def answers(self):
        try:
            Redis(self.address).close()
            return True
        except OSError:
            return False

    def end(self):
        self.child.send_signal(signal.SIGCONT)
        self.child.kill()
        self.child.wait()


def longest_silence(daemon):
    """The largest `since_poll_ms` in the log."""
    return max((int(n) for n in re.findall(r"since_poll_ms=(\d+)", daemon.text())), default=0)


def scenario(case):
    server = Server(case)
    case.create((TOPIC, 12), (TOPIC + ".dead", 1))
    deaf = socket.socket()  # accepts, but never answers
    deaf.bind(("127.0.0.1", 0))
    deaf.listen(64)
    case.at_end.append(deaf.close)
    config = case.nyc(STREAM, TOPIC, [
        (r"^  auto\.offset\.reset: \S+",
         f"  auto.offset.reset: earliest\n  session.timeout.ms: {SESSION * 1000}\n"
         f"  max.poll.interval.ms: {SESSION * 1000}\n  heartbeat.interval.ms: 1000"),
        (r"^  timeout: 2s", "  timeout: 1s"), (r"until: 2020-03-12", "rows: 15000")])
    env = {"LEEWAY_REDIS": f"redis://{server.address}",
           "LEEWAY_WEBHOOK": f"http://127.0.0.1:{deaf.getsockname()[1]}/alerts"}
    file = case.path("trips.avro")
    events, _ = avro_cut(TRIPS, file, 0, 40)
    one = Daemon(case, config, "one", **env)
    wait_for("the group", 60, lambda: len(one.logged("partition_claimed")) == 12)
    producer = subprocess.Popen([BIN, "replay", "-c", config, "--rate", "6000", file],
                                stdout=subprocess.DEVNULL, env={**case.environment, **env})
    case.at_end.append(producer.kill)
    redis = Redis(server.address)
    wait_for("mid-stream", 60, lambda: counters(redis, STREAM)["messages"] > 20000)

    server.child.send_signal(signal.SIGSTOP)
    try:
        wait_for("a stall", 30, lambda: one.logged("stalled"))
        produce(TOPIC, 3, [b"\xff" * 9])
        two = Daemon(case, config, "two", **env)  # a rebalance without Redis
        time.sleep(2 * SESSION + 2)
        equal(members(STREAM), 2, "members while Redis hangs")
        two.stop(20)
        equal(members(STREAM), 1, "members after the second has gone")
    finally:
        server.child.send_signal(signal.SIGCONT)
    say("Redis resumes")
    equal(producer.wait(120), 0, "exit status of the replay")
    wait_for("all messages", 120, lambda: counters(redis, STREAM)["messages"] == events + 1)
    for daemon in (one, two):
        equal(daemon.logged("partition_lost"), [], f"partitions that {daemon.name} lost")
        check("MAXPOLL" not in daemon.text(), f"{daemon.name} exceeded the poll interval")
        check(longest_silence(daemon) < SESSION * 1000, "time between polls", daemon.name)
    equal(gaps(redis, STREAM), [], "partitions whose counters match their offsets")

    # Conversely, a suspended process is expelled, and its events are not counted twice.
    wait_for("a third member", 60, lambda: members(STREAM) == 1)
    three = Daemon(case, config, "three", **env)
    wait_for("it to own partitions", 60, lambda: three.logged("partition_claimed"))
    one.child.send_signal(signal.SIGSTOP)
    produce(TOPIC, 5, [b"\xfe"])
    wait_for("it to own all partitions", 90, lambda: members(STREAM) == 1)
    one.child.send_signal(signal.SIGCONT)
    wait_for("its return", 60, lambda: members(STREAM) == 2)
    wait_for("the last dead letter", 60, lambda: counters(redis, STREAM)["dead_lettered"] == 2)
    equal(counters(redis, STREAM)["messages"], events + 2, "messages counted")
    equal(gaps(redis, STREAM), [], "partitions whose counters match their offsets")
    one.stop(20)
    three.stop(20)


main(scenario)
