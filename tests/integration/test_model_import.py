"""Models from outside on a real Kafka and a real Redis: imported, tested by the leader, promoted or rejected.

A poor linear model is made champion by hand; it reads a term that no candidate has. An export of version 1 is
imported next: the leader tests it on the hold-out against that champion, promotes it and gives it a reference.
A second poor model is rejected, and a retrain after it fits the candidates again.
"""
import json

from harness import TRIPS, Daemon, avro_cut, check, count, equal, main, members, say, wait_evaluated, wait_for

STREAM = TOPIC = "model-import"
PARTITIONS, PANE, CALM = 2, 3600 * 1000, 54


def key(name):
    return f"leeway:{{{STREAM}}}:{name}"


def poor(case, name, distance):
    path = case.path(name + ".json")
    with open(path, "w") as out:
        json.dump({"link": "identity", "intercept": 9, "target_unit": "minutes",
                   "terms": {"trip_distance": distance, "square(passenger_count)": 0.01,
                             "PULocationID": {"74": 0.5, "75": -0.5}}}, out)
    return path


def alias(case, name):
    return int(case.redis("HGET", key("models"), name) or 0)


def shown(case, config, version):
    return json.loads(case.leeway("models", "-c", config, "show", str(version), "--json"))


def imported(case, config, path, *options):
    got = json.loads(case.leeway("models", "-c", config, "import", path, "--json", *options))
    return got["version"]


def tested(case, version):
    wait_for(f"the test of version {version}", 120, lambda: alias(case, "imported") == 0)


def check_version(case, config, version, status, passed):
    v = shown(case, config, version)
    equal(v["status"], status, f"status of version {version}")
    facts = v["facts"]
    equal(facts["origin"], "imported", "its origin")
    equal(facts["gate"]["passed"], passed, "its gate")
    check(facts["lineage"]["rows"] > 1000 and len(facts["lineage"]["ranges"]) == PARTITIONS, "its rows", facts["lineage"])
    check(len(case.redis("HGET", key(f"reference:{version}"), "profile")) > 100, "its reference")
    return v


def scenario(case):
    case.create((TOPIC, PARTITIONS), (TOPIC + ".dead", 1))
    config = case.nyc(STREAM, TOPIC, [(r"idle_timeout: \S+", "idle_timeout: 1h")])
    daemon = Daemon(case, config)
    wait_for("the group", 60, lambda: len(daemon.logged("partition_claimed")) == PARTITIONS)
    path = case.path("part.avro")
    avro_cut(TRIPS, path, 0, CALM)
    case.leeway("replay", "-c", config, "--speed", "400000", path)
    wait_evaluated(case.redis, STREAM, count(TOPIC), PARTITIONS, PANE, 120)
    wait_for("a first version", 120, lambda: alias(case, "champion") == 1)
    say("version 1 is the champion")

    first = imported(case, config, poor(case, "first", 1.0), "--promote", "--reason", "ours")
    equal(alias(case, "champion"), first, "the champion that a person wanted")
    equal(alias(case, "imported"), 0, "nothing waits for a test")
    out = case.path("v1.avro")
    case.leeway("models", "-c", config, "export", "--version", "1", "-o", out)
    equal(open(out, "rb").read(), case.redis("HGET", key("model:1"), "model"), "bytes of the export")
    good = imported(case, config, out)
    tested(case, good)
    wait_for("its promotion", 30, lambda: alias(case, "champion") == good)
    v = check_version(case, config, good, "champion", True)
    equal(v["parent"], first, "the version that it beat")
    equal(case.redis("HGET", key(f"model:{good}"), "model"), open(out, "rb").read(), "bytes of the import")
    say(f"version {good} is tested and promoted")

    second = imported(case, config, poor(case, "second", 1.5))
    tested(case, second)
    check_version(case, config, second, "rejected", False)
    equal(alias(case, "champion"), good, "the champion stays")
    say(f"version {second} is tested and rejected")

    case.leeway("models", "-c", config, "promote", str(first))
    case.leeway("models", "-c", config, "retrain")
    wait_for("a version of our own", 120, lambda: alias(case, "next") == second + 2)
    wait_for("its outcome", 60, lambda: case.redis("EXISTS", key(f"model:{second + 1}")))
    v = shown(case, config, second + 1)
    check("origin" not in v["facts"] and len(v["facts"]["trials"]) > 1, "candidates were fitted", v["facts"]["trials"])
    equal(v["parent"], first, "against a champion from outside")
    kinds = [e["what"] for _, e in case.redis.entries(key("audit"))]
    equal(kinds.count("imported"), 3, "imports in the audit")
    daemon.stop(60)
    wait_for("the group is empty", 60, lambda: not members(f"leeway-{STREAM}"))


main(scenario)
