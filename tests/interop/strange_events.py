"""Events as producers in other languages write them, through leeway and back into fastavro.

Random schemas (namespaces that no specification allows, every way to give a unit of time, identifiers of every
type) and random records: arbitrary bytes, instants of a century, doubles of any size. No event may be refused,
each prediction must have its event's identifier and time, and another library must be able to read it.

Usage: strange_events.py LEEWAY [SEED]
"""

import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import uuid
from datetime import datetime, timedelta, timezone

try:
    import fastavro
    from zoneinfo import ZoneInfo
except ImportError:
    print("skipped: no fastavro here")
    sys.exit(77)

LEEWAY = sys.argv[1]
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
ROUNDS, RECORDS = 24, 120
rng = random.Random(SEED)
print(f"seed {SEED}")

LONG = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}  # nanoseconds of a unit
FROM, UNTIL = 631152000000, 4133980800000


def strange_text():
    parts = ["a", "é", "漢", "\x00", "\\", "\\x41", "\n", "\u202e", "x", '"', "\U0001f695", " "]
    return "".join(rng.choice(parts) for _ in range(rng.randrange(1, 9)))


def as_text(data):
    """Bytes as text, as docs/formats.md describes."""
    out, i = "", 0
    units = []  # (text, is it an escape)
    while i < len(data):
        for n in (1, 2, 3, 4):
            try:
                units.append((data[i:i + n].decode(), False))
                break
            except UnicodeDecodeError:
                pass
        else:
            n = 1
            units.append((f"\\x{data[i]:02x}", True))
        i += n
    for at, (text, escaped) in enumerate(units):
        following = units[at + 1] if at + 1 < len(units) else ("", False)
        doubtful = following[1] or following[0] in ("x", "u", "U", "~", " ", "\\")
        out += "\\\\" if text == "\\" and not escaped and doubtful else text
    return out


def identifier(n):
    """A kind of identifier: writer's type, reader's type, and a function to a value and its text."""
    fixed = {"type": "fixed", "name": f"I{n}", "size": 8}
    of_uuid = {"type": "fixed", "name": f"U{n}", "size": 16, "logicalType": "uuid"}

    def number():
        v = rng.randrange(-2**63, 2**63)
        return v, str(v)

    def text():
        v = strange_text()
        return v, as_text(v.encode())

    def loose():  # bytes that a reader takes for a string: Latin-1 and worse
        v = bytes(rng.choice(b"\\xu\xe9\xff\x00az\xc3\xa9") for _ in range(rng.randrange(1, 9)))
        return v, as_text(v)

    def plain_bytes():
        v = rng.randbytes(rng.randrange(1, 12))
        return v, v.hex()

    def of_fixed():
        v = rng.randbytes(8)
        return v, v.hex()

    def one_uuid():
        v = uuid.UUID(bytes=rng.randbytes(16))
        return v.bytes, str(v)

    def uuid_text():
        v = uuid.UUID(bytes=rng.randbytes(16))
        return v, str(v)

    return rng.choice([("long", None, number), ("string", None, text), ("bytes", "string", loose),
                       ("bytes", None, plain_bytes), (fixed, None, of_fixed), (of_uuid, None, one_uuid),
                       ({"type": "string", "logicalType": "uuid"}, None, uuid_text),
                       (["null", "string"], None, text)])


