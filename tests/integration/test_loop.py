"""The whole loop against a real Kafka and a real Redis: a topic, a first model, drift, a webhook, a
retrain in the process, a proof, a promotion, and scoring with the new version.

New York's trips of March 2020 come in pieces, each of which is sealed and answered before the next,
so that the decisions fall at their moments of event time. How many promotions there are, and when,
is the policy's affair and not asserted; that the parts tell one consistent story is.
"""
import json

from harness import (TRIPS, Daemon, Receiver, avro_cut, check, count, counters, equal, main, offsets,
                     say, wait_for)

STREAM = TOPIC = "loop"
FIRST, PIECE, LAST = 28, 4, 64  # blocks of the file: until 12 March, a piece, the end of March


def trainings(daemon):
    """Asked for, and answered."""
    log = daemon.text()
    return (log.count(" training request="),
            log.count(" promoted version=") + log.count(" rejected version=") +
            log.count(" rule=training-failed"))


def settle(case, daemon, sent):
    """All that was sent is read, sealed, and every training it led to has its answer."""
    seen = [None, 0]

    def quiet():
        now = (case.redis("HGET", f"leeway:{{{STREAM}}}:now", "at"), trainings(daemon))
        idle = all(case.redis("HGET", key, "idle") == b"1"
                   for key in case.redis.keys(f"leeway:{{{STREAM}}}:part:*"))
        asked, answered = now[1]
        calm = idle and offsets(case.redis, STREAM) == sent and asked == answered
        seen[1] = seen[1] + 1 if calm and now == seen[0] else 0
        seen[0] = now
        return seen[1] >= 6
    wait_for("the stream to settle", 60, quiet)


def play(case, config, daemon, receiver):
    """Pieces until a retrain has been promoted, an alert resolved, and then one piece more."""
    sent, at, left = 0, 0, None
    while at < LAST and left != 0:
        until = FIRST if at == 0 else at + PIECE
        n, _ = avro_cut(TRIPS, case.path("piece.avro"), at, until)
        told = json.loads(case.leeway("replay", "-c", config, "--json", case.path("piece.avro")))
        equal(told["produced"], n, "trips produced")
        sent, at = sent + n, until
        settle(case, daemon, sent)
        champion = int(case.redis("HGET", f"leeway:{{{STREAM}}}:models", "champion") or 0)
        check(champion >= 1, f"version 1 stands after the trips of 12 March ({sent})")
        resolved = any(m["status"] == "resolved" for m in receiver.got)
        say(f"{sent} trips: champion {champion}, {len(receiver.got)} messages")
        left = left - 1 if left else (1 if champion > 1 and resolved else None)
    check(left == 0, "a drift, a promotion and a resolved alert in March 2020",
          [m["summary"] for m in receiver.got])
    return sent


def check_models(case, config, sent):
    models = json.loads(case.leeway("models", "-c", config, "list", "--json"))
    equal([m["version"] for m in models][:2], [1, 2], "versions")
    aliases = case.redis.hash(f"leeway:{{{STREAM}}}:models")
    champion = [m for m in models if "champion" in m["aliases"].split()]
    equal([str(m["version"]) for m in champion], [aliases["champion"]], "the champion")
    equal(aliases["first"], "1", "the first version")
    equal(models[0]["parent"], 0, "parent of version 1")
    for m in models:
        facts, line = m["facts"], m["facts"]["lineage"]
        span = sum(r["last"] - r["first"] + 1 for r in line["ranges"])
        equal(line["topic"], TOPIC, "topic of the lineage")
        equal(line["messages"], span, f"messages of version {m['version']}'s ranges")
        equal((line["gone"], line["undecodable"]), (0, 0), "messages that were not there")
        check(0 < line["rows"] <= span <= sent, "rows within the ranges", line)
        check(line["rows_from"] < line["holdout_from"] < line["until"], "times in order", line)
        equal(sorted(r["partition"] for r in line["ranges"]), [0, 1, 2, 3], "partitions read")
        check(facts["trials"] and facts["heldout_rmse"] > 0, "trials", facts)
        gate = facts["gate"]
        if m["version"] > 1:
            equal(gate["passed"], m["status"] != "rejected", f"gate of version {m['version']}")
            check(gate["rows"] > 0 and gate["champion_rmse"] > 0, "a paired comparison", gate)
            equal(gate["passed"], gate["gain"] > 0, "what the gate passed on")
            check(m["parent"] in range(1, m["version"]), "a parent", m["parent"])
    shown = json.loads(case.leeway("models", "-c", config, "show", "2", "--json", "-o",
                                   case.path("v2.avro")))
    equal(shown["facts"], models[1]["facts"], "facts of show and list")
    told = json.loads(case.leeway("evaluate", "-c", config, "--json", "--model",
                                  case.path("v2.avro"), case.path("piece.avro")))
    check(told, "a model out of Redis can be measured")
    return models


