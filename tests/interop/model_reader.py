#!/usr/bin/env python3
"""Scores leeway's model files with only an Avro library.

Needs: pip install fastavro
Use:   model_reader.py MODEL_TOOL    makes a linear model and, if the build has XGBoost, a
                                     forest, and compares the predictions of both sides to 1e-9
Exit code 77: fastavro is not installed.

load() and predict() are the complete reader; docs/model-format.md explains it.
"""
import json
import math
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from struct import pack, unpack

try:
    import fastavro
except ImportError:
    sys.exit(77)

MISSING, JOIN = "\x1e", "\x1f"
DAY = 86400000  # milliseconds


def number(f):  # a missing number stays missing
    return lambda x, *a: None if x is None else f(x, *a)


def part(f):  # a part of a timestamp, which is milliseconds since 1970
    at = lambda ms: datetime(1970, 1, 1) + timedelta(milliseconds=ms)
    return lambda ms: None if ms is None else f(at(ms))


LANGUAGE = {
    "sqrt": number(lambda x: math.sqrt(max(x, 0))),
    "log1p": number(lambda x: math.log1p(max(x, 0))),
    "square": number(lambda x: x * x),
    "abs": number(abs),
    "clip": number(lambda x, lo, hi: min(max(x, lo), hi)),
    "zero": number(lambda x: float(x == 0)),
    "hinge": number(lambda x, knot: max(x - knot, 0)),
    "missing": lambda x: float(x is None),
    "same": lambda a, b: float(a is not None and a == b),
    "minutes": lambda a, b: None if a is None or b is None else (b - a) / 60000,
    "bins": number(lambda x, *edges: sum(e <= x for e in edges)),
    "hour": part(lambda t: t.hour),
    "weekday": part(lambda t: t.weekday()),
    "weekend": part(lambda t: int(t.weekday() >= 5)),
    "month": part(lambda t: t.month),
    "hour_of_week": part(lambda t: t.weekday() * 24 + t.hour),
    "holiday": lambda ms, days: None if ms is None else kind_of_day(ms // DAY, days),
}


def kind_of_day(day, days):
    return ("holiday" if day in days else "before" if day + 1 in days
            else "after" if day - 1 in days else "ordinary")


def level(values):
    return JOIN.join(MISSING if v is None else str(v) for v in values)


def imputed(table, record, learned):
    x = evaluate(table["number"], record, learned)
    if x is not None and x > 0:
        return x
    keys = [evaluate(c, record, learned) for c in table["categories"]]
    means = [s.get(level([k]), table["mean"]) for s, k in zip(table["singles"], keys)]
    return table["cross"].get(level(keys), sum(means) / len(means))


def evaluate(text, record, learned):
    """An expression of the feature language is a Python expression, once what was learned is
    replaced by its value."""
    names = dict(LANGUAGE, **record)
    for i, (table, value) in enumerate(learned):
        if table["text"] in text:
            text = text.replace(table["text"], f"_{i}")
            names[f"_{i}"] = value(table, record, learned[:i])
    v = eval(text, {"__builtins__": {}}, names)
    return None if isinstance(v, float) and not math.isfinite(v) else v


def binned(table, record, learned):
    x = evaluate(table["number"], record, learned)
    return None if x is None else sum(e <= x for e in table["edges"])


def load(path):
    with open(path, "rb") as f:
        return complete(next(fastavro.reader(f)))


def complete(model):
    """Adds tables to look values up."""
    if model["base"]:
        complete(model["base"])
    for t in model["terms"]:
        t["table"] = dict(zip(t["levels"], t["coefficients"]))
    levels = model["forest"]["levels"] if model["forest"] else []
    model["ranks"] = [{text: i for i, text in enumerate(texts)} for texts in levels]
    model["calendar"] = {c["name"]: set(c["days"]) for c in model["calendars"]}
    model["learned"] = [(t, imputed) for t in model["imputes"]]
    model["learned"] += [(t, binned) for t in model["quantiles"]]
    return model


def single(x):  # a double as the nearest float
    return unpack("f", pack("f", x))[0]


def grow(forest, x):
    total = single(forest["base"])
    leaves = iter(forest["leaves"])
    wide = {i: next(leaves) for i, f in enumerate(forest["feature"]) if f < 0} if forest["leaves"] else None
    for node in forest["roots"]:
        while forest["feature"][node] >= 0:
            v = x[forest["feature"][node]]
            left = forest["missing_left"][node] if v is None else single(v) < forest["value"][node]
            node = forest["left"][node] + (not left)
        total = total + wide[node] if wide else single(total + forest["value"][node])
    return total


def rank(x, ranks):
    return ranks.get(str(x)) if ranks else None if isinstance(x, str) else x


def predict(model, record):
    record = dict(record, **model["calendar"])
    value = lambda text: evaluate(text, record, model["learned"])
    if model["forest"]:
        forest = model["forest"]
        linear = predict(model["base"], record) if model["base"] else 0
        x = [linear if t == "linear()" else rank(value(t), ranks)
             for t, ranks in zip(forest["features"], model["ranks"])]
        total = linear + grow(forest, x)
    else:
        total = model["intercept"]
        for t in model["terms"]:
            x = math.prod(value(n) or 0 for n in t["numbers"])
            if t["categories"]:
                total += x * t["table"].get(level(map(value, t["categories"])), t["other"] or 0)
            else:
                total += x * t["coefficients"][0]
    return min(max(total, model["clip_low"]), model["clip_high"])


def main():
    checked = 0
    with tempfile.TemporaryDirectory() as where:
        made = subprocess.run([sys.argv[1], where], check=True, capture_output=True, text=True)
        for name in made.stdout.split():
            model = load(f"{where}/{name}.avro")
            for line in open(f"{where}/{name}.jsonl", encoding="utf-8"):
                row = json.loads(line)
                got = predict(model, row["record"])
                if not abs(got - row["prediction"]) <= 1e-9:
                    sys.exit(f"{name}: {row} scores {got!r}")
                checked += 1
    print(f"{checked} predictions agree to 1e-9")
    return 0 if checked else "no predictions were made"


if __name__ == "__main__":
    sys.exit(main())
