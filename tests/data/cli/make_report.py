#!/usr/bin/env python3
"""Writes reference.avro, same.avro, broken.avro, wide.avro and narrow.avro, here: shops' sales for tests of `leeway report`.

    python3 tests/data/cli/make_report.py        (needs fastavro and numpy)

`same` is drawn like `reference`. In `broken` amounts are in cents, weight is stuck, most of
loyalty is null, one shop is new and one has closed, `till` changed its type and `cashier` was removed. `wide` and
`narrow` have the same few numbers as double and long, and as float and int.
"""
import pathlib

import fastavro
import numpy as np

HERE = pathlib.Path(__file__).parent
ROWS = 1500


def schema(broken):
    fields = [
        {"name": "sale", "type": "string"},
        {"name": "sold_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "shop", "type": ["null", "string"]},
        {"name": "amount", "type": "double"},
        {"name": "weight", "type": ["null", "double"]},
        {"name": "loyalty", "type": ["null", "double"]},
        {"name": "items", "type": "int"},
        {"name": "till", "type": "string" if broken else "int"},
    ]
    if not broken:
        fields.append({"name": "cashier", "type": "int"})
    return {"type": "record", "name": "Sale", "fields": fields}


def sales(rng, broken):
    shops = ["north", "south", "<script>alert(1)</script>", "east & \"west\""]
    if broken:
        shops = ["north", "harbour", "<script>alert(1)</script>", "east & \"west\""]
    for i in range(ROWS):
        row = {
            "sale": f"{'b' if broken else 'a'}{rng.integers(1 << 40):x}",
            "sold_at": 1_700_000_000_000 + int(rng.integers(14 * 86_400_000)),
            "shop": shops[int(rng.choice(4, p=[.4, .3, .2, .1]))],
            "amount": float(np.round(rng.lognormal(3, .6), 2)) * (100 if broken else 1),
            "weight": 5.0 if broken else float(rng.normal(5, 1)),
            "loyalty": None if broken and rng.random() < .9 else float(rng.random()),
            "items": int(rng.integers(1, 8)),
            "till": str(i % 5) if broken else i % 5,
        }
        if not broken:
            row["cashier"] = int(rng.integers(12))
        yield row


for name, seed, broken in (("reference", 1, False), ("same", 2, False), ("broken", 3, True)):
    with open(HERE / f"{name}.avro", "wb") as out:
        fastavro.writer(out, fastavro.parse_schema(schema(broken)),
                        sales(np.random.default_rng(seed), broken), codec="deflate",
                        sync_marker=b"leeway-test-data")

for name, real, whole in (("wide", "double", "long"), ("narrow", "float", "int")):
    columns = {"price": real, "one": real, "amount": whole}
    fields = [{"name": column, "type": kind} for column, kind in columns.items()]
    rng = np.random.default_rng(5)
    few = [{"price": float(rng.choice([.1, .15, .3, 1.99, 49.95])), "one": 9.99, "amount": int(rng.integers(400))}
           for _ in range(600)]
    with open(HERE / f"{name}.avro", "wb") as out:
        fastavro.writer(out, {"type": "record", "name": "Few", "fields": fields}, few, codec="deflate",
                        sync_marker=b"leeway-test-data")
