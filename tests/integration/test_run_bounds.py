"""The daemon with every documented bound of a service at its edge: first all minima, then all maxima.

tests/cli/test_config_bounds.py tries the edges of each key on files; here `run` and the commands that ask its Redis
meet those that only they use, and the sketches at their largest. Each stream is read to its end and trained.
"""
import copy
import importlib.util
import json
import os

from harness import KAFKA, REDIS, ROOT, Daemon, check, counters, free_port, main, say, wait_for

try:
    spec = importlib.util.spec_from_file_location("edges", os.path.join(ROOT, "tests/cli/test_config_bounds.py"))
    edges = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(edges)
except SystemExit:  # without fastavro
    raise SystemExit(77) from None

# Excluded: a timeout of 10 ms is too short for a shared machine, and long waits exceed the test's time.
LEFT_OUT = {"redis.timeout", "source.flush.interval", "source.registry.timeout", "source.registry.retry_max",
            "source.registry.missing_wait"}
SKETCHES = {"features.<name>.k", "features.<name>.cap", "drift.bins"}


def configuration(stream, end):
    config = copy.deepcopy(edges.BASE)
    used = []
    for key, kind, low, high in edges.manual():
        if key in LEFT_OUT or not (edges.SERVICES.match(key) or key in SKETCHES):
            continue
        at, name = edges.locate(config, key)
        at[name] = edges.written(kind, edges.number(kind, (low, high)[end]))
        used.append(key)
    config["stream"] = config["source"]["topic"] = stream
    config["kafka"] = {"bootstrap.servers": KAFKA, "auto.offset.reset": "earliest"}
    config["redis"]["url"] = f"redis://{REDIS}"
    config["http"]["listen"] = f"127.0.0.1:{free_port()}"
    config["source"]["dead_letters"] = stream + ".dead"
    config["source"]["flush"]["interval"] = "100ms"
    config["panes"]["idle_timeout"] = "1s"
    return config, used


def scenario(case):
    with open(case.path("ride.avsc"), "w", encoding="utf-8") as out:
        json.dump(edges.SCHEMA, out)
    edges.write_rides(events := case.path("rides.avro"))
    for end, what in enumerate(("least", "greatest")):
        stream = f"bounds-{what}"
        case.streams.append(stream)
        case.create((stream, 2), (stream + ".dead", 1))
        config, used = configuration(stream, end)
        path = case.path(f"{stream}.yaml")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(config, out)
        case.leeway("check", "-c", path)
        daemon = Daemon(case, path, stream)
        case.leeway("replay", "-c", path, events)
        wait_for("the end of the topic", 60, lambda s=stream: counters(case.redis, s)["messages"] == edges.ROWS)
        wait_for("a model", 60, lambda s=stream: case.redis("HGET", f"leeway:{{{s}}}:models", "champion"))
        for words in (["status", "--json"], ["models", "list"], ["alerts", "list"], ["dead-letters", "list"],
                      ["report", "--window", "day"]):
            done = case.attempt(words[0], "-c", path, *words[1:])
            check(done.returncode in (0, 3), f"{words}", done.returncode, done.stderr)
        check(daemon.alive(), "it runs")
        daemon.stop(30)
        say(f"the {what} of {', '.join(used)}")


main(scenario)
