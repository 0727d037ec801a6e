#!/usr/bin/env python3
"""Writes the golden data of the event tests with fastavro, an independent Avro library.

    pip install fastavro==1.13.1 pyarrow
    python3 tests/data/event/make_events.py [data/green_2020-03_2020-05.avro]

Writes beside itself:
  fingerprints.json     schemas, their canonical forms and CRC-64-AVRO fingerprints
  decode.json           data written with one schema and read with another, and the cells
                        that must result (by fastavro's schema resolution)
  random.json           the same for random schemas, evolved at random (seed 20200312)
  green_sample.avro     with a trips file as argument: its first 2,000 trips, all trips
                        dated outside 2020 or in July 2020, and 100 with nulls
  small_*.avro          40 of these trips under the codecs null, deflate and snappy
"""
import datetime as dt
import decimal
import io
import json
import os
import random
import struct
import sys
import zlib

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

HERE = os.path.dirname(os.path.abspath(__file__))
EPOCH = dt.datetime(1970, 1, 1)


def save(name, value):
    with open(os.path.join(HERE, name), "w") as out:
        json.dump(value, out, indent=0, separators=(",", ":"), sort_keys=True)
        out.write("\n")


def encode(schema, datum):
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), datum)
    return out.getvalue()


def resolve(writer, reader, data):
    return fastavro.schemaless_reader(
        io.BytesIO(data), fastavro.parse_schema(writer), fastavro.parse_schema(reader))


def whole(v, kind):
    cell = {"num": float(v), "key": str(v)}
    if kind == "timestamp":
        assert abs(v) <= 2**53
    return cell


