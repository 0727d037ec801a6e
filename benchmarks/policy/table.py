#!/usr/bin/env python3
"""Prints what a policy does with streams, beside models that are retrained by cron.

    benchmarks/policy/table.py LEEWAY -c CONFIG STREAM... [-c CONFIG STREAM...] [--no-peers]
    benchmarks/policy/table.py LEEWAY -c CONFIG STREAM... --vary [KEY]

A STREAM is NAME=BOOTSTRAP:FILE[,FILE...], where version 1 is trained on the events that ended before
BOOTSTRAP (empty: as the configuration says), for example
    lockdown=2020-03-12:data/green_2020-03_2020-05.avro
    flights=:flights_2013.avro

The table has a row for each stream and configuration. Errors are RMSE over the events from version 1
on, each predicted before its truth is known. `worse later`: promotions whose version did worse in the
following week than the replaced one. peers.py describes the models by cron.

--vary measures defaults instead: each row changes one key of the first configuration; with KEY, only
keys that contain it. Prints Markdown.
"""
import argparse
import concurrent.futures
import copy
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

import yaml

import peers

# (key, neighbours); names stand for members of a list. Keys that a configuration lacks are left out.
NEIGHBOURS = [
    ("retrain.max_age", ["21d", "45d", "0s"]),
    ("retrain.stale", [{"age": "0s"}, {"age": "10d"}, {"gain": 0.03}]),
    ("retrain.holdout", ["1d", "4d"]),
    ("retrain.gate.z", [1.645]),
    ("rules.error", [{"window": "day"}]),
    ("rules.recalibration", [{"window": "week"}, {"budget": "1 per 30d"}, {"warn": 0.1}]),
    ("retrain.cooldown", ["3d", "10d"]),
    ("candidates", ["steady", "two-scales"]),
    ("candidates.two-scales.correction.half_life", [["1d"], ["7d"]]),
    ("candidates.two-scales.correction.penalty", [10, 100]),
    ("retrain.min_fresh", [500, 10000]),
    ("retrain.probation.length", ["4d"]),
    ("retrain.gate.min_gain", [0.01]),
    ("retrain.window", ["140d"]),
    ("retrain.reference", ["3d", "14d"]),
    ("retrain.cooldown_max", ["40d"]),
    ("retrain.max_per_week", [1]),
]


class Stream:
    def __init__(self, text):
        self.name, rest = text.split("=", 1)
        self.until, files = rest.rsplit(":", 1)
        self.files = files.split(",")


def load(path):
    """A configuration that can be written anywhere, and that scores version 1 to the end."""
    path = pathlib.Path(path).resolve()
    config = yaml.safe_load(path.read_text())
    source = config["source"]
    if "schema" in source:
        source["schema"] = str((path.parent / source["schema"]).resolve())
    config.setdefault("retrain", {})["keep_first"] = True
    return config


def backtest(leeway, config, stream):
    until = ["--bootstrap-until", stream.until] if stream.until else []
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
        yaml.safe_dump(config, f, sort_keys=False)
        f.flush()
        p = subprocess.run([leeway, "backtest", "-c", f.name, "--json", *until, *stream.files],
                           capture_output=True, text=True)
    if p.returncode:
        sys.exit(f"leeway backtest: {p.stderr}")
    return json.loads(p.stdout.splitlines()[-1])


def worse_later(o):
    """Promotions whose version did worse in the following week than the replaced one."""
    weeks = [e.get("following_week") for e in o["log"] if e["event"] == "training" and e.get("promoted")]
    return sum(1 for w in weeks if w and w["rmse"] > w["previous_rmse"])


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def period(o):
    """From version 1 to the end of the last day."""
    begin = next(seconds(e["at"]) for e in o["log"] if e["event"] == "training" and e.get("promoted"))
    return begin, seconds(o["daily"][-1]["day"] + "T00:00:00Z") + 86400


# ---- the table of streams --------------------------------------------------------------------

HEADER = ("stream", "events", "frozen", "tracked", "managed, untracked", "managed", "ridge", "BOOSTING",
          "managed / ridge", "managed / BOOSTING", "retrains (promoted)", "worse later",
          "alerts (critical) in 30 days", "in all")


def rmse(v):
    return f"{v:.3f}" if v else "–"


