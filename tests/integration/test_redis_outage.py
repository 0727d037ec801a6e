"""Redis hangs, dies, comes back from disk, and is emptied, mid-stream.

The daemons stop consuming, keep polling and stay in their group, even during a rebalance: with
a Redis that hangs, a rebalance of twelve partitions must not take twelve timeouts. They continue when
Redis answers, pending alerts are sent then, each once, and at the end the counters equal the number of
messages in the topic. The test has its own Redis, so that it disturbs no other test."""
import subprocess
import time

from harness import (BIN, EVENTS, TRIPS, Daemon, Receiver, Redis, RedisServer, check, counters, equal,
                     main, members, offsets, say, wait_for)

STREAM = TOPIC = "away"
PARTITIONS = 12


def messages(server):
    redis = Redis(server.address)
    try:
        return offsets(redis, STREAM)
    finally:
        redis.close()


def past(server, n):
    wait_for(f"{n} trips in Redis", 60, lambda: messages(server) > n)


def never_expelled(daemons):
    for daemon in daemons:
        check(not daemon.logged("partition_lost"), f"{daemon.name} was never expelled",
              daemon.logged("partition_lost"))
        check("MAXPOLL" not in daemon.text(), f"{daemon.name} polled all the time")


def hang(server, case, config, one):
    """Suspends Redis for longer than the group waits for a poll, while another process joins."""
    past(server, 20000)
    server.stop()
    wait_for("the daemon to notice", 20, lambda: one.logged("stalled"))
    two = Daemon(case, config, "two")
    wait_for("both to be members", 30, lambda: members(STREAM) == 2)
    until = time.monotonic() + 12  # max.poll.interval.ms and a half more
    while time.monotonic() < until:
        equal(members(STREAM), 2, "members while Redis hangs")
        time.sleep(1)
    stood = len(one.logged("resumed"))
    server.resume()
    wait_for("it to continue", 20, lambda: len(one.logged("resumed")) > stood)
    wait_for("both to own partitions", 30, lambda: one.logged("partition_claimed") and
             two.logged("partition_claimed"))
    never_expelled((one, two))
    say("hung while another joined: paused, resumed, no member expelled")
    return two


def scenario(case):
    case.create((TOPIC, PARTITIONS), (TOPIC + ".dead", 1))
    server = RedisServer(case, "redis", "--maxmemory-policy", "allkeys-lru")
    case.environment["LEEWAY_REDIS"] = f"redis://{server.address}"
    accepts = []
    receiver = Receiver(lambda n: 204 if accepts else 503)
    case.at_end.append(receiver.close)
    case.environment["LEEWAY_WEBHOOK"] = receiver.url
    config = case.nyc(STREAM, TOPIC, [
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
        (r"^    warn: 300 .*", "    warn: 1500"),  # few-trips: fires in the lockdown, if not before
        (r"group\.id: \S+", f"group.id: {STREAM}\n  session.timeout.ms: 6000\n"
         "  max.poll.interval.ms: 8000"),
        (r"^  timeout: 2s", "  timeout: 1s\n  retry_max: 1s\n  lease: 2s")])
    one = Daemon(case, config, "one")
    wait_for("the warning about eviction", 20, lambda: one.logged("redis_may_evict"))
    check("allkeys-lru" in one.logged("redis_may_evict")[0], "the policy is named")
    setting = Redis(server.address)
    setting("CONFIG", "SET", "maxmemory-policy", "noeviction")
    setting.close()
    producer = subprocess.Popen([BIN, "replay", "-c", config, "--rate", "10000", TRIPS],
                                stdout=subprocess.DEVNULL, env=case.environment)
    case.at_end.append(producer.kill)

    two = hang(server, case, config, one)
    check(not two.logged("redis_may_evict"), "warnings with noeviction")

    past(server, messages(server) + 20000)
    outbox = Redis(server.address)
    wait_for("pending alerts", 60, lambda: outbox("XLEN", f"leeway:{{{STREAM}}}:outbox") > 0)
    outbox.close()
    equal(receiver.got, [], "alerts received so far")
    stalls = len(one.logged("stalled"))
    server.kill()
    wait_for("the daemon to notice", 20, lambda: len(one.logged("stalled")) > stalls)
    time.sleep(2)
    equal(members(STREAM), 2, "members while Redis is down")
    check(one.alive() and two.alive(), "the daemons run while Redis is down")
    server.start()
    say(f"killed and started: {messages(server)} trips were on disk")
    accepts.append(True)

    equal(producer.wait(90), 0, "exit status of the replay")
    wait_for("the end of the topic", 60, lambda: messages(server) == EVENTS)
    redis = Redis(server.address)
    equal(counters(redis, STREAM)["messages"], EVENTS, "messages counted")
    never_expelled((one, two))
    wait_for("all alerts to be sent", 60, lambda: redis("XLEN", f"leeway:{{{STREAM}}}:outbox") == 0)
    ids = [a["id"] for a in receiver.got]
    equal(sorted(ids), sorted(set(ids)), "received alerts, each once")
    check(len(ids) > 0, "pending alerts were sent later")
    say(f"{len(ids)} alerts sent after Redis was back, each once")

    # Emptied while idle: everything that Kafka still has is read again, whatever the group has committed.
    redis("FLUSHALL")
    wait_for("all trips again", 90, lambda: offsets(redis, STREAM) == EVENTS)
    total = counters(redis, STREAM)
    equal(total["messages"], EVENTS, "messages counted after Redis was emptied")
    equal(total["good"] + total["rejected"], EVENTS, "their kinds")
    say("emptied: rebuilt from Kafka")
    one.stop(20)
    two.stop(20)
    redis.close()


main(scenario)
