"""Two processes share a group while trips are produced: one joins, one leaves by SIGTERM, the other
continues. Each trip counts once, one process leads at a time, and a stopped process leaves the group
and releases the lease immediately, even if the kernel delivers the SIGTERM to a thread that a library created
before leeway blocked signals.

Other processes join a busy group one after another: partitions that move are given up, and no process loses
partitions that it should keep.

Static members (group.instance.id) of one process have different names. A process that finds no broker at
its start can still be stopped by a signal."""
import ctypes
import os
import signal
import subprocess
import time

from harness import (BIN, TRIPS, EVENTS, Daemon, check, counters, equal, gaps, main, free_port, members, offsets, say,
                     wait_for)

STREAM = TOPIC = "group"


def owners(case, stream=STREAM):
    """Processes (host:pid) that own partitions according to Redis."""
    return {case.redis("HGET", key, "owner").rsplit(b":", 1)[0].decode()
            for key in case.redis.keys(f"leeway:{{{stream}}}:part:*")}


def leader(case):
    return (case.redis("GET", f"leeway:{{{STREAM}}}:lease") or b"").decode()


def joining(case):
    """A commit for lag tools follows each flush, and such a commit during a rebalance
    can cost a member all of its partitions."""
    stream, partitions = "group-joins", 12
    case.create((stream, partitions), (stream + ".dead", 1))
    config = case.nyc(stream, stream, [
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
        (r"group\.id: \S+", f"group.id: {stream}\n  heartbeat.interval.ms: 500")])
    producer = subprocess.Popen([BIN, "replay", "-c", config, "--rate", "4000", TRIPS],
                                stdout=subprocess.DEVNULL, env=case.environment)
    case.at_end.append(producer.kill)
    daemons = []
    for n in range(1, 5):
        daemons.append(Daemon(case, config, f"{stream}-{n}"))
        wait_for(f"{n} to own partitions", 60, lambda: len(owners(case, stream)) == n and len(
            case.redis.keys(f"leeway:{{{stream}}}:part:*")) == partitions)
    events = {event: sum(len(d.logged(event)) for d in daemons)
            for event in ("partition_claimed", "partition_released", "partition_lost")}
    say(f"four joined: {events}")
    equal(events["partition_lost"], 0, "partitions lost")
    producer.kill()
    for daemon in daemons:
        daemon.stop(20)


def static_members(case):
    stream = "group-static"
    case.create((stream, 4), (stream + ".dead", 1))
    daemon = Daemon(case, case.nyc(stream, stream, [
        (r"^  workers: 1", "  workers: 2"),
        (r"group\.id: \S+", f"group.id: {stream}\n  group.instance.id: box")]), stream)
    wait_for("two workers", 40, lambda: len({case.redis("HGET", key, "owner") for key in case.redis.keys(
        f"leeway:{{{stream}}}:part:*")}) == 2)
    equal(members(stream), 2, "members")
    check(daemon.alive() and not daemon.logged("failed"), "no process is fenced", daemon.logged("failed"))
    daemon.stop()
    say("two static members in one process")


def without_a_broker(case):
    stream = "group-nobody"
    daemon = Daemon(case, case.nyc(stream, stream), stream, LEEWAY_KAFKA=f"127.0.0.1:{free_port()}")
    wait_for("the first attempt", 30, lambda: "Connection refused" in daemon.text())
    daemon.child.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    check(daemon.alive(), "SIGHUP does not stop it")
    daemon.stop(20)
    say("stopped while it waited for a broker")


def threads_that_take(pid, number):
    """Threads of a process, except the first, that do not block a signal."""
    found = []
    for tid in map(int, os.listdir(f"/proc/{pid}/task")):
        with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii") as f:
            blocked = next(int(line.split()[1], 16) for line in f if line.startswith("SigBlk:"))
        if tid != pid and not blocked >> (number - 1) & 1:
            found.append(tid)
    return found


def terminate(daemon):
    pid = daemon.child.pid
    others = threads_that_take(pid, signal.SIGTERM)
    say(f"threads of libraries that can receive SIGTERM: {len(others)}")
    if others:
        equal(ctypes.CDLL(None).tgkill(pid, others[0], signal.SIGTERM), 0, "tgkill")
        equal(daemon.child.wait(20), 0, f"exit status of {daemon.name}")
    else:  # OpenBLAS without threads, or one core
        daemon.stop()


def together(case):
    case.create((TOPIC, 4), (TOPIC + ".dead", 1))
    config = case.nyc(STREAM, TOPIC, [
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0")])
    one = Daemon(case, config, "one")
    wait_for("the first to have partitions", 30, lambda: len(one.logged("partition_claimed")) >= 4)
    producer = subprocess.Popen([BIN, "replay", "-c", config, "--rate", "30000", TRIPS],
                                stdout=subprocess.DEVNULL, env=case.environment)
    case.at_end.append(producer.kill)
    two = Daemon(case, config, "two")
    wait_for("both to own partitions", 30, lambda: len(owners(case)) == 2)
    equal(members(STREAM), 2, "members of the group")
    check(one.logged("leading") and not two.logged("leading"), "the first leads, alone",
          one.logged("leading"), two.logged("leading"))
    check(f":{one.child.pid}" in leader(case), "the lease names the first", leader(case))
    shared = offsets(case.redis, STREAM)
    check(shared < EVENTS, "shared mid-stream", shared)
    terminate(one)
    left = offsets(case.redis, STREAM)
    say(f"shared at {shared}, the first left at {left} of {EVENTS} trips")
    check(left < EVENTS, "the first left mid-stream", left)
    # It left: a member that only dies stays until its session times out, 45 s later.
    wait_for("the broker to have one member, once the first has stopped", 20, lambda: members(STREAM) == 1)
    wait_for("the second to lead", 15, lambda: two.logged("leading"))
    check(f":{two.child.pid}" in leader(case), "the lease names the second", leader(case))
    equal(producer.wait(60), 0, "exit status of the replay")
    wait_for("the end of the topic", 60, lambda: offsets(case.redis, STREAM) == EVENTS)
    two.stop()
    wait_for("the broker to have no member at the end", 20, lambda: members(STREAM) == 0)
    equal(leader(case), "", "the lease at the end")
    equal(gaps(case.redis, STREAM), [], "partitions whose counters match their offsets")
    total = counters(case.redis, STREAM)
    equal(total["messages"], EVENTS, "messages counted")
    equal(total["good"] + total["rejected"] + total["dead_lettered"], EVENTS, "their kinds")
    tokens = [int(line.split("token=")[1].split()[0])
              for d in (one, two) for line in d.logged("leading")]
    equal(tokens, sorted(set(tokens)), "fencing tokens grow")


def scenario(case):
    together(case)
    joining(case)
    static_members(case)
    without_a_broker(case)


main(scenario)
