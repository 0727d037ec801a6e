#!/usr/bin/env python3
"""Every documented bound of the configuration is enforced exactly, by the commands that read files.

docs/config.md has the bounds. `check` and every other command accept a value at a bound, and then do their work
or explain why they cannot; all reject a value beyond it and name the key. No command crashes.

  test_config_bounds.py LEEWAY      77 without fastavro"""
import concurrent.futures
import copy
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import fastavro
except ImportError as error:
    print(f"skipped: {error} (python3 -m pip install -r tests/requirements.txt)")
    sys.exit(77)

LEEWAY = os.environ.get("LEEWAY_TEST_BIN") or sys.argv[1]
BEGAN, ROWS, STEP_MS = 1_700_000_000_000, 1500, 600_000
SCHEMA = {"type": "record", "name": "Ride", "fields": [
    {"name": "id", "type": "string"},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "zone", "type": "string"},
    {"name": "distance", "type": "double"},
    {"name": "minutes", "type": "double"}]}
BASE = {
    "stream": "bounds", "source": {"topic": "bounds", "schema": "ride.avsc"},
    "event": {"id": "id", "time": "at", "fields": {"zone": {"kind": "category"}, "distance": {"kind": "numeric"}}},
    "target": {"field": "minutes", "range": [0, 100]},
    "features": {"zone": {"cap": 100}, "distance": {"k": 200}},
    "panes": {"length": "1h", "lateness": "1h"}, "windows": {"day": "1d"}, "drift": {"min_n": 20},
    "rules": [{"name": "error", "metric": "rmse_ratio", "window": "day", "critical": 1.1, "clear": 1.0, "min_n": 20,
               "retrain": True}],
    "feature_sets": {"plain": [{"term": "zone"}, {"term": "distance"}]},
    "candidates": [{"name": "line", "features": "plain"}],
    "retrain": {"bootstrap": {"rows": 200}, "min_rows": 100, "min_fresh": 50, "holdout": "6h", "reference": "1d", "window": "30d",
                "cooldown": "1d"},
    "webhooks": [{"name": "desk", "url": "http://127.0.0.1:9/"}],
}
# Other keys that a key requires, and keys that exclude each other.
BESIDE = {
    "retrain.search.budget": {"retrain.search.kind": "random"},
    "retrain.search.seed": {"retrain.search.kind": "random"},
    "change.delta": {"change.kind": "adwin"},
    "change.lambda": {"change.kind": "page_hinkley"},
    "change.alpha": {"change.kind": "kswin"},
    "candidates[].l1_ratio": {"candidates[].kind": "elastic_net"},
    "candidates[].correction.window": {"candidates[].correction.half_life": "1d"},
    "candidates[].correction.penalty": {"candidates[].correction.half_life": "1d"},
    "retrain.stale.gain": {"retrain.stale.age": "2d"},
}
PLACES = {"features.<name>": ["features", "zone"], "rules[]": ["rules", 0], "webhooks[]": ["webhooks", 0],
          "feature_sets.<name>[]": ["feature_sets", "plain", 1], "candidates[]": ["candidates", 0]}
COUNTED = ["valid", "features", "windows", "rules", "webhooks", "feature_sets", "terms", "candidates", "grid", "factors",
           "nested", "kafka"]
SERVICES = re.compile(r"(redis|source|webhooks\[\]|http)\.")
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def manual():
    """[(key, type, low, high)] of each row that has a range."""
    text = subprocess.run([LEEWAY, "check", "--manual"], capture_output=True, text=True, check=True).stdout
    found, prefix = [], ""
    for line in text.splitlines():
        title = re.match(r"## `(.*)`$", line)
        item = re.match(r"Each `(.*)`:$", line)
        prefix = title[1] if title else item[1] if item else prefix
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 and " to " in cells[3]:
            low, high = cells[3].split(" to ")
            where = {"rules": "rules[]", "webhooks": "webhooks[]", "candidates": "candidates[]",
                     "features": "features.<name>", "feature_sets": "feature_sets.<name>[]"}.get(prefix, prefix)
            found.append((f"{where}.{cells[0].strip('`')}", cells[1].split(",")[0], low, high))
    return found


