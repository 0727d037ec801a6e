"""Two leaders at once: only one of them can write, and each pane is evaluated exactly once.

All trips are read before any process may lead (the test holds the lease), so that the leader then
has thousands of panes to seal without a pause. Meanwhile the leader is suspended for longer
than its lease; another one leads and continues; then the first one resumes, still believing that it leads, and
its next write is rejected by the fencing token. Some leaders are killed instead. At the end, the history has
every pane exactly once, each has one audit line, and the tokens only increase.

SEED=n repeats the same faults."""
import time

from harness import (EVENTS, TRIPS, Daemon, check, equal, main, offsets, say, wait_for)

STREAM = TOPIC = "leaders"
PARTITIONS, PANE = 2, 3600 * 1000
STOPS, KILLS = 4, 2


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


def scenario(case):
    case.create((TOPIC, PARTITIONS), (TOPIC + ".dead", 1))
    config = case.nyc(STREAM, TOPIC, [
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
        (r"group\.id: \S+", f"group.id: {STREAM}\n  session.timeout.ms: 6000"),
        (r"idle_timeout: \S+", "idle_timeout: 1h"), (r"^  timeout: 2s", "  timeout: 2s\n  lease: 1s")])
    redis = case.redis
    redis("SET", key("lease"), "1 nobody", "PX", 3600000)  # a lease without an expiry is invalid
    case.leeway("replay", "-c", config, TRIPS)
    daemons = [Daemon(case, config, f"run-{i}") for i in range(3)]
    wait_for("all trips to be read", 60, lambda: offsets(redis, STREAM) == EVENTS)
    equal(redis("XLEN", key("history")), 0, "evaluations without a leader")
    redis("DEL", key("lease"))

    def leads():
        """The process that holds the lease and has logged it."""
        token, _, who = (redis("GET", key("lease")) or b"").decode().partition(" ")
        return next((d for d in daemons if str(d.child.pid) == who.rsplit(":", 1)[-1] and
                     any(f"token={token} " in line for line in d.logged("leading"))), None)

    def sealed():
        return redis("XLEN", key("history"))

    def more(n):
        """Waits until this many more panes are sealed and sealing continues, or until its end on a fast machine."""
        want = sealed() + n
        wait_for(f"{want} evaluations", 30, lambda: sealed() >= want or int(
            redis("HGET", key("monitor"), "sealed_until") or 0) == until, 0.005)

    parts = [redis.hash(k) for k in redis.keys(key("part:*"))]
    until = min(int(p["watermark"]) for p in parts) // PANE * PANE
    refused = 0
    for i in case.random.sample(["stop"] * STOPS + ["kill"] * KILLS, STOPS + KILLS):
        old = wait_for("a leader", 20, leads, 0.02)
        more(case.random.randrange(10, 60))
        if i == "kill":
            old.kill()
            daemons.remove(old)
            daemons.append(Daemon(case, config, f"run-{len(case.daemons)}"))
            continue
        old.freeze()
        new = wait_for("another leader", 20, lambda: leads() not in (old, None) and leads(), 0.02)
        more(10)
        before = len(old.logged("leader_fenced"))
        old.resume()
        time.sleep(1.5)  # more than a lease: it has written by now, or renewed its lease
        check(leads() is not old, "the resumed one does not lead")
        refused += len(old.logged("leader_fenced")) > before
        say(f"{old.name} stopped at {sealed()} evaluations, {new.name} led, {old.name} woke")
    wait_for("a leader", 20, leads, 0.02)  # also after the last kill, with nothing left to seal
    wait_for("the last pane", 60, lambda: int(redis("HGET", key("monitor"), "sealed_until")) == until)
    ids = [int(i.split("-")[0]) for i, _ in redis.entries(key("history"))]
    equal(ids[-1], until, "the newest evaluation")
    equal([b - a for a, b in zip(ids, ids[1:]) if b - a != PANE], [], "gaps in the history")
    lines = [int(e["event"]) for _, e in redis.entries(key("evaluations"))]
    equal(lines, ids, "one line per evaluation")
    check(refused >= 1, "a resumed leader was fenced by its token", refused)
    tokens = sorted((int(line.split("token=")[1].split()[0]), d.name)
                    for d in case.daemons for line in d.logged("leading"))
    check(len({t for t, _ in tokens}) >= STOPS + KILLS + 1, "each had its own token", tokens)
    say(f"{len(ids)} evaluations under {len({t for t, _ in tokens})} tokens; {refused} of {STOPS} that "
        "woke tried to write and were refused")
    for daemon in daemons:
        daemon.stop(60)


main(scenario)
