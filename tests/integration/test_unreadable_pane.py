"""An unreadable pane, or a number that cannot be summed, stops nothing.

A sealed pane of the window, the open pane of a partition, a key of another type, and then the
monitor's state are damaged while no process runs. The next process continues with everything else:
it counts the panes, raises one alert of each kind, and reports them in /readyz; the damaged values are kept. A
further process raises no new alert."""
import json
import urllib.error
import urllib.request

from harness import Daemon, check, equal, free_port, green_trip, main, offsets, produce, wait_for

STREAM = TOPIC = "unreadable"
HOUR = 3600 * 1000
T0 = 1577836800000  # 2020-01-01


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


def scenario(case):
    case.create((TOPIC, 1), (TOPIC + ".dead", 1))
    listen = f"127.0.0.1:{free_port()}"
    config = case.nyc(STREAM, TOPIC, [
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0"),
        (r"lateness: 1h", "lateness: 0s"), (r"^  timeout: 2s", "  timeout: 2s\n  lease: 1s")])
    redis, sent = case.redis, 0

    def send(first_hour, until_hour):
        nonlocal sent
        trips = []
        for i in range(first_hour * 20, until_hour * 20):
            trip = green_trip(sent, T0 + i * HOUR // 20)
            trips.append(trip)
            sent += 1
        produce(TOPIC, 0, trips)

    def sealed():
        at = redis("HGET", key("monitor"), "sealed_until")
        return (int(at) - T0) // HOUR if at else -1

    def read():
        wait_for("all to be read", 60, lambda: offsets(redis, STREAM) == sent, 0.02)

    def asked(path):
        try:
            reply = urllib.request.urlopen(f"http://{listen}{path}", timeout=10)
        except urllib.error.HTTPError as not_ready:
            reply = not_ready
        with reply:
            return reply.read().decode()

    def alerts():
        out = json.loads(case.leeway("alerts", "-c", config, "--json", status=3))
        return {a["rule"]: a for a in out["alerts"]}

    send(0, 10)
    daemon = Daemon(case, config)
    read()
    wait_for("nine panes", 30, lambda: sealed() >= 9)
    daemon.stop()

    open_pane, closed, another = (key(f"pane:{T0 + h * HOUR}:0") for h in (9, 5, 4))
    whole = {k: redis.raw(k) for k in (closed, another)}
    redis("HSET", open_pane, "f:trip_distance", b"\x01\x01 cut short")
    redis("HSET", closed, "meta", b"\x63")
    redis("DEL", another)
    redis("SET", another, "no hash")
    send(10, 13)
    daemon = Daemon(case, config, "damaged", LEEWAY_LISTEN=listen)
    read()
    wait_for("the later panes", 30, lambda: sealed() >= 12)
    found = alerts()
    check("unreadable-pane" in found and found["unreadable-pane"]["status"] == "firing", "the alert", found)
    check("unreadable-state" not in found, "only of panes", found)
    equal(redis("HGET", key("now"), "unreadable_panes"), b"3", "panes counted")
    for h in (9, 5):
        check(redis("HLEN", key(f"unreadable:{T0 + h * HOUR}:0")) > 3, "what was damaged is kept", h)
    equal(redis("GET", key(f"unreadable:{T0 + 4 * HOUR}:0")), b"no hash", "whatever it was")
    wait_for("/readyz to report it", 20,
             lambda: "cannot be read" in asked("/readyz") and "cannot be read" in asked("/healthz"))
    check("leeway_unreadable_panes 3" in asked("/metrics"), "metric", asked("/metrics"))
    # Kafka still has all events: each pane is rebuilt, and a completely sealed one is equal byte for byte.
    wait_for("the panes to be rebuilt", 60, lambda: redis("HLEN", key("unreadable")) == 0)
    for k, was in whole.items():
        equal(redis.raw(k), was, f"{k} as it was")
    check(redis("HLEN", open_pane) > 3, "the open pane as well", redis("HKEYS", open_pane))
    daemon.stop()

    redis("HSET", key("monitor"), "state", b"\x01")
    send(13, 15)
    daemon = Daemon(case, config, "state", LEEWAY_LISTEN=listen)
    read()
    wait_for("the later panes", 30, lambda: sealed() >= 14)
    firing = alerts()
    check(firing["unreadable-state"]["status"] == "firing", "the alert", firing)
    equal(redis("HGET", key("now"), "unreadable_panes"), b"0", "the counter starts again")
    equal(redis("GET", key("unreadable:monitor:state")), b"\x01", "the state is kept")

    # Panes whose events Kafka did not have, or partly late ones, are rebuilt only on request.
    for k in whole:
        redis("RENAME", k, "unreadable".join(k.rsplit("pane", 1)))
        redis("HSET", key("unreadable"), k.split("pane:")[1], "1 moved by hand")
    case.leeway("repair", "-c", config, status=3)
    said = case.leeway("repair", "-c", config, "panes", "all")
    check(said.count("would be rebuilt from 20 events") == 2, "dry", said)
    check(not redis("EXISTS", closed, another), "nothing is changed")
    case.leeway("repair", "-c", config, "panes", "all", "--apply")
    for k, was in whole.items():
        equal(redis.raw(k), was, f"{k} as it was")
    wait_for("the leader to reload its windows", 30, lambda: len(daemon.logged("leading")) >= 2)
    send(15, 17)
    read()
    wait_for("the later panes", 30, lambda: sealed() >= 16)
    daemon.stop()


main(scenario)