def number(kind, text):
    if kind == "duration":
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhdw])", text)
        return sum(float(n) * UNITS[u] for n, u in parts)
    return float(text.replace(",", ""))


def written(kind, value):
    if kind == "duration":
        return f"{int(value)}ms" if value >= 0 else f"-{int(-value)}ms"
    if kind in ("whole number", "size"):
        return int(value)
    return value


def locate(config, key):
    """The map that contains the key (created if it is missing), and the key's last name."""
    for title, start in PLACES.items():
        if key.startswith(title + "."):
            path, rest = start, key[len(title) + 1:]
            if title == "features.<name>" and rest == "k":
                path = ["features", "distance"]
            break
    else:
        path, rest = [], key
    at = config
    for step in path:
        at = at[step]
    *way, last = rest.split(".")
    for step in way:
        at = at.setdefault(step, {})
    return at, last


def configured(key, value):
    config = copy.deepcopy(BASE)
    beside = dict(BESIDE.get(key, {}))
    if key.startswith("candidates[].trees."):
        beside = {"candidates[].kind": "trees"}
    for other, v in beside.items():
        at, name = locate(config, other)
        at[name] = v
    at, name = locate(config, key)
    at[name] = value
    return config


def write_rides(path):
    rides = [{"id": f"r{n}", "at": BEGAN + n * STEP_MS, "zone": f"z{n * n % 13}", "distance": n * 7 % 41 / 2,
              "minutes": 3 + n * 7 % 41 + (n * 31 % 17) / 4 + (20 if n > 1000 else 0)} for n in range(ROWS)]
    with open(path, "wb") as out:
        fastavro.writer(out, fastavro.parse_schema(SCHEMA), rides)


class Bench:
    def __init__(self, directory):
        self.dir = directory
        self.events = os.path.join(directory, "rides.avro")
        with open(os.path.join(directory, "ride.avsc"), "w", encoding="utf-8") as out:
            json.dump(SCHEMA, out)
        write_rides(self.events)
        self.model = os.path.join(directory, "base.avro")
        done = self.run("train", "-c", self.write("base", BASE), "-o", self.model, self.events)
        assert done.returncode == 0, done.stderr

    def write(self, name, config):
        path = os.path.join(self.dir, name + ".yaml")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(config, out)
        return path

    def run(self, *words):
        done = subprocess.run([LEEWAY, *words], capture_output=True, text=True)
        assert done.returncode in (0, 1, 3), f"{words}: exit {done.returncode}\n{done.stderr}"
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, f"{words}\n{done.stderr}"
        assert done.returncode == 0 or done.stderr or done.stdout, f"{words}: no word of why"
        return done

    def commands(self, path, name, services=False):
        """Runs each command on a configuration: each must agree with check."""
        yield self.run("check", "--offline", "-c", path)
        if services:  # has no effect on files
            return
        yield self.run("train", "-c", path, "-o", os.path.join(self.dir, name + ".avro"), self.events)
        yield self.run("evaluate", "-c", path, "-m", self.model, "--by", "zone", self.events)
        yield self.run("score", "-c", path, "-m", self.model, self.events, "-o", os.path.join(self.dir, name + ".out"))
        yield self.run("report", "-c", path, "--reference", self.events, "--current", self.events)
        yield self.run("backtest", "-c", path, "-q", self.events)

    def edge(self, name, what, config):
        """Whether the commands refuse it; all must agree."""
        refused = [bool(re.search(r"\.yaml:\d+:\d+: ", done.stderr))
                   for done in self.commands(self.write(name, config), name, SERVICES.match(what))]
        assert len(set(refused)) == 1, f"{what}: check and the others disagree: {refused}"
        return refused[0]

    def count(self, what):
        """The error message names the limit; that many items are accepted, and one more is refused."""
        many = 12 if what in ("factors", "nested") else 300
        path = self.write(what, wide(what, many))
        said = re.search(r"more than (\d+)", self.run("check", "--offline", "-c", path).stderr)
        assert said, f"{many} {what} are taken"
        most = int(said[1])
        assert not self.edge(f"{what}-most", f"{most} {what}", wide(what, most)), f"{most} {what} are refused"
        assert self.edge(f"{what}-more", f"{most + 1} {what}", wide(what, most + 1)), f"{most + 1} {what} are taken"
        return f"{most} {what}"

    def past(self, name, key, value):
        last = re.sub(r".*[.\]]", "", key)
        for done in self.commands(self.write(name, configured(key, value)), name, SERVICES.match(key)):
            assert done.returncode == 1 and last in done.stderr, f"{key}: {value}: {done.args}\n{done.stderr}"


