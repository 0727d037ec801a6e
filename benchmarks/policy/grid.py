#!/usr/bin/env python3
"""Measures each default of a configuration: backtests with neighbouring values.

    benchmarks/policy/grid.py LEEWAY CONFIG STREAM... [--only TEXT] [--jobs N]

A STREAM is NAME=BOOTSTRAP:FILE[,FILE...], for example
    lockdown=2020-03-12:data/green_2020-03_2020-05.avro
    2023=2023-02-01:green_2023-01.avro,green_2023-02.avro,green_2023-03.avro

Each row changes one key of the configuration; the row without a key is the unchanged configuration.
For each stream: error of the managed model, of the frozen one in the first row, retrains
(promoted), alerts (critical), and promotions that did worse than the replaced version in the
following week. Prints Markdown.
"""
import argparse
import concurrent.futures
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

import yaml

# (key, neighbours); names stand for members of a list. "a + b" changes several keys at once.
GRID = [
    ("retrain.max_age", ["21d", "45d", "0s"]),
    ("retrain.stale", [{"age": "0s"}, {"age": "10d"}, {"age": "21d"}, {"gain": 0.015}, {"gain": 0.03}]),
    ("candidates", ["steady", "two-scales"]),
    ("candidates.two-scales.correction.half_life", [["1d"], ["3d"], ["7d"]]),
    ("candidates.two-scales.correction.penalty", [10, 100]),
    ("retrain.cooldown", ["3d", "10d"]),
    ("retrain.min_fresh", [500, 10000]),
    ("retrain.gate.z", [1.0, 1.645]),
    ("retrain.holdout", ["1d", "3d", "4d"]),
    ("rules.recalibration.critical", [0.05, 0.12]),
    ("rules.recalibration.window", ["week"]),
    ("rules.error", [{"critical": 1.15}, {"critical": 1.4}]),
    ("retrain.probation.length", ["4d"]),
    ("retrain.gate.min_gain", [0.01]),
    ("retrain.window", ["140d"]),
    ("retrain.reference", ["3d", "14d"]),
    ("retrain.cooldown_max", ["40d"]),
    ("retrain.max_per_week", [1]),
]


def member(node, name):
    if isinstance(node, list):
        return next(x for x in node if x["name"] == name)
    return node[name]


def changed(config, key, value):
    config = copy.deepcopy(config)
    if key == "candidates":
        config["candidates"] = [c for c in config["candidates"] if c["name"] == value]
        return config
    *path, last = key.split(".")
    node = config
    for name in path:
        node = member(node, name)
    if isinstance(value, dict):
        member(node, last).update(value)
    else:
        node[last] = value
    return config


class Grid:
    def __init__(self, args):
        self.leeway = args.leeway
        path = pathlib.Path(args.config).resolve()
        self.config = yaml.safe_load(path.read_text())
        source = self.config["source"]
        if "schema" in source:
            source["schema"] = str((path.parent / source["schema"]).resolve())
        self.streams = []
        for text in args.stream:
            name, rest = text.split("=", 1)
            until, files = rest.rsplit(":", 1)
            self.streams.append((name, until, files.split(",")))

    def run(self, config, until, files):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            yaml.safe_dump(config, f, sort_keys=False)
            f.flush()
            p = subprocess.run([self.leeway, "backtest", "-c", f.name, "--json", "--bootstrap-until",
                                until, *files], capture_output=True, text=True)
        if p.returncode:
            sys.exit(f"leeway backtest: {p.stderr}")
        return json.loads(p.stdout.splitlines()[-1])

    def row(self, key, value):
        config = changed(self.config, key, value) if key else self.config
        return [self.run(config, until, files) for _, until, files in self.streams]


def worse_later(o):
    """Promotions whose version did worse in the following week than the replaced one."""
    weeks = [e.get("following_week") for e in o["log"] if e["event"] == "training" and e.get("promoted")]
    return sum(1 for w in weeks if w and w["rmse"] > w["previous_rmse"])


def cell(o, frozen):
    text = f"{o['managed_rmse']:.3f}"
    if frozen and o["frozen_rmse"]:
        text += f" (frozen {o['frozen_rmse']:.3f})"
    text += f" · {o['retrains']} ({o['promotions']}) · {o['alerts']} ({o['critical_alerts']})"
    return text + f" · {worse_later(o)}"


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("leeway")
    p.add_argument("config")
    p.add_argument("stream", nargs="+")
    p.add_argument("--only", default="", help="keys that contain this")
    p.add_argument("--jobs", type=int, default=1)
    args = p.parse_args()
    grid = Grid(args)
    rows = [("as it is", None, None)]
    for key, values in GRID:
        if args.only in key:
            rows += [(f"`{key}: {json.dumps(v)}`".replace('"', ""), key, v) for v in values]
    print("RMSE · retrains (promoted) · alerts (critical) · worse in the following week\n")
    print("| | " + " | ".join(name for name, _, _ in grid.streams) + " |")
    print("|---" * (1 + len(grid.streams)) + "|", flush=True)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for (name, key, _), out in zip(rows, pool.map(lambda r: grid.row(r[1], r[2]), rows)):
            print(f"| {name} | " + " | ".join(cell(o, key is None) for o in out) + " |", flush=True)


if __name__ == "__main__":
    main()
