"""Trainings and promotions while processes are killed: each request has one outcome.

The bundled stream runs with its own policy: a first model, the lockdown, retrains. Processes, mostly the
leader, are killed at random instants during sealing, training and publishing. The version that
scores an event depends on timing here, so not every byte can be compared. The invariants:
every message is counted once, every pane evaluated once, every request answered once,
every version published completely and once, and all partitions have the champion at the end."""
import time

from harness import (EVENTS, TRIPS, Daemon, check, counters, each_pane_once, equal, main, offsets, say,
                     wait_evaluated, wait_for)

STREAM = TOPIC = "retrain-kills"
PARTITIONS, PANE, KILLS = 4, 3600 * 1000, 10


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


def scenario(case):
    case.create((TOPIC, PARTITIONS), (TOPIC + ".dead", 1))
    config = case.nyc(STREAM, TOPIC, [
        (r"group\.id: \S+", f"group.id: {STREAM}\n  session.timeout.ms: 3000\n"
         "  heartbeat.interval.ms: 500"),
        (r"idle_timeout: \S+", "idle_timeout: 1h"),
        (r"^  timeout: 2s", "  timeout: 2s\n  lease: 1s")])
    case.leeway("replay", "-c", config, TRIPS)
    redis = case.redis
    daemons = [Daemon(case, config, f"run-{i}") for i in range(2)]

    def leader():
        pid = (redis("GET", key("lease")) or b"").decode().rsplit(":", 1)[-1]
        return next((d for d in daemons if str(d.child.pid) == pid), None)

    wait_for("a pane to be sealed", 60, lambda: redis("XLEN", key("history")) > 0)
    for _ in range(KILLS):
        wait_for("a leader", 20, leader, 0.05)
        time.sleep(case.random.uniform(0, 2))
        victim = leader() if case.random.random() < 0.7 else case.random.choice(daemons)
        victim = victim or case.random.choice(daemons)
        victim.kill()
        daemons.remove(victim)
        daemons.append(Daemon(case, config, f"run-{len(case.daemons)}"))
    say(f"killed {KILLS} times, at {redis('XLEN', key('history'))} evaluations")
    wait_evaluated(redis, STREAM, EVENTS, PARTITIONS, PANE, 120)
    wait_for("the last adoption", 20, lambda: {redis("HGET", k, "champion") for k in redis.keys(
        key("part:*"))} == {redis("HGET", key("models"), "champion")})
    for daemon in daemons:
        check(daemon.alive(), f"{daemon.name} runs")
        daemon.stop(30)

    total = counters(redis, STREAM)
    equal(total["messages"], EVENTS, "messages counted")
    equal(total["good"] + total["rejected"] + total["dead_lettered"], EVENTS, "their kinds")
    equal(offsets(redis, STREAM), EVENTS, "offsets")
    ids = each_pane_once(redis, STREAM, PANE)
    lines = [e for _, e in redis.entries(key("audit"))
             if e["what"] in ("training", "promoted", "rejected")]
    kinds = [e["what"] for e in lines]
    check(kinds.count("promoted") > 1, "there were promotions", kinds)
    for asked, answered in zip(kinds[::2], kinds[1::2]):
        check(asked == "training" and answered != "training", "one outcome per request", kinds)
    versions = [int(e["detail"].split()[1]) for e in lines if e["what"] != "training"]
    equal(versions, sorted(set(versions)), "versions, each published once")
    for version in versions:
        for name in (f"model:{version}", f"reference:{version}"):
            equal(redis("EXISTS", key(name)), 1, name)
    statuses = [redis("HGET", key(f"model:{v}"), "status") for v in versions]
    equal(statuses.count(b"champion"), 1, f"champions among {statuses}")
    say(f"{len(ids)} evaluations, {kinds.count('training')} requests, versions {versions}: "
        f"{[s.decode() for s in statuses]}")


main(scenario)
