#!/usr/bin/env python3
"""Makes a stream whose changes are known: events, schema and a configuration.

    benchmarks/policy/made.py DIRECTORY [--seed 1] [--days 365] [--rate 800] [--shock 0.3]

DIRECTORY receives made.avro, made.avsc, made.yaml, and truth.json with the times
of the changes. The same arguments give the same bytes.

An event is a delivery; its minutes are predicted from depot, kind, weight and distance.
  rate        by hour and weekday, `--rate` a day on average, growing by a third within the year
  drift       the minutes per kilometre and each depot's level move slowly
  changes     at known times: a level, the slope of the distance, the mix of kinds, a level that returns
  interaction heavy deliveries of one kind take longer beyond a distance: linear terms lack it
  day shocks  all events of a day share an error: `--shock` standard deviations of the noise
  tails       the noise has Student's t distribution with 4 degrees of freedom, and more at night
  categories  depots open within the year, others close
  labels      one in two hundred is of another delivery; one in a hundred is missing
"""
import argparse
import datetime
import json
import math
import pathlib
import random

import fastavro

BEGIN = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)  # a Monday
KINDS = ["parcel", "food", "pallet"]
NOISE = 4.0  # scale of the noise, in minutes

SCHEMA = {"type": "record", "name": "Delivery", "namespace": "made", "fields": [
    {"name": "id", "type": "string"},
    {"name": "start", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "end", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "depot", "type": "string"},
    {"name": "kind", "type": "string"},
    {"name": "weight", "type": ["null", "double"], "default": None},
    {"name": "distance", "type": "double"},
    {"name": "minutes", "type": ["null", "double"], "default": None}]}

CONFIG = """\
# Deliveries made by benchmarks/policy/made.py.
stream: made
source: {topic: made, schema: made.avsc}
event:
  id: id
  time: end
  fields:
    start: timestamp
    depot: {kind: category, required: true}
    kind: {kind: category, required: true}
    weight: numeric
    distance: {kind: numeric, required: true}
target: {field: minutes, range: [0, 600]}
features: {depot: {}, kind: {}, weight: {range: [0, 1000]}, distance: {range: [0, 100]}, hour: {of: hour(start)}}
windows: {day: 1d, three_days: 3d, week: 7d}
panes: {length: 15m, lateness: 5m}
rules:
  - {name: error, metric: rmse_ratio, window: three_days, warn: 1.15, critical: 1.25, every: 1d, retrain: true}
  - {name: recalibration, metric: recalibration_gain, window: three_days, critical: 0.08, every: 1d, retrain: true}
  - {name: drift, metric: psi, feature: each, window: week, warn: 0.25, every: 1d, for: 2}
feature_sets:
  plain: [depot, kind, weight, distance, kind * distance, hour(start) * weekend(start), missing(weight)]
  raw: [depot, kind, weight, distance, hour(start), weekday(start)]
candidates:
  - {name: steady, kind: ridge, features: plain, alpha: 1, half_life: [28d, 56d]}
  - name: two-scales
    kind: ridge
    features: plain
    alpha: 1
    half_life: 56d
    correction: {half_life: [3d, 7d], window: 15d, penalty: 30}
  - name: boosted
    kind: trees
    optional: true
    base: two-scales-7d
    features: raw
    window: 150d
    half_life: 56d
    trees: {rounds: 100, depth: 6, eta: 0.12, min_child_weight: 200, lambda: 20}
retrain:
  holdout: 2d
  window: 150d
  cooldown: 5d
  cooldown_max: 20d
  max_age: 31d
  stale: {age: 14d, gain: 0.015}
  max_per_week: 3
  gate: {min_gain: 0, z: 0, block: 1h}
  keep_first: true
"""


def shape(day, hour):
    """Two peaks on workdays, one on weekends."""
    if day % 7 >= 5:
        return 0.1 + 1.1 * math.exp(-((hour - 14) / 5) ** 2)
    return 0.15 + math.exp(-((hour - 9) / 3) ** 2) + 1.2 * math.exp(-((hour - 17.5) / 3.5) ** 2)


SHAPE_OF_DAY = sum(shape(day, hour) for day in range(7) for hour in range(24)) / 7


def events_of_hour(day, hour, rate, days):
    return rate * shape(day, hour) / SHAPE_OF_DAY * (6 / 7 + day / days * 2 / 7)


def student(rng, freedom):
    chi2 = rng.gammavariate(freedom / 2, 2)
    return rng.gauss(0, 1) / math.sqrt(chi2 / freedom)


