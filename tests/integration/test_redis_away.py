"""Redis stands still, dies, comes back with what it had on disk, and is emptied, in mid-stream.

The daemon stops consuming, stays in its group, goes on when Redis answers, and at the end the
counters are exactly the messages in the topic. It has a Redis of its own here, so that no other
test's is stopped."""
import os
import shutil
import signal
import socket
import subprocess

from harness import (BIN, EVENTS, TRIPS, Daemon, Redis, check, counters, equal, main, members,
                     offsets, say, wait_for)

STREAM = TOPIC = "away"


class Server:
    def __init__(self, case):
        self.dir = case.path("redis")
        os.mkdir(self.dir)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.child = None
        case.at_end.append(self.kill)

    def start(self):
        self.child = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.dir,
             "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("Redis", 10, self.answers)

    def answers(self):
        try:
            redis = Redis(self.address, 2)
            try:
                return redis("PING") == b"PONG"
            finally:
                redis.close()
        except Exception:  # not up yet, or loading
            return False

    def kill(self):
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.kill()
            self.child.wait()


def messages(server):
    redis = Redis(server.address)
    try:
        return offsets(redis, STREAM)
    finally:
        redis.close()


def past(server, n):
    wait_for(f"{n} trips in Redis", 60, lambda: messages(server) > n)


def scenario(case):
    check(shutil.which("redis-server"), "redis-server is installed")
    case.create((TOPIC, 4), (TOPIC + ".dead", 1))
    server = Server(case)
    server.start()
    case.environment["LEEWAY_REDIS"] = f"redis://{server.address}"
    config = case.nyc(STREAM, TOPIC, [
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
        (r"^  timeout: 2s", "  timeout: 500ms")])
    daemon = Daemon(case, config)
    producer = subprocess.Popen([BIN, "replay", "-c", config, "--rate", "25000", TRIPS],
                                stdout=subprocess.DEVNULL, env=case.environment)
    case.at_end.append(producer.kill)

    past(server, 20000)
    server.child.send_signal(signal.SIGSTOP)
    wait_for("the daemon to notice", 20, lambda: daemon.logged("stalled"))
    server.child.send_signal(signal.SIGCONT)
    wait_for("it to go on", 20, lambda: daemon.logged("resumed"))
    say("stood still: paused and resumed")

    past(server, messages(server) + 20000)
    stalls = len(daemon.logged("stalled"))
    server.kill()
    wait_for("the daemon to notice", 20, lambda: len(daemon.logged("stalled")) > stalls)
    equal(members(STREAM), 1, "members while Redis is away")
    check(daemon.alive(), "the daemon lives while Redis is away")
    server.start()
    say(f"killed and started: {messages(server)} trips were on disk")

    equal(producer.wait(60), 0, "exit status of the replay")
    wait_for("the end of the topic", 60, lambda: messages(server) == EVENTS)
    redis = Redis(server.address)
    equal(counters(redis, STREAM)["messages"], EVENTS, "messages counted")
    check(not daemon.logged("partition_released") and not daemon.logged("partition_lost"),
          "the group was never left")

    # Emptied, and stopped: what Kafka still holds is read again, whatever the group has committed.
    daemon.stop()
    redis("FLUSHALL")
    again = Daemon(case, config, "again")
    wait_for("all trips again", 60, lambda: offsets(redis, STREAM) == EVENTS)
    total = counters(redis, STREAM)
    equal(total["messages"], EVENTS, "messages counted after Redis was emptied")
    equal(total["good"] + total["aside"], EVENTS, "their kinds")
    say("emptied: rebuilt from Kafka")
    again.stop()
    redis.close()


main(scenario)
