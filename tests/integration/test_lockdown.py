"""The whole loop on a real Kafka and a real Redis: from a topic to a promoted model.

The bundled trips are replayed at a multiple of event time, so that trainings have the time they need.
There is no model at first; one is trained, drift is told to a webhook, a retrain proves itself and is
promoted, and scoring goes on with the new version. Then everything that dashboards, registry and audit
promise is looked up in Redis.
"""
import json

from harness import (EVENTS, TRIPS, Daemon, Receiver, check, counters, equal, main, members, say,
                     wait_for)

STREAM = TOPIC = "lockdown-trips"


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


def champion(case):
    return int(case.redis("HGET", key("models"), "champion") or 0)


def check_alerts(got):
    firing = [a for a in got if a["status"] == "firing"]
    resolved = [a for a in got if a["status"] == "resolved"]
    check(firing and resolved, "alerts fired and resolved", [a["rule"] for a in got])
    equal(len({a["id"] for a in got}), len(got), "every message has an id of its own")
    seen = {a["incident"] for a in firing}
    for alert in resolved:
        check(alert["incident"] in seen, "a resolved alert fired before", alert["incident"])
    check(any(a["rule"] in ("recalibration", "error") and a["severity"] == "critical"
              for a in firing), "the lockdown is told", [a["rule"] for a in firing])
    told = [a["details"] for a in firing if a["rule"] in ("recalibration", "error")]
    check(any(d["segments"] and d["examples"] for d in told), "where the error rose, and in which trips", told)
    for segment in (s for d in told for s in d["segments"]):
        check(segment["name"] in ("PULocationID", "DOLocationID", "pickup_hour") and
              0 < segment["share"] <= 1 and segment["rmse"] > 0 and segment["reference_rmse"] > 0,
              "a segment says what it is", segment)


def check_models(case, config):
    models = json.loads(case.leeway("models", "-c", config, "list", "--json"))
    equal(models[0]["version"], 1, "the first version")
    promoted = [m for m in models if m["status"] in ("champion", "previous", "retired")]
    check(len(promoted) >= 2, "a retrain was promoted", [m["status"] for m in models])
    shown = json.loads(case.leeway("models", "-c", config, "show", str(champion(case)), "--json"))
    lineage, gate = shown["facts"]["lineage"], shown["facts"]["gate"]
    equal(lineage["topic"], TOPIC, "topic of the lineage")
    equal(len(lineage["ranges"]), 12, "partitions of the lineage")
    check(all(r["first"] <= r["last"] for r in lineage["ranges"]), "its ranges", lineage["ranges"])
    check(lineage["messages"] >= lineage["rows"] > 1000, "its rows", lineage)
    check(gate["passed"] and gate["challenger_rmse"] < gate["champion_rmse"], "its gate", gate)


def check_dashboard(case):
    now = {k.decode(): v.decode() for k, v in case.redis.raw(key("now")).items()}
    for figure in ("day:rmse", "week:rmse_ratio", "week:psi:PULocationID", "champion"):
        float(now[figure])
    history = case.redis.entries(key("history"))
    check(len(history) > 1000, "evaluations in the history", len(history))
    fields = set(history[0][1])
    before = 0
    for entry, values in history:
        at = int(entry.split("-")[0])
        equal(at, int(values["at"]), "an entry's id is the end of its window")
        check(at > before, "ids grow", before, at)
        equal(set(values), fields, "every entry has every field")
        for value in values.values():
            float(value)
        before = at
    check(case.redis.entries(key("audit")), "the audit trail is not empty")


def scenario(case):
    receiver = Receiver()
    case.at_end.append(receiver.close)
    case.create((TOPIC, 12), (TOPIC + ".dead", 1))
    config = case.nyc(STREAM, TOPIC)
    daemon = Daemon(case, config, LEEWAY_WEBHOOK=receiver.url)
    wait_for("the group", 60, lambda: len(daemon.logged("partition_claimed")) == 12)
    case.leeway("replay", "-c", config, "--speed", "200000", TRIPS)
    say("replayed")
    wait_for("all of it", 60, lambda: counters(case.redis, STREAM)["messages"] == EVENTS)
    check(champion(case) >= 2, "a second version is champion", champion(case))
    wait_for("deliveries", 30, lambda: case.redis("XLEN", key("outbox")) == 0)
    check(len(daemon.logged("model_adopted")) >= 24, "partitions adopted two versions")
    daemon.stop()
    equal(members(STREAM), 0, "members left in the group")
    total = counters(case.redis, STREAM)
    say(f"{total}, champion {champion(case)}")
    equal(total["messages"], total["good"] + total["aside"] + total["dead"], "messages by kind")
    equal(total["dead"], 0, "dead letters")
    check_alerts(receiver.got)
    check_models(case, config)
    check_dashboard(case)


main(scenario)