class World:
    """What the deliveries depend on, day by day."""

    def __init__(self, rng, days, shock):
        self.rng, self.days, self.shock_size = rng, days, shock
        self.level = {f"D{k:02d}": rng.gauss(0, 3) for k in range(40)}
        self.opens = {name: 0 if k < 30 else days * (k - 28) / 14 for k, name in enumerate(self.level)}
        self.closes = {name: days * 0.6 if k in (3, 11) else math.inf for k, name in enumerate(self.level)}
        self.size = {name: rng.uniform(0.3, 2) for name in self.level}
        self.slope, self.shock = 2.0, 0.0
        # (name, first day, day after the last)
        self.changes = [("level + 4", 0.25, 2), ("slope × 1.25", 0.45, 2), ("mix of kinds", 0.62, 2),
                        ("level - 6, returns", 0.78, 0.84)]
        self.changes = [(name, round(a * days), round(b * days)) for name, a, b in self.changes]

    def begin_day(self, day):
        rng = self.rng
        self.slope += rng.gauss(0, 0.008)
        for name in self.level:
            self.level[name] += rng.gauss(0, 0.06)
        self.shock = rng.gauss(0, self.shock_size * NOISE)
        self.on = {name for name, a, b in self.changes if a <= day < b}
        self.open = [name for name in self.level if self.opens[name] <= day < self.closes[name]]
        self.share = [self.size[name] for name in self.open]

    def minutes(self, e, hour, weekend):
        slope = self.slope * (1.25 if "slope × 1.25" in self.on else 1)
        rush = 0 if weekend else 0.35 * math.exp(-((hour - 17) / 2.5) ** 2)
        m = 8 + self.level[e["depot"]] + slope * e["distance"] * (1 + rush) + 2.5 * math.sqrt(e["true_weight"])
        if e["kind"] == "pallet" and e["distance"] > 6:
            m += 7 + 0.02 * e["true_weight"]
        if e["kind"] == "food" and (11 <= hour < 14 or 18 <= hour < 21):
            m -= 3
        m += 4 * ("level + 4" in self.on) - 6 * ("level - 6, returns" in self.on)
        night = 1.5 if hour < 6 or hour > 21 else 1
        return max(1.0, m + self.shock + NOISE * night * student(self.rng, 4) / math.sqrt(2))

    def event(self, number, start):
        rng = self.rng
        hour, weekend = start.hour + start.minute / 60, start.weekday() >= 5
        mix = [0.4, 0.2, 0.4] if "mix of kinds" in self.on else [0.6, 0.25, 0.15]
        e = {"id": f"m-{number}", "start": start, "depot": rng.choices(self.open, self.share)[0],
             "kind": rng.choices(KINDS, mix)[0], "distance": min(rng.lognormvariate(1.4, 0.6), 60)}
        e["true_weight"] = rng.lognormvariate({"parcel": 0.7, "food": 0.2, "pallet": 4.5}[e["kind"]], 0.7)
        e["weight"] = None if rng.random() < 0.03 else e["true_weight"]
        took = self.minutes(e, hour, weekend)
        e["end"] = start + datetime.timedelta(minutes=took)
        e["minutes"] = took
        if rng.random() < 0.005:
            e["minutes"] = rng.lognormvariate(3, 0.8)
        elif rng.random() < 0.01:
            e["minutes"] = None
        del e["true_weight"]
        return e


def make(args):
    rng = random.Random(args.seed)
    world = World(rng, args.days, args.shock)
    events = []
    for day in range(args.days):
        world.begin_day(day)
        for hour in range(24):
            mean = events_of_hour(day, hour, args.rate, args.days)
            for _ in range(max(0, round(rng.gauss(mean, math.sqrt(mean))))):
                start = BEGIN + datetime.timedelta(days=day, hours=hour, seconds=rng.uniform(0, 3600))
                events.append(world.event(len(events), start))
    events.sort(key=lambda e: (e["end"], e["id"]))
    return world, events


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("directory", type=pathlib.Path)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--days", type=int, default=365)
    p.add_argument("--rate", type=float, default=800, help="events a day")
    p.add_argument("--shock", type=float, default=0.3,
                   help="standard deviation of the days' errors, in those of the noise")
    args = p.parse_args()
    args.directory.mkdir(parents=True, exist_ok=True)
    world, events = make(args)
    with open(args.directory / "made.avro", "wb") as f:
        fastavro.writer(f, SCHEMA, events, codec="deflate", sync_marker=bytes(16))
    (args.directory / "made.avsc").write_text(json.dumps(SCHEMA, indent=1) + "\n")
    (args.directory / "made.yaml").write_text(CONFIG)
    at = {name: [(BEGIN + datetime.timedelta(days=d)).strftime("%Y-%m-%d") for d in (a, b) if d < args.days]
          for name, a, b in world.changes}
    truth = {"changes": at, "events": len(events), "seed": args.seed}
    (args.directory / "truth.json").write_text(json.dumps(truth, indent=1, ensure_ascii=False) + "\n")
    print(f"{args.directory}/made.avro: {len(events)} events")


if __name__ == "__main__":
    main()