def wide(what, n):
    """The configuration with n items of a kind."""
    config = copy.deepcopy(BASE)
    config.update({
        "valid": {"valid": [f"distance < {1000 + i}" for i in range(n)]},
        "features": {"features": {**BASE["features"], **{f"f{i}": {"of": "distance"} for i in range(n - 2)}}},
        "windows": {"windows": {**BASE["windows"], **{f"w{i}": f"{i + 1}h" for i in range(n - 1)}}},
        "rules": {"rules": BASE["rules"] + [dict(BASE["rules"][0], name=f"r{i}") for i in range(n - 1)]},
        "webhooks": {"webhooks": [{"name": f"w{i}", "url": "http://127.0.0.1:9/"} for i in range(n)]},
        "feature_sets": {"feature_sets": {**BASE["feature_sets"],
                                          **{f"s{i}": ["distance"] for i in range(n - 1)}}},
        "terms": {"feature_sets": {"plain": [f"clip(distance, 0, {i + 1})" for i in range(n)]}},
        "candidates": {"candidates": [dict(BASE["candidates"][0], name=f"c{i}") for i in range(n)]},
        "grid": {"candidates": [dict(BASE["candidates"][0], alpha=[i + 1 for i in range(n)])]},
        "factors": {"feature_sets": {"plain": [" * ".join(["distance"] * n)]}},
        "nested": {"feature_sets": {"plain": ["sqrt(" * n + "distance" + ")" * n]}},
        "kafka": {"kafka": {"group.id": "bounds", "bootstrap.servers": "h:9",
                            **{f"topic.x{i}": 1 for i in range(n - 2)}}},
    }[what])
    return config


def beyond(kind, low, high):
    """The nearest values outside the bounds."""
    if kind == "number":
        return low - (abs(low) or 1) * 1e-9, high * (1 + 1e-9)
    return low - 1, high + 1


def main():
    keys = manual()
    assert len(keys) > 60, keys
    with tempfile.TemporaryDirectory(prefix="leeway-bounds.") as directory:
        bench, jobs = Bench(directory), []
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            for i, (key, kind, low, high) in enumerate(keys):
                ends = number(kind, low), number(kind, high)
                for j, v in enumerate(ends):
                    config = configured(key, written(kind, v))
                    jobs.append((pool.submit(bench.edge, f"edge{i}-{j}", f"{key}: {v}", config), key, v))
                for j, v in enumerate(beyond(kind, *ends)):
                    jobs.append((pool.submit(bench.past, f"past{i}-{j}", key, written(kind, v)), None, v))
            counts = [pool.submit(bench.count, what) for what in COUNTED]
            refused = {f"{key}: {v:g}" for job, key, v in jobs if job.result() and key}
            print("at most", ", ".join(job.result() for job in counts))
    print(f"{len(keys)} keys; on the edge, and refused beside what else is configured: {sorted(refused)}")


if __name__ == "__main__":
    main()