def row(name, o, peer):
    begin, end = period(o)
    months = (end - begin) / 86400 / 30
    ratios = [f"{o['managed_rmse'] / v:.3f}" for v in peer.values()] or ["–", "–"]
    return [name, f"{o['scored']:,}", rmse(o["frozen_rmse"]), rmse(o["frozen_tracked_rmse"]),
            rmse(o["untracked_rmse"]), f"**{o['managed_rmse']:.3f}**", *([rmse(v) for v in peer.values()] or ["–", "–"]),
            *ratios, f"{o['retrains']} ({o['promotions']})", str(worse_later(o)),
            f"{o['alerts'] / months:.1f} ({o['critical_alerts'] / months:.1f})",
            f"{o['alerts']} ({o['critical_alerts']})"]


def streams_table(args, jobs):
    """One row for each (configuration's name, configuration, stream)."""
    known = {}
    several = len({name for name, _, _ in jobs}) > 1 and len({s.name for _, _, s in jobs}) < len(jobs)
    print("| " + " | ".join(HEADER).replace("BOOSTING", peers.boosting_name()) + " |")
    print("|---" + "|---:" * (len(HEADER) - 1) + "|", flush=True)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for (name, config, stream), o in zip(jobs, pool.map(lambda j: backtest(args.leeway, j[1], j[2]), jobs)):
            peer = {}
            if not args.no_peers:
                key = json.dumps([config["event"], config["target"], stream.files, period(o)], default=str)
                if key not in known:
                    known[key] = peers.scored(config, stream.files, *period(o))
                n, peer, _ = known[key]
                if abs(n - o["scored"]) > 0.002 * n:
                    print(f"{stream.name}: the peers predict {n:,} events", file=sys.stderr)
            print("| " + " | ".join(row(f"{stream.name}, {name}" if several else stream.name, o, peer)) + " |",
                  flush=True)


# ---- neighbouring values ---------------------------------------------------------------------

def member(node, name):
    if isinstance(node, list):
        return next((x for x in node if x["name"] == name), None)
    return node.get(name)


def changed(config, key, value):
    """The configuration with a value at a key; None if it has no such key."""
    config = copy.deepcopy(config)
    if key == "candidates":
        config["candidates"] = [c for c in config["candidates"] if c["name"] == value]
        return config if config["candidates"] else None
    *path, last = key.split(".")
    node = config
    for name in path:
        node = member(node, name)
        if node is None:
            return None
    if not isinstance(value, dict):
        node[last] = value
    elif member(node, last) is None:
        return None
    else:
        member(node, last).update(value)
    return config


def cell(o, frozen):
    text = f"{o['managed_rmse']:.3f}"
    if frozen and o["frozen_rmse"]:
        text += f" (frozen {o['frozen_rmse']:.3f})"
    text += f" · {o['retrains']} ({o['promotions']}) · {o['alerts']} ({o['critical_alerts']})"
    return text + f" · {worse_later(o)}"


def neighbours_table(args, config, streams):
    rows = [("as it is", config)]
    for key, values in NEIGHBOURS:
        if args.vary in key:
            rows += [(f"`{key}: {json.dumps(v)}`".replace('"', ""), changed(config, key, v)) for v in values]
    rows = [(name, c) for name, c in rows if c]
    print("RMSE · retrains (promoted) · alerts (critical) · worse in the following week\n")
    print("| | " + " | ".join(s.name for s in streams) + " |")
    print("|---" * (1 + len(streams)) + "|", flush=True)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        def measure(r):
            return [backtest(args.leeway, r[1], s) for s in streams]
        for (name, _), out in zip(rows, pool.map(measure, rows)):
            print(f"| {name} | " + " | ".join(cell(o, name == "as it is") for o in out) + " |", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("leeway")
    p.add_argument("-c", "--config", nargs="+", action="append", required=True, metavar="CONFIG STREAM",
                   help="a configuration and its streams; may be repeated")
    p.add_argument("--no-peers", action="store_true", help="without the models by cron")
    p.add_argument("--vary", nargs="?", const="", default=None, metavar="KEY",
                   help="measure neighbouring values of the configuration's keys")
    p.add_argument("--jobs", type=int, default=1)
    args = p.parse_args()
    if any(len(c) < 2 for c in args.config):
        p.error("-c needs a configuration and at least one stream")
    if args.vary is not None:
        path, *texts = args.config[0]
        neighbours_table(args, load(path), [Stream(t) for t in texts])
        return
    streams_table(args, [(pathlib.Path(path).stem, load(path), Stream(t)) for path, *texts in args.config for t in texts])


if __name__ == "__main__":
    main()
