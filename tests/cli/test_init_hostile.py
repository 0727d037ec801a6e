#!/usr/bin/env python3
"""`leeway init` on made streams: whatever the schema and the values, it either says what is missing, or writes a
configuration that `check` accepts. test_init_hostile.py LEEWAY; 77 without fastavro."""
import datetime
import os
import random
import subprocess
import sys
import tempfile

try:
    import fastavro
except ImportError as error:
    print(f"skipped: {error} (python3 -m pip install -r tests/requirements.txt)")
    sys.exit(77)

LEEWAY = os.path.abspath(sys.argv[1])
START = datetime.datetime(2024, 3, 1, tzinfo=datetime.timezone.utc)
TIME = {"type": "long", "logicalType": "timestamp-millis"}
SEED = 5
failures = []


def holds(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED " + text)


def run(*words):
    return subprocess.run([LEEWAY, *words], capture_output=True, text=True)


def stream(path, fields, rows):
    schema = {"type": "record", "name": "Made", "fields": [{"name": n, "type": t} for n, t in fields]}
    with open(path, "wb") as out:
        fastavro.writer(out, fastavro.parse_schema(schema, _write_hint=False), rows, codec="deflate")


def drafted(name, fields, rows, *options, backtest=True):
    """Drafts, checks and runs a configuration; its text."""
    with tempfile.TemporaryDirectory() as place:
        events, config = os.path.join(place, name + ".avro"), os.path.join(place, "made.yaml")
        stream(events, fields, rows)
        made = run("init", events, "-o", config, *options)
        holds(made.returncode == 0, f"{name}: {made.stderr}")
        if made.returncode:
            return ""
        checked = run("check", "-c", config, "--offline")
        holds(checked.returncode == 0, f"{name}: {checked.stdout}{checked.stderr}")
        if backtest:
            ran = run("backtest", "-c", config, "--json", events)
            holds(ran.returncode == 0 and f'"events":{len(rows)}' in ran.stdout, f"{name}: {ran.stderr}")
        with open(config, encoding="utf-8") as file:
            return file.read()


def refused(name, fields, rows, part):
    with tempfile.TemporaryDirectory() as place:
        events = os.path.join(place, name + ".avro")
        stream(events, fields, rows)
        made = run("init", events, "-o", os.path.join(place, "made.yaml"))
        holds(made.returncode == 1 and part in made.stderr, f"{name}: exit {made.returncode}, {made.stderr}")
        holds(os.listdir(place) == [name + ".avro"], f"{name}: a file was written")


def times(n, minutes=10):
    return [START + datetime.timedelta(minutes=minutes * i) for i in range(n)]


def ordinary(draw, n=3000):
    fields = [("at", TIME), ("shop", "string"), ("price", "double"), ("target", "double")]
    rows = []
    for at in times(n):
        price, shop = draw.lognormvariate(0, 1), draw.choice("abc")
        rows.append({"at": at, "shop": shop, "price": price, "target": price + ord(shop) + draw.gauss(0, 1)})
    return fields, rows


def names(draw):
    """Names that YAML, the feature language or a terminal could take for something else."""
    fields, rows = ordinary(draw)
    odd = ["null", "y", "on", "hour", "clip", "a.b", "shop_hour", "record", "_", "x" * 95, "x" * 120]
    more = [(name, "double") for name in odd]
    rows = [{**row, **{name: draw.gauss(0, 1) for name in odd}} for row in rows]
    text = drafted("names", fields + more, rows)
    holds('"null": {kind: numeric' in text, "names: null is quoted")
    drafted("target-named-hour", fields + [("hour", "double")], [{**r, "hour": r["target"]} for r in rows],
            "--target", "hour")


def many_fields(draw):
    fields, rows = ordinary(draw, 500)
    extra = [(f"f{i}", ["null", draw.choice(["double", "int", "string", "boolean"])]) for i in range(300)]
    values = {"double": lambda: draw.gauss(0, 1), "int": lambda: draw.randrange(40),
              "string": lambda: draw.choice(["north", "south"]), "boolean": lambda: draw.random() < .5}
    rows = [{**row, **{n: values[t[1]]() if draw.random() < .9 else None for n, t in extra}} for row in rows]
    drafted("many-fields", fields + extra, rows, backtest=False)


def types(draw):
    """Each type of Avro, nested records, and times in every form."""
    inner = {"type": "record", "name": "Inner", "fields": [{"name": "depth", "type": "double"},
                                                           {"name": "kind", "type": "string"}]}
    fields = [("seconds", "long"), ("iso", "string"), ("day", {"type": "int", "logicalType": "date"}),
              ("colour", {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}),
              ("list", {"type": "array", "items": "int"}), ("map", {"type": "map", "values": "int"}),
              ("either", ["null", "int", "string"]), ("after", ["null", inner]), ("flag", "boolean"),
              ("raw", "bytes"), ("inf", "double"), ("label", "float")]
    rows = [{"seconds": int(at.timestamp()), "iso": at.isoformat(), "day": at.date(), "colour": draw.choice(["RED", "BLUE"]),
             "list": [1], "map": {"a": 1}, "either": draw.choice([None, 1, "x"]),
             "after": {"depth": draw.gauss(0, 1), "kind": draw.choice("pq")} if draw.random() < .9 else None,
             "flag": draw.random() < .5, "raw": draw.choice([b"\x00\xff", b"\n"]),
             "inf": draw.choice([float("inf"), float("-inf"), float("nan"), 1.0, 2.0]), "label": draw.gauss(0, 1)}
            for at in times(3000)]
    text = drafted("types", fields, rows)
    for part in ("time: iso", "after.depth: {kind: numeric", "after.kind: {kind: category", "left out: list", "left out: either"):
        holds(part in text, f"types: {part}")


def values(draw):
    """Values that are extreme, constant, or all null."""
    fields, rows = ordinary(draw)
    fields += [("big", "double"), ("const", "string"), ("nothing", ["null", "int"]), ("huge", "long"), ("zeros", "double")]
    rows = [{**row, "big": draw.choice([1e300, -1e300, 0.0]), "const": "x", "nothing": None,
             "huge": draw.choice([2 ** 63 - 1, -2 ** 63, 0, 5]), "zeros": 0.0 if draw.random() < .999 else 7.5} for row in rows]
    drafted("values", fields, rows)


def small(draw):
    fields, rows = ordinary(draw, 100)
    drafted("hundred", fields, rows)
    refused("empty", fields, [], "0 events are too few")
    refused("one", fields, rows[:1], "1 events are too few")
    refused("no-target", [("at", TIME), ("shop", "string")], rows, "no field can be the target")
    one = {**rows[0]}
    refused("constant", fields, [one] * 500, "no field can be the target")
    refused("nulls", [("at", ["null", TIME]), ("target", ["null", "double"])],
            [{"at": None, "target": None}] * 200, "no field can be the target")


def rates(draw):
    """From three events a day to one a second."""
    for minutes in (480, 60, 5, 1 / 60):
        fields, rows = ordinary(draw, 1200)
        for row, at in zip(rows, times(len(rows), minutes)):
            row["at"] = at
        drafted(f"every-{minutes:.2g}-minutes", fields, rows)


for case in (names, many_fields, types, values, small, rates):
    before = len(failures)
    case(random.Random(SEED))
    print(f"{case.__name__}: {'ok' if len(failures) == before else 'failed'}")
sys.exit(1 if failures else 0)