def cell(value, kind):
    """The expected cell for a value from fastavro."""
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return whole(int(value), kind)
    if isinstance(value, dt.datetime):
        delta = value.replace(tzinfo=None) - EPOCH
        return whole(delta // dt.timedelta(milliseconds=1), kind)
    if isinstance(value, dt.date):
        return whole((value - EPOCH.date()).days * 86400000, kind)
    if isinstance(value, decimal.Decimal):
        return {"num": float(value)}
    if isinstance(value, int):
        return whole(value, kind)
    if isinstance(value, float):
        return whole(int(value), kind) if kind == "category" else {"num": value}
    if isinstance(value, str):
        value = value.encode()
    return {"text": bytes(value).hex()}


def at_path(datum, path):
    for name in path.split("."):
        if datum is None:
            return None
        datum = datum[name]
    return datum


def case(name, writer, datum, fields, reader=None, data=None):
    reader = reader or writer
    data = data or encode(writer, datum)
    read = resolve(writer, reader, data)
    wanted = [f.split(":") for f in fields]
    return {"name": name, "writer": writer, "reader": reader, "data": data.hex(),
            "fields": [{"name": n, "kind": k} for n, k in wanted],
            "cells": [cell(at_path(read, n), k) for n, k in wanted]}


def record(name, *fields, **more):
    listed = []
    for f in fields:
        listed.append(f if isinstance(f, dict) else {"name": f[0], "type": f[1]})
    return {"type": "record", "name": name, "fields": listed, **more}


def logical(base, name, **more):
    return {"type": base, "logicalType": name, **more}


TRIP = record("nyc.Trip", ("id", "string"), ("zone", "int"), ("miles", "double"),
              {"name": "flag", "type": ["null", "string"], "default": None})


def plain_cases():
    every = record(
        "Every", ("b", "boolean"), ("i", "int"), ("l", "long"), ("f", "float"),
        ("d", "double"), ("s", "string"), ("y", "bytes"),
        ("e", {"type": "enum", "name": "E", "symbols": ["N", "Y", "MAYBE"]}),
        ("x", {"type": "fixed", "name": "X", "size": 4}))
    as_features = ["b:category", "i:category", "l:category", "f:numeric", "d:numeric",
                   "s:category", "y:category", "e:category", "x:text"]
    as_numbers = ["b:numeric", "i:numeric", "l:numeric", "d:category", "e:text", "s:text"]
    for n, datum in enumerate([
            dict(b=True, i=-1, l=2**62, f=0.5, d=-3.0, s="N", y=b"\x00\xff", e="Y",
                 x=b"abcd"),
            dict(b=False, i=2**31 - 1, l=-2**63, f=-0.0, d=2.0**52, s="", y=b"", e="MAYBE",
                 x=b"\0\0\0\0"),
            dict(b=True, i=-2**31, l=2**63 - 1, f=1.5e10, d=74.0, s="Zürich \u20ac",
                 y=b"x" * 300, e="N", x=b"\xff" * 4)]):
        yield case(f"every type {n}", every, datum, as_features)
        yield case(f"every type as another kind {n}", every, datum, as_numbers)
    yield case("some fields only", every,
               dict(b=True, i=5, l=6, f=7.0, d=8.0, s="nine", y=b"ten", e="Y", x=b"1234"),
               ["x:text", "l:numeric"])
    yield case("nan is missing", record("R", ("d", "double"), ("f", "float")),
               dict(d=float("nan"), f=float("nan")), ["d:numeric", "f:numeric"])


def time_cases():
    when = dt.datetime(2020, 3, 12, 5, 4, 3, 210000)
    utc = when.replace(tzinfo=dt.timezone.utc)
    old = dt.datetime(1969, 12, 31, 23, 59, 59, 999500)
    for name, kind in (("timestamp-millis", utc), ("timestamp-micros", utc),
                       ("local-timestamp-millis", when), ("local-timestamp-micros", when)):
        for at in (kind, kind.replace(year=2009), kind.replace(year=2041)):
            schema = record("R", ("t", logical("long", name)),
                            ("n", ["null", logical("long", name)]))
            yield case(f"{name} {at.year}", schema, dict(t=at, n=at),
                       ["t:timestamp", "n:timestamp"])
            yield case(f"{name} {at.year} null", schema, dict(t=at, n=None),
                       ["t:timestamp", "n:timestamp"])
    yield case("microseconds before 1970 round down",
               record("R", ("t", logical("long", "local-timestamp-micros"))),
               dict(t=old), ["t:timestamp"])
    yield case("date", record("R", ("d", logical("int", "date"))),
               dict(d=dt.date(2020, 2, 29)), ["d:timestamp"])
    yield case("date before 1970", record("R", ("d", logical("int", "date"))),
               dict(d=dt.date(1900, 3, 1)), ["d:numeric"])


def decimal_cases():
    for text in ("0.00", "12.34", "-12.34", "99999999.99", "-0.01", "1.28", "-1.28"):
        d = decimal.Decimal(text)
        schema = record(
            "R", ("b", logical("bytes", "decimal", precision=10, scale=2)),
            ("x", {"type": "fixed", "name": "F", "size": 12, "logicalType": "decimal",
                   "precision": 20, "scale": 2}))
        yield case(f"decimal {text}", schema, dict(b=d, x=d), ["b:numeric", "x:numeric"])
    big = decimal.Decimal("123456789012345678901234567890.5")
    yield case("decimal of 13 bytes",
               record("R", ("b", logical("bytes", "decimal", precision=31, scale=1))),
               dict(b=big), ["b:numeric"])


def skip_cases():
    inner = record("Inner", ("a", "int"), ("s", "string"))
    tree = record("Tree", ("value", "long"), ("left", ["null", "Tree"]),
                  ("right", ["null", "Tree"]))
    leaf = dict(value=1, left=None, right=None)
    schema = record(
        "R", ("list", {"type": "array", "items": "string"}),
        ("map", {"type": "map", "values": ["null", "int", inner]}),
        ("tree", tree), ("nulls", {"type": "array", "items": "null"}), ("want", "int"),
        ("deep", {"type": "array", "items": {"type": "array", "items": "Inner"}}))
    datum = dict(list=["a", "bb", ""], map={"k": 1, "l": None, "m": dict(a=1, s="x")},
                 tree=dict(value=2, left=dict(value=3, left=leaf, right=leaf), right=leaf),
                 nulls=[None] * 5, want=-77, deep=[[dict(a=1, s="y")], [], []])
    yield case("containers are passed over", schema, datum, ["want:numeric"])
    yield case("nothing wanted", schema, datum, [])
    # The same list and map in blocks with sizes (negative counts), as Java writes them.
    listed = b"\x03\x0a" + b"\x02a" + b"\x04bb" + b"\x01\x02\x00" + b"\x00"
    mapped = b"\x01\x08" + b"\x02k" + b"\x02\x02" + b"\x00"
    empty = encode(schema, dict(datum, list=[], map={}))
    yield case("blocks with sizes", schema, None, ["want:numeric"],
               data=listed + mapped + empty[2:])


def nested_cases():
    inner = record("Inner", ("distance", "double"), ("note", ["null", "string"]))
    for name, kind in (("nested", inner), ("nullable nested", ["null", inner]),
                       ("nullable nested, null last", [inner, "null"])):
        schema = record("R", ("before", "int"), ("trip", kind), ("after", "int"))
        for trip in (dict(distance=1.5, note=None), dict(distance=2.5, note="x"), None):
            if trip is None and name == "nested":
                continue
            yield case(f"{name}: {trip}", schema, dict(before=1, trip=trip, after=2),
                       ["trip.distance:numeric", "after:category", "trip.note:category"])


def union_cases():
    schema = record("R", ("u", ["null", "int", "string", "double", "boolean"]),
                    ("z", "int"))
    for value, fields in ((5, "u:category"), ("five", "u:category"), (None, "u:category"),
                          (5.0, "u:category"), (True, "u:category"), (2.5, "u:numeric"),
                          (7, "u:numeric"), (None, "u:numeric")):
        yield case(f"union {value!r} as {fields}", schema, dict(u=value, z=3),
                   [fields, "z:numeric"])
    same = case("union branch that is no number is missing", schema, dict(u="x", z=3),
                ["u:category", "z:numeric"])
    same["fields"][0]["kind"] = "numeric"
    same["cells"][0] = None
    yield same
    last = record("R", ("u", ["int", "null"]), ("z", "int"))
    yield case("null last, present", last, dict(u=4, z=1), ["u:numeric", "z:numeric"])
    yield case("null last, null", last, dict(u=None, z=1), ["u:numeric", "z:numeric"])


def evolution_cases():
    datum = dict(id="t1", zone=74, miles=2.5, flag=None)
    fields = ["id:text", "zone:category", "miles:numeric"]
    added = record("nyc.Trip", *TRIP["fields"],
                   {"name": "fee", "type": "double", "default": 2.75},
                   {"name": "vendor", "type": ["null", "int"], "default": None},
                   {"name": "borough", "type": "string", "default": "Queens"},
                   {"name": "yes", "type": "boolean", "default": True},
                   {"name": "n", "type": "long", "default": -5},
                   {"name": "kind", "default": "HAIL",
                    "type": {"type": "enum", "name": "K", "symbols": ["HAIL", "CALL"]}},
                   {"name": "raw", "type": "bytes", "default": "\u00ff\u0001z"},
                   {"name": "box", "default": {"a": 7},
                    "type": record("Box", ("a", "int"),
                                   {"name": "b", "type": "int", "default": 8})})
    added_case = case("added with defaults", TRIP, datum, fields +
                      ["fee:numeric", "vendor:category", "borough:category", "yes:numeric",
                       "n:category", "kind:text", "raw:text", "box.a:numeric"], added)
    added_case["cells"][9] = {"text": "ff017a"}  # fastavro leaves the JSON text as it is
    added_case["fields"].append({"name": "box.b", "kind": "numeric"})
    added_case["cells"].append({"num": 8.0, "key": "8"})  # fastavro leaves it out
    yield added_case
    yield case("renamed by alias", TRIP, datum,
               ["id:text", "pickup_zone:category", "distance:numeric"],
               record("nyc.Trip", ("id", "string"),
                      {"name": "distance", "type": "double", "aliases": ["miles"]},
                      {"name": "pickup_zone", "type": "int", "aliases": ["x", "zone"]}))
    for to in ("long", "float", "double"):
        for value in (74, -1, 2**31 - 1, 16777217):
            kind = "numeric" if to != "long" else "category"
            yield case(f"int {value} widened to {to}", TRIP, dict(datum, zone=value),
                       [f"zone:{kind}"], record("nyc.Trip", ("zone", to)))
    long_trip = record("nyc.Trip", ("zone", "long"), ("f", "float"))
    for to in ("float", "double"):
        yield case(f"long widened to {to}", long_trip, dict(zone=2**40 + 1, f=0.1),
                   ["zone:numeric", "f:numeric"],
                   record("nyc.Trip", ("zone", to), ("f", "double")))
    yield case("removed", TRIP, datum, ["id:text"], record("nyc.Trip", ("id", "string")))
    yield case("reordered", TRIP, datum, fields,
               record("nyc.Trip", *reversed(TRIP["fields"])))
    yield case("made nullable", TRIP, datum, ["zone:numeric"],
               record("nyc.Trip", ("zone", ["null", "int"])))
    yield case("made nullable and widened", TRIP, datum, ["zone:numeric"],
               record("nyc.Trip", ("zone", ["null", "string", "double"])))
    yield case("no longer nullable", TRIP, dict(datum, flag="Y"), ["flag:category"],
               record("nyc.Trip", ("flag", "string")))
    yield case("string read as bytes", TRIP, datum, ["id:text"],
               record("nyc.Trip", ("id", "bytes")))
    old = {"type": "enum", "name": "K", "symbols": ["A", "B", "C"]}
    new = {"type": "enum", "name": "K", "symbols": ["C", "A", "OTHER"], "default": "OTHER"}
    for symbol in "ABC":
        yield case(f"enum {symbol} under new symbols", record("R", ("k", old)),
                   dict(k=symbol), ["k:category"], record("R", ("k", new)))


TYPES = ["boolean", "int", "long", "float", "double", "string", "bytes"]
WIDER = {"int": ["long", "float", "double"], "long": ["float", "double"],
         "float": ["double"], "string": ["bytes"]}


def random_type(r, depth, names):
    roll = r.random()
    if depth == 0 or roll < 0.55:
        return r.choice(TYPES)
    if roll < 0.63:
        names.append(1)
        return {"type": "enum", "name": f"E{len(names)}",
                "symbols": ["A", "B", "C", "D"][:r.randint(1, 4)]}
    if roll < 0.68:
        names.append(1)
        return {"type": "fixed", "name": f"F{len(names)}", "size": r.randint(1, 9)}
    if roll < 0.75:
        return {"type": "array", "items": random_type(r, depth - 1, names)}
    if roll < 0.82:
        return {"type": "map", "values": random_type(r, depth - 1, names)}
    if roll < 0.92:
        kind = r.choice(TYPES)
        return ["null", kind] if r.random() < 0.5 else [kind, "null"]
    names.append(1)
    return random_record(r, f"R{len(names)}", depth - 1, names)


def random_record(r, name, depth, names):
    return record(name, *[(f"f{len(names)}_{i}", random_type(r, depth, names))
                          for i in range(r.randint(1, 6))])


def random_value(r, t):
    if isinstance(t, list):
        return random_value(r, r.choice(t))
    kind = t if isinstance(t, str) else t["type"]
    if kind == "record":
        return {f["name"]: random_value(r, f["type"]) for f in t["fields"]}
    if kind == "array":
        return [random_value(r, t["items"]) for _ in range(r.randint(0, 4))]
    if kind == "map":
        return {f"k{i}": random_value(r, t["values"]) for i in range(r.randint(0, 4))}
    return {"null": lambda: None, "boolean": lambda: r.random() < 0.5,
            "int": lambda: r.randint(-2**31, 2**31 - 1) >> r.randint(0, 31),
            "long": lambda: r.randint(-2**63, 2**63 - 1) >> r.randint(0, 63),
            "float": lambda: struct.unpack("f", struct.pack("f", r.gauss(0, 99)))[0],
            "double": lambda: r.gauss(0, 1e6),
            "string": lambda: "".join(r.choice("abc é") for _ in range(r.randint(0, 9))),
            "bytes": lambda: r.randbytes(r.randint(0, 80)),
            "enum": lambda: r.choice(t["symbols"]),
            "fixed": lambda: r.randbytes(t["size"])}[kind]()


def evolve(r, rec):
    """A reader for rec: fields dropped, shuffled, renamed, widened, added."""
    fields = []
    for f in rec["fields"]:
        if r.random() < 0.15:
            continue
        kind, name = f["type"], f["name"]
        new = {"name": name, "type": kind}
        if isinstance(kind, str) and kind in WIDER and r.random() < 0.4:
            new["type"] = r.choice(WIDER[kind])
        elif isinstance(kind, str) and r.random() < 0.2:
            new["type"] = ["null", kind]
        elif isinstance(kind, dict) and kind["type"] == "record":
            new["type"] = evolve(r, kind)
        if r.random() < 0.2:
            new["name"], new["aliases"] = name + "_new", [name]
        fields.append(new)
    if r.random() < 0.6:
        fields.append({"name": "added", "type": ["null", "double"], "default": None})
    r.shuffle(fields)
    return record(rec["name"], *fields)


def kinds_of(t):
    if isinstance(t, list):
        t = next(b for b in t if b != "null")
    kind = t if isinstance(t, str) else t["type"]
    return {"boolean": ["numeric", "category"], "int": ["numeric", "category"],
            "long": ["numeric", "category"], "float": ["numeric"], "double": ["numeric"],
            "string": ["text", "category"], "bytes": ["text", "category"],
            "enum": ["text", "category"], "fixed": ["text"]}.get(kind, [])


def wishes(r, rec, prefix=""):
    for f in rec["fields"]:
        kind = f["type"]
        if isinstance(kind, dict) and kind["type"] == "record":
            yield from wishes(r, kind, prefix + f["name"] + ".")
        elif kinds_of(kind) and r.random() < 0.7:
            yield prefix + f["name"] + ":" + r.choice(kinds_of(kind))


def random_cases(n=150, seed=20200312):
    r = random.Random(seed)
    while n > 0:
        writer = random_record(r, "Top", 3, [])
        reader = evolve(r, writer)
        if reader["fields"]:
            n -= 1
            yield case(f"random {n}", writer, random_value(r, writer),
                       list(wishes(r, reader))[:20], reader)


FINGERPRINTS = [
    TRIP,
    record("R", ("x", "int"), namespace="a.b", doc="gone", aliases=["Old"]),
    record("a.b.R", ("x", {"type": "long", "logicalType": "timestamp-millis"})),
    record("R", ("e", {"type": "enum", "name": "E", "symbols": ["A", "B"], "doc": "d"}),
           ("again", "E"), namespace="n"),
    record("R", ("x", {"type": "fixed", "size": 16, "name": "F", "namespace": "other"}),
           ("y", "other.F"), namespace="n"),
    record("Node", ("value", "long"), ("next", ["null", "Node"])),
    record("R", ("m", {"type": "map", "values": {"type": "array", "items": "bytes"}}),
           ("n", {"type": "null"}), ("b", {"type": "boolean"}), ("f", "float")),
    record("R", ("inner", record("Inner", ("d", "double"), namespace="")),
           namespace="outer"),
]


def fingerprints():
    for schema in FINGERPRINTS:
        form = to_parsing_canonical_form(schema)
        crc = bytes.fromhex(fingerprint(form, "CRC-64-AVRO"))
        yield {"schema": schema, "form": form,
               "crc": f"{int.from_bytes(crc, 'little'):016x}"}


def long_bytes(n):
    n = (n << 1) ^ (n >> 63)
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def write_snappy(name, schema, rows):
    """Written without fastavro, whose snappy needs another package; pyarrow has the compressor."""
    import pyarrow
    body = b"".join(encode(schema, row) for row in rows)
    packed = pyarrow.compress(body, codec="snappy", asbytes=True)
    packed += struct.pack(">I", zlib.crc32(body))
    sync = bytes(range(16))
    meta = {b"avro.codec": b"snappy", b"avro.schema": json.dumps(schema).encode()}
    with open(os.path.join(HERE, name), "wb") as out:
        out.write(b"Obj\x01" + long_bytes(len(meta)))
        for key, value in meta.items():
            out.write(long_bytes(len(key)) + key + long_bytes(len(value)) + value)
        out.write(b"\0" + sync + long_bytes(len(rows)) + long_bytes(len(packed)))
        out.write(packed + sync)


def write_file(name, schema, rows, codec, sync_interval=16000):
    with open(os.path.join(HERE, name), "wb") as out:
        fastavro.writer(out, schema, rows, codec=codec, sync_interval=sync_interval,
                        sync_marker=bytes(range(16)))


def samples(path):
    with open(path, "rb") as source:
        reader = fastavro.reader(source)
        schema = json.loads(reader.metadata["avro.schema"])
        rows, odd, nulls = [], [], []
        for row in reader:
            at = row["lpep_pickup_datetime"]
            if len(rows) < 2000:
                rows.append(row)
            elif at.year != 2020 or at.month >= 7:
                odd.append(row)
            elif row["VendorID"] is None and len(nulls) < 100:
                nulls.append(row)
    print(f"{len(odd)} odd years: {sorted({r['lpep_pickup_datetime'].year for r in odd})}")
    write_file("green_sample.avro", schema, rows + odd + nulls, "deflate")
    few = rows[:20] + odd[:5] + nulls[:15]
    write_file("small_null.avro", schema, few, "null", 1000)
    write_file("small_deflate.avro", schema, few, "deflate", 1000)
    write_snappy("small_snappy.avro", schema, few)


def main():
    save("fingerprints.json", list(fingerprints()))
    makers = (plain_cases, time_cases, decimal_cases, skip_cases, nested_cases,
              union_cases, evolution_cases)
    save("decode.json", [c for make in makers for c in make()])
    save("random.json", list(random_cases()))
    if len(sys.argv) > 1:
        samples(sys.argv[1])


if __name__ == "__main__":
    main()