def check_figures(case, config, champion):
    redis = case.redis
    now = redis.hash(f"leeway:{{{STREAM}}}:now")
    for field in ("at", "champion", "updated", "alerts_firing", "week:n", "week:rmse", "week:mae",
                  "week:bias", "week:rmse_ratio", "day:rmse", "three_days:rmse",
                  "week:psi:PULocationID", "week:psi:trip_distance", "week:missing:passenger_count"):
        check(field in now, f"`now` has {field}", sorted(now)[:60])
        float(now[field])
    check(1 < float(now["week:rmse"]) < 30, "an error of some minutes", now["week:rmse"])
    status = json.loads(case.leeway("status", "-c", config, "--json"))
    equal(status["at"], float(now["at"]), "status --json beside HGETALL")
    equal(status["champion"], float(champion), "the champion that status tells")
    check("champion version" in case.leeway("status", "-c", config), "status for people")
    history = redis.entries(f"leeway:{{{STREAM}}}:history")
    check(len(history) > 24 * 11, "an entry a pane", len(history))
    fields = set(history[-1][1])
    for at, entry in history:
        equal(at.split("-")[0], str(int(float(entry["at"]))), "id of an entry: the window's end")
        equal(set(entry) ^ fields, set(), f"fields of the entry {at} against the newest")
        for value in entry.values():
            float(value)
    times = [int(at.split("-")[0]) for at, _ in history]
    equal(times, list(range(times[0], times[-1] + 1, 3600000)), "each pane evaluated once")
    say(f"{len(history)} evaluations of {len(fields)} figures")


def check_webhooks(receiver):
    incidents = {}
    ids = [m["id"] for m in receiver.got]
    equal(len(ids), len(set(ids)), "each message once")
    for m in receiver.got:
        for field in ("fingerprint", "status", "severity", "rule", "value", "threshold", "window", "n",
                      "model_version", "at", "summary"):
            check(field in m, f"a message has {field}", m)
        equal(m["stream"], STREAM, "stream of a message")
        incidents.setdefault(m["incident"], []).append(m)
    for states in incidents.values():
        equal(states[0]["status"], "firing", "an incident begins by firing")
        equal(len({m["fingerprint"] for m in states}), 1, "one fingerprint an incident")
        check([m["status"] for m in states].count("resolved") <= 1, "resolved once")
    check(any(len(s) > 1 and s[-1]["status"] == "resolved" for s in incidents.values()),
          "one was resolved under its own incident")
    say(f"{len(receiver.got)} messages of {len(incidents)} incidents")


def check_audit(case, models):
    audit = case.redis.entries(f"leeway:{{{STREAM}}}:audit")
    kinds = {}
    for _, entry in audit:
        equal(set(entry), {"what", "who", "detail", "event", "at"}, "fields of an audit entry")
        kinds[entry["what"]] = kinds.get(entry["what"], 0) + 1
    say(f"audit: {kinds}")
    check(kinds.get("promoted", 0) >= sum(m["status"] != "rejected" for m in models),
          "every promotion is on record", kinds)
    check(len(kinds) >= 3, "alerts, requests and promotions are on record", kinds)


def scenario(case):
    case.create((TOPIC, 4), (TOPIC + ".dead", 1))
    receiver = Receiver()
    case.at_end.append(receiver.close)
    config = case.nyc(STREAM, TOPIC, [(r"idle_timeout: \S+", "idle_timeout: 1s")])
    case.environment["LEEWAY_WEBHOOK"] = receiver.url
    equal(json.loads(case.leeway("check", "-c", config, "--json"))["ok"], True, "check")
    daemon = Daemon(case, config)
    sent = play(case, config, daemon, receiver)
    models = check_models(case, config, sent)
    champion = int(case.redis("HGET", f"leeway:{{{STREAM}}}:models", "champion"))
    parts = [case.redis.hash(k) for k in case.redis.keys(f"leeway:{{{STREAM}}}:part:*")]
    equal({int(p["champion"]) for p in parts}, {champion}, "adopted by every partition")
    check(all(0 < int(p["champion_since"]) < int(p["next_offset"]) for p in parts),
          "trips were scored by it since a recorded offset", [p["champion_since"] for p in parts])
    check_figures(case, config, champion)
    wait_for("the outbox to empty", 20,
             lambda: case.redis("XLEN", f"leeway:{{{STREAM}}}:outbox") == 0)
    check_webhooks(receiver)
    check_audit(case, models)
    total = counters(case.redis, STREAM)
    equal(total["messages"], count(TOPIC), "messages counted and in the topic")
    case.leeway("models", "-c", config, "promote", "1", "--reason", "a person's word")
    wait_for("the workers to go back", 20, lambda: daemon.logged("model_adopted")[-1:] and all(
        case.redis("HGET", k, "champion") in (b"1", b"%d" % champion)
        for k in case.redis.keys(f"leeway:{{{STREAM}}}:part:*")))
    equal(case.redis("HGET", f"leeway:{{{STREAM}}}:models", "champion"), b"1", "by hand")
    check("a person's word" in str(case.redis.entries(f"leeway:{{{STREAM}}}:audit")[-1]),
          "a person's promotion is on record")
    daemon.stop()


main(scenario)
