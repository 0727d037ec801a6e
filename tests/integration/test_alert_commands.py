"""`leeway alerts`: silences, a silent producer, refused deliveries, and a removed rule.

A silenced alert fires without a notification; when the silence ends, the notification is sent. The rule on
`silence` detects a producer that stops, and resolves when it continues. A delivery that a receiver refuses is
kept, listed, and sent again by `retry`. A rule that is removed from the configuration takes its alert with it.
"""
import json

from harness import (TRIPS, Daemon, Receiver, avro_cut, check, equal, main, say, wait_for)

STREAM = TOPIC = "alert-words"
RULES = """rules:
  - {name: few, metric: events, window: hour, warn: 1000000}
  - {name: quiet, metric: silence, critical: 0.3, clear: 0.25}

# ---- models"""


def config(case, hook, name, rules=RULES):
    return case.nyc(STREAM, TOPIC, [
        (r"(?s)^rules:.*^# ---- models", rules), (r"^  day: 1d", "  hour: 1h\n  day: 1d"),
        (r"(?s)^webhooks:.*?^alerts:", f"webhooks:\n  - {{name: hook, url: \"{hook.url}\"}}\n\nalerts:"),
        (r"until: 2020-03-12", "rows: 100000000"), (r"max_age: \S+", "max_age: 0")], name)


def alert_list(case, path):
    """The output of `leeway alerts --json`; its exit status must match."""
    done = case.attempt("alerts", "-c", path, "--json")
    listed = json.loads(done.stdout)
    equal(done.returncode, 3 if listed["firing"] else 0, "exit status of leeway alerts")
    return listed


def alert(listed, rule):
    return next((a for a in listed["alerts"] if a["rule"] == rule), None)


def got(hook, rule, status):
    return [m for m in hook.got if m["rule"] == rule and m["status"] == status]


def silence_and_end(case, hook, path):
    made = json.loads(case.leeway("alerts", "-c", path, "silence", "--rule", "few", "--for", "10m",
                                  "--comment", "a test", "--by", "tester", "--json"))
    case.leeway("alerts", "-c", path, "silence", "--rule", "few", "--for", "10m", status=2)  # no reason
    case.leeway("replay", "-c", path, case.path("a.avro"))
    wait_for("the alert", 60, lambda: alert(alert_list(case, path), "few"))
    few = alert(alert_list(case, path), "few")
    check(few["status"] == "firing" and few["silenced"] and few["silenced_by"] == made["id"], "it is silenced", few)
    check("suppressed" in [e["what"] for _, e in case.redis.entries(f"leeway:{{{STREAM}}}:audit")], "the silence is in the audit")
    equal(got(hook, "few", "firing"), [], "notified while silenced")
    case.leeway("alerts", "-c", path, "unsilence", made["id"])
    case.leeway("alerts", "-c", path, "unsilence", made["id"], status=1)
    wait_for("the message once the silence has ended", 20, lambda: got(hook, "few", "firing"))
    equal(got(hook, "few", "firing")[0]["incident"], few["incident"], "the incident")
    say("silenced, and notified when the silence ended")


def producer_stops(case, hook, path):
    wait_for("the alert about the silent producer", 90, lambda: got(hook, "quiet", "firing"))
    message = got(hook, "quiet", "firing")[0]
    check(message["severity"] == "critical" and message["value"] >= 0.3 and message["window"] is None,
          "its text", message)
    equal(alert(alert_list(case, path), "quiet")["status"], "firing", "its state")
    case.leeway("replay", "-c", path, case.path("b.avro"))
    wait_for("the resolution", 40, lambda: got(hook, "quiet", "resolved"))
    equal(got(hook, "quiet", "resolved")[0]["incident"], message["incident"], "the incident of the silence")
    say("an alert fired for the silent producer, and resolved")


def refused(case, hook, path, daemon):
    """The rule on `few` is removed; the receiver refuses the resolution of its alert, and gets it later."""
    daemon.stop()
    hook.refuses = True
    path = config(case, hook, "less.yaml", RULES.replace("  - {name: few, metric: events, window: hour, "
                                                         "warn: 1000000}\n", ""))
    daemon = Daemon(case, path, "less")
    wait_for("the delivery to be parked", 40, lambda: alert_list(case, path)["parked"])
    listed = alert_list(case, path)
    equal(alert(listed, "few")["status"], "resolved", "an alert whose rule was removed")
    parked = listed["given_up"][0]
    check("400" in parked["reason"] and parked["id"].endswith("-resolved@hook"), "the parked delivery", parked)
    kept = case.redis.entries(f"leeway:{{{STREAM}}}:outbox:parked")[0][1]
    equal(kept["alert"], alert(listed, "few")["fingerprint"], "its alert")
    hook.refuses = False
    case.leeway("alerts", "-c", path, "retry", parked["entry"])
    wait_for("the resolution to be sent", 20, lambda: got(hook, "few", "resolved"))
    equal(alert_list(case, path)["parked"], 0, "parked deliveries")
    say("refused, parked, and delivered by a retry")
    daemon.stop()


def scenario(case):
    case.create((TOPIC, 1), (TOPIC + ".dead", 1))
    hook = Receiver(lambda n: 400 if hook.refuses else 204)
    hook.refuses = False
    case.at_end.append(hook.close)
    avro_cut(TRIPS, case.path("a.avro"), 0, 2)
    avro_cut(TRIPS, case.path("b.avro"), 2, 3)
    path = config(case, hook, "words.yaml")
    tested = json.loads(case.leeway("alerts", "-c", path, "test", "--json"))
    check(tested[0]["delivered"] and hook.got[-1]["rule"] == "leeway-test", "a test message arrives", tested)
    daemon = Daemon(case, path)
    silence_and_end(case, hook, path)
    producer_stops(case, hook, path)
    refused(case, hook, path, daemon)


main(scenario)
