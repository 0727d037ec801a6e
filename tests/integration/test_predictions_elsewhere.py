"""Teams without models of ours, on a real Kafka and Redis: the prediction is made elsewhere and comes
with the event; its truth never comes; nobody predicts.

Each stream reads the same trips, with a process that is killed on the way. The error over a window must
be that of the events themselves; without truth, no error may appear anywhere: not in Redis, not in
/metrics, not in the HTTP API.
"""
import json
import math
import os
import urllib.error
import urllib.request

from harness import (ROOT, TRIPS, Daemon, avro_cut, avro_records, check, equal, free_port, main, say,
                     wait_evaluated, wait_for)

HOUR = 3600_000
PARTITIONS = 2
CONFIG = """
stream: %(stream)s
kafka: {bootstrap.servers: "${LEEWAY_KAFKA}", group.id: %(stream)s, auto.offset.reset: earliest}
redis: {url: "${LEEWAY_REDIS}"}
source:
  topic: %(stream)s
  schema: %(root)s/schemas/green_trip.avsc
  flush: {interval: 100ms, events: 5000}
event:
  id: trip_id
  time: lpep_dropoff_datetime
  fields:
    lpep_pickup_datetime: timestamp
    PULocationID: {kind: category, required: true}
    trip_distance: numeric
target: %(target)s
%(prediction)s
features:
  PULocationID: {}
  trip_distance: {range: [0, 50]}
panes: {length: 1h, lateness: 1h, idle_timeout: 2s}
windows: {day: 1d}
rules:
  - {name: drift, metric: psi, feature: each, window: day}
%(rules)s
retrain: {bootstrap: {rows: 5000}, holdout: 12h, reference: 1d}
http: {listen: "127.0.0.1:%(port)d"}
"""
MINUTES = "{minutes_between: [lpep_pickup_datetime, lpep_dropoff_datetime], range: [1, 60]}"
GUESS = "prediction: fare_amount"       # what the meter shows, taken for a guess of the minutes
ERROR = "  - {name: error, metric: rmse_ratio, window: day}"


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as reply:
        return reply.read().decode()


def ready(port):
    try:
        return bool(get(port, "/readyz"))
    except urllib.error.HTTPError:
        return False


def team(case, stream, **parts):
    """Runs the stream to the end of the trips, with one kill. Returns `now`, the port and the stream."""
    words = {"stream": stream, "root": ROOT, "target": "none", "prediction": "", "rules": "",
             "port": free_port(), **parts}
    path = case.path(f"{stream}.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(CONFIG % words)
    case.streams.append(stream)
    case.create((stream, PARTITIONS))
    case.leeway("check", "-c", path)
    first = Daemon(case, path, f"{stream}-first")
    case.leeway("replay", "-c", path, case.path("first.avro"))
    wait_for("version 1", 120,
             lambda: case.redis("HGET", f"leeway:{{{stream}}}:models", "champion") == b"1")
    if "target" in parts:
        first.kill()
    else:
        first.stop()
    second = Daemon(case, path, f"{stream}-second")
    wait_for("partitions", 60, lambda: len(second.logged("partition_claimed")) == PARTITIONS)
    case.leeway("replay", "-c", path, case.path("then.avro"))
    wait_evaluated(case.redis, stream, case.messages, PARTITIONS, HOUR, 120)
    now = {k: v for k, v in case.redis.hash(f"leeway:{{{stream}}}:now").items()}
    wait_for("the API", 30, lambda: json.loads(get(words["port"], "/api/v1/now"))["at_ms"] == int(
        now["at"]))
    wait_for("readiness", 60, lambda: ready(words["port"]))
    return now, words["port"], path


def of_window(records, until, predicted):
    """Predictions and targets of the good events of the day before `until`."""
    out = []
    for r in records:
        minutes = (r["lpep_dropoff_datetime"] - r["lpep_pickup_datetime"]) / 60_000
        if until - 24 * HOUR <= r["lpep_dropoff_datetime"] < until and 1 <= minutes <= 60:
            out.append((predicted(r), minutes))
    return out


def with_truth(case, records):
    now, port, _ = team(case, "elsewhere", target=MINUTES, prediction=GUESS, rules=ERROR)
    pairs = of_window(records, int(now["at"]), lambda r: r["fare_amount"])
    rmse = math.sqrt(sum((p - y) ** 2 for p, y in pairs) / len(pairs))
    say(f"RMSE {now['day:rmse']} over {now['day:n']} events, {rmse:.9g} over {len(pairs)} computed")
    check(abs(int(now["day:n"]) - len(pairs)) <= 5, "late events only are missing", now["day:n"],
          len(pairs))
    check(abs(float(now["day:rmse"]) - rmse) < 1e-3 * rmse, "the events' own errors", now["day:rmse"],
          rmse)
    check("day:psi:prediction" in now, "the prediction is compared", sorted(now))
    check("leeway_window_rmse{" in get(port, "/metrics"), "a series of the error")
    return float(now["day:rmse"])


def without_truth(case, stream, **parts):
    now, port, path = team(case, stream, **parts)
    errors = [k for k in now if any(w in k for w in (":rmse", ":mae", ":bias", ":r2", ":n", ":recal"))]
    equal(errors, [], "figures of errors in Redis")
    equal([k for k in now if k.endswith(":target")], [], "figures of the target")
    check("day:psi:trip_distance" in now, "features are compared", sorted(now))
    equal("day:psi:prediction" in now, bool(parts), "predictions are compared")
    check("leeway_window_rmse{" not in get(port, "/metrics"), "no series of an error")
    api = json.loads(get(port, "/api/v1/now"))
    equal((api["labelled"], api["predictor"]), (False, "events" if parts else "nobody"), "what there is")
    window = api["windows"][0]
    equal({k: v for k, v in window.items() if k.startswith("rmse") and v is not None}, {},
          "errors in the API")
    names = [f["name"] for f in window["features"]]
    equal("target" in names, False, "a target in the API")
    equal("prediction" in names, bool(parts), "predictions in the API")
    status = case.leeway("status", "-c", path)
    say(status)
    check("no errors: the stream has no target" in status and "rmse" not in status,
          "no zero in the place of an error", status)
    listed = case.leeway("models", "-c", path, "list")
    check("external" in listed or "champion" in listed, "the reference is listed", listed)


def scenario(case):
    case.messages = (avro_cut(TRIPS, case.path("first.avro"), 0, 12)[0] +
                     avro_cut(TRIPS, case.path("then.avro"), 12, 40)[0])
    _, records = avro_records(case.path("then.avro"))
    with_truth(case, records)
    without_truth(case, "elsewhere-blind", prediction=GUESS)
    without_truth(case, "elsewhere-data")


main(scenario)