def time_kind():
    """A kind of time: the field without its name, its unit in the configuration, and a function from an
    instant in ms (and a zone) to the value in the record."""
    def count(unit):
        return lambda ms, zone: ms * 10**6 // LONG[unit] + (rng.randrange(1000) if LONG[unit] < 10**6 else 0)

    def wall(unit):
        def put(ms, zone):
            there = datetime.fromtimestamp(ms // 1000, timezone.utc).astimezone(zone)
            return (ms + int(there.utcoffset().total_seconds()) * 1000) * 10**6 // LONG[unit]
        return put

    def iso(ms, zone):
        away = timezone(timedelta(minutes=rng.choice([0, 60, -210, 345])))
        t = datetime.fromtimestamp(ms // 1000, away) + timedelta(milliseconds=ms % 1000)
        return t.isoformat(timespec="milliseconds")

    def typed(logical):
        return {"type": {"type": "long", "logicalType": logical}}

    def connect(name):
        return {"type": {"type": "long", "connect.version": 1, "connect.name": name}}

    unit = rng.choice(list(LONG))
    return rng.choice([
        (typed("timestamp-millis"), None, count("ms")), (typed("timestamp-micros"), None, count("us")),
        (typed("timestamp-nanos"), None, count("ns")),
        (typed("local-timestamp-millis"), None, wall("ms")), (typed("local-timestamp-micros"), None, wall("us")),
        ({"type": "long", "logicalType": "timestamp-micros"}, None, count("us")),
        ({"type": ["null", "long"], "logicalType": "timestamp-micros"}, None, count("us")),
        (connect("io.debezium.time.MicroTimestamp"), None, wall("us")),
        (connect("org.apache.kafka.connect.data.Timestamp"), None, count("ms")),
        ({"type": "long"}, unit, count(unit)), ({"type": "string"}, None, iso)])


def any_double():
    return struct.unpack("<d", rng.randbytes(8))[0]


def strip(schema):
    """Plain types for fastavro, which would convert logical types and cannot read some namespaces."""
    if isinstance(schema, dict):
        return {k: strip(v) for k, v in schema.items() if k not in ("logicalType", "connect.name", "namespace")}
    return [strip(s) for s in schema] if isinstance(schema, list) else schema


CONFIG = """stream: strange
source: {{topic: t, schema: {schema}}}
event:
  id: id
  time: {time}
  time_zone: "{zone}"
  fields: {{zone: category, km: numeric, wild: numeric}}
target: {{field: minutes, range: [0, 1000]}}
features: {{zone: {{}}, km: {{}}}}
windows: {{day: 1d}}
rules: [{{name: error, metric: rmse, window: day, warn: 100}}]
feature_sets: {{plain: [zone, km]}}
candidates: [{{name: ridge, kind: ridge, features: plain, alpha: 1}}]
retrain: {{bootstrap: {{rows: 1000}}, holdout: 1d, window: 90d, min_rows: 100}}
"""


def leeway(*words):
    done = subprocess.run([LEEWAY, *words], capture_output=True, text=True, errors="strict")
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}{done.stdout}"
    return done.stdout


def put_schema(path, text):
    """Puts the schema's original text into the header, because fastavro would change it."""
    data = path.read_bytes()
    head, sep, rest = data.partition(b"avro.schema")
    size = shift = used = 0
    while True:
        byte = rest[used]
        size |= (byte & 0x7f) << shift
        shift, used = shift + 7, used + 1
        if byte < 0x80:
            break
    raw = text.encode()
    z, prefix = len(raw) << 1, b""
    while z >= 0x80:
        prefix, z = prefix + bytes([z & 0x7f | 0x80]), z >> 7
    path.write_bytes(head + sep + prefix + bytes([z]) + raw + rest[used + (size >> 1):])


class Maker:
    def __init__(self, make_id, make_time, unit, there, writer):
        self.make_id, self.make_time, self.there, self.writer = make_id, make_time, there, writer
        self.fine = 1000 if unit == "s" else 1

    def record(self, value, ms):
        wild = any_double()
        if self.writer["fields"][5]["type"] == "float":
            wild = struct.unpack("<f", rng.randbytes(4))[0]
        km = rng.random() * 10
        return {"id": str(value) if isinstance(value, uuid.UUID) else value,
                "at": self.make_time(ms, self.there), "zone": rng.randrange(4), "km": km,
                "minutes": 3 * km + rng.random(), "wild": wild}

    def file(self, path, first_day, last_day):
        """Writes events of these days; returns each one's identifier as text, and its time."""
        want, records = [], []
        for _ in range(RECORDS):
            value, text = self.make_id()
            # Avoids the hours that a clock shows twice or never.
            ms = rng.randrange(first_day, last_day) * 86400000 + rng.randrange(18 * 60, 22 * 60) * 60000
            ms += rng.randrange(60000) // self.fine * self.fine
            records.append(self.record(value, ms))
            want.append((text, ms))
        with open(path, "wb") as out:
            fastavro.writer(out, strip(self.writer), records, codec=rng.choice(["null", "deflate"]))
        text = json.dumps(self.writer, ensure_ascii=False)
        put_schema(path, text.replace('"NaN"', rng.choice(['"NaN"', "NaN"])))
        return want


def one_round(folder, n):
    id_type, id_read, make_id = identifier(n)
    time_field, unit, make_time = time_kind()
    zone = rng.choice(["", "America/New_York", "Asia/Kolkata"])
    space = rng.choice(["shop", "com.my-shop", "2024.v1", "größe.a b", None])

    def schema(of_id):
        return {"type": "record", "name": "Order", **({"namespace": space} if space else {}), "fields": [
            {"name": "id", "type": of_id}, {"name": "at", **time_field}, {"name": "zone", "type": "int"},
            {"name": "km", "type": "double", "default": rng.choice([0, "NaN"])},
            {"name": "minutes", "type": "double"},
            {"name": "wild", "type": rng.choice(["double", "float", ["null", "double"]])}]}

    writer = schema(id_type)
    reader = schema(id_read) if id_read else writer
    reader["fields"][5] = writer["fields"][5]
    there = ZoneInfo(zone or "UTC")
    data, week = folder / f"{n}.avro", folder / f"{n}w.avro"
    make = Maker(make_id, make_time, unit, there, writer)
    want = make.file(data, FROM // 86400000 + 1, UNTIL // 86400000 - 1)
    make.file(week, 18400, 18407)  # to fit a model on
    (folder / f"{n}.avsc").write_text(rng.choice(["", "\ufeff", "/* of the shop */"]) + json.dumps(reader))
    config = folder / f"{n}.yaml"
    time = f"{{field: at, unit: {unit}}}" if unit else "at"
    config.write_text(CONFIG.format(schema=f"{n}.avsc", time=time, zone=zone))
    what = f"round {n}: {json.dumps(writer['fields'][:2])}, unit {unit}, zone {zone or 'UTC'}"
    try:
        leeway("train", "-c", str(config), "--candidate", "ridge", str(week), "-o", str(folder / "m.avro"))
        leeway("score", "-c", str(config), "--model", str(folder / "m.avro"), str(data), "-o",
               str(folder / "s.avro"))
        with open(folder / "s.avro", "rb") as got:
            scored = [(r["id"], int(r["time"].timestamp() * 1000 + .5)) for r in fastavro.reader(got)]
        lines = leeway("score", "-c", str(config), "--model", str(folder / "m.avro"), str(data), "-o", "-")
        said = [json.loads(line)["id"] for line in lines.splitlines()]
        leeway("check", "-c", str(config), "--offline", str(data))
    except Exception as problem:
        raise AssertionError(what) from problem
    assert len(scored) == RECORDS, f"{what}: {len(scored)} records"
    for have, wish in zip(scored, want):
        assert have == wish, f"{what}: {have!r}, expected {wish!r}"
    assert said == [w[0] for w in want], f"{what}: in JSON"


with tempfile.TemporaryDirectory() as place:
    for i in range(ROUNDS):
        one_round(pathlib.Path(place), i)
print(f"{ROUNDS} schemas, {ROUNDS * RECORDS} events")
