"""Categories with any bytes and numbers of any size are printed safely.

  test_hostile_values.py PROGRAM [SEED]

A generated stream with hostile categories (invalid UTF-8, zero bytes, escape sequences, direction marks, long
common prefixes) and huge numbers goes through report, evaluate and backtest. Output is valid UTF-8 without
control characters and valid JSON with finite numbers; no number is wider than 15 characters; all categories
are distinguishable, by the same names everywhere."""
import html
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 20261129
EVENTS, DAY = 24000, 86400000
failures = []

SCHEMA = {"type": "record", "name": "made", "fields": [
    {"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "c", "type": "string"}, {"name": "x", "type": "double"}, {"name": "y", "type": "double"}]}
CONFIG = """
stream: made
source: {topic: made, schema: made.avsc}
event: {time: t, fields: {c: category, x: numeric, y: numeric}}
target: {field: y, range: [-1e+12, 1e+12]}
features: {c: {}, x: {}}
windows: {day: 1d, week: 7d}
rules:
  - {name: error, metric: rmse_ratio, window: day, warn: 1.15, every: 1d}
  - {name: drift, metric: psi, feature: each, window: day, warn: 0.25, every: 1d}
feature_sets: {plain: ["clip(x, 0, 10)"]}
candidates: [{name: ridge, kind: ridge, features: plain}]
retrain: {bootstrap: {until: "2020-03-05"}, holdout: 1d, window: 30d}
"""
FIXED = [b"", b" ", b"a", b" a", b"a ", b"a  b", b"a b", b"A\0B", b"A\0C", b"A", b"\xff\xfe", b"\xfe\xff", b"\\xff",
         b"\x1b[31mred\x1b[0m", b"\x1b]0;title\x07", b"\xc2\x9b31m", b"\r", b"\n", b"a\nb", b"\x7f", b"(missing)",
         b"(rare)", b'""', b'"', b"<script>alert(1)</script>", b"&amp;", b"&", "\u202eabc".encode(), "abc".encode(),
         "\u2066x\u2069".encode(), "\u00e9".encode(), "e\u0301".encode(), "a\u200bb".encode(), b"ab", b"\xed\xa0\x80",
         b"x" * 300 + b"1", b"x" * 300 + b"2", b"\\", b"\\\\", b"\\x00", b"\0", "漢字".encode(), "🚕".encode(), b"\xf0\x9f"]


def holds(condition, text):
    if not condition:
        failures.append(text)
        print("FAILED " + text)


def varint(v):
    v = v << 1 ^ v >> 63
    out = b""
    while v > 0x7f:
        out += bytes([v & 0x7f | 0x80])
        v >>= 7
    return out + bytes([v])


def chunk(data):
    return varint(len(data)) + data


def write(path, rows):
    mark = b"0123456789abcdef"
    meta = {b"avro.schema": json.dumps(SCHEMA).encode(), b"avro.codec": b"null"}
    with open(path, "wb") as out:
        out.write(b"Obj\x01" + varint(len(meta)) + b"".join(chunk(k) + chunk(v) for k, v in meta.items()) + b"\0" + mark)
        for at in range(0, len(rows), 1000):
            part = rows[at:at + 1000]
            body = b"".join(varint(t) + chunk(c) + struct.pack("<dd", x, y) for t, c, x, y in part)
            out.write(varint(len(part)) + chunk(body) + mark)


def strange(rng):
    parts = [b"\\", b"x", b"u", b"00", b"\xe9", b"\x01", b"\x9b", b"a", b" ", "漢".encode(), "\u202e".encode(),
             b"\xf0\x9f", b"\xc2\x85", b"\xc2\xad", b"~", "…".encode(), b"\0", b"<", b"&", b'"']
    return b"".join(bytes([rng.randrange(256)]) if rng.random() < .25 else rng.choice(parts)
                    for _ in range(rng.randrange(1, 12)))


def huge(rng):
    return rng.choice([1, -1]) * rng.random() * 10.0 ** rng.choice([0, 3, 9, 15, 100, 150, 300])


def rows(rng, first_day, days, categories, wild):
    at = 1583020800000 + first_day * DAY
    step = days * DAY // EVENTS
    return [(at + i * step, categories[i % len(categories)] if i < 4 * len(categories) else rng.choice(categories),
             huge(rng) if wild and rng.random() < .5 else rng.random() * 10,
             (rng.random() * 2e12 - 1e12) if wild else rng.random()) for i in range(EVENTS)]


def run(*words, status=(0,)):
    done = subprocess.run([PROGRAM, *words], capture_output=True, stdin=subprocess.DEVNULL, timeout=300)
    holds(done.returncode in status, f"{words[0]}: exit status {done.returncode}: {done.stderr[-300:]!r}")
    return done.stdout


def clean(what, data):
    """Checks the text and returns it."""
    try:
        text = data.decode()
    except UnicodeDecodeError as bad:
        holds(False, f"{what}: not UTF-8: {bad}")
        text = data.decode(errors="replace")
    bad = re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
    holds(not bad, f"{what}: control characters {sorted(set(map(ord, bad)))}")
    return text


def narrow(what, text):
    wide = [w for w in re.findall(r"(?<![\w~.])[-+]?[\d,]+(?:\.\d+)?(?:e[-+]\d+)?(?![\w.])", text) if len(w) > 15]
    holds(not wide, f"{what}: wide figures {wide[:3]}")


def parsed(what, data):
    def refuse(constant):
        holds(False, f"{what}: {constant} is not JSON")
    return json.loads(clean(what, data), parse_constant=refuse)


def distinguished(what, names, wanted):
    names = list(names)
    holds(len(set(names)) == len(names), f"{what}: equal names: "
          f"{sorted({n for n in names if names.count(n) > 1})[:5]}")
    holds(len(names) >= wanted, f"{what}: {len(names)} names of {wanted}")
    return set(names)


def segments_of(page):
    return re.findall(r"<td[^>]*>([^<]*)</td>", page)


def main(place):
    rng = random.Random(SEED)
    path = lambda name: os.path.join(place, name)
    some = list(dict.fromkeys(FIXED + [strange(rng) for _ in range(60)]))
    with open(path("made.avsc"), "w", encoding="utf-8") as out:
        json.dump(SCHEMA, out)
    with open(path("made.yaml"), "w", encoding="utf-8") as out:
        out.write(CONFIG)
    write(path("calm.avro"), rows(rng, 0, 8, [b"ok", b"calm"], False))
    write(path("wild.avro"), rows(rng, 8, 4, some, True))
    config, calm, wild = path("made.yaml"), path("calm.avro"), path("wild.avro")

    sides = ("--reference", calm, "--current", wild)
    report = parsed("report --json", run("report", *sides, "--json", status=(3,)))
    column = next(c for c in report["columns"] if c["column"] == "c")
    names = distinguished("report", [m["category"] for m in column["moved"]], min(len(some), 100))  # the number that it lists
    narrow("report", clean("report", run("report", *sides, "-o", path("r.html"), status=(3,))))
    with open(path("r.html"), "rb") as page:
        text = clean("report -o", page.read())
    shown = [m["category"] for m in column["moved"] if html.escape(m["category"]).replace("&#x27;", "&#39;") in text]
    holds(len(shown) >= 10, f"report -o: {len(shown)} names are those of --json")
    strangers = {s for s in segments_of(text) if s.startswith("c: ")} - {"c: " + html.escape(n) for n in names}
    holds(not strangers - {"c: (missing)"}, f"report -o: {sorted(strangers)[:5]}")

    run("train", "-c", config, calm, "-o", path("m.avro"))
    by = parsed("evaluate --json", run("evaluate", "-c", config, "-m", path("m.avro"), "--by", "c", wild, "--json"))
    same = distinguished("evaluate", [s["segment"] for s in by["segments"]], len(some))
    short = {n for n in names if "…" not in n} - {"ok", "calm"}
    holds(short <= same, f"report and evaluate use the same names: {sorted(short - same)[:5]}")
    text = clean("evaluate", run("evaluate", "-c", config, "-m", path("m.avro"), "--by", "c", wild, "--top", "1000"))
    narrow("evaluate", text)
    distinguished("evaluate's table", [line.split("   ")[0] for line in text.split("\n\n")[-1].splitlines()[1:]], len(some))

    tested = parsed("backtest --json", run("backtest", "-c", config, calm, wild, "--segment", "c", "--json",
                                           "--html", path("b.html")).splitlines()[-1])
    distinguished("backtest", [s["segment"] for s in tested["segments"][0]["segments"]], len(some))
    with open(path("b.html"), "rb") as page:
        clean("backtest --html", page.read())
    narrow("backtest", clean("backtest", run("backtest", "-c", config, calm, wild, "--segment", "c")))
    scored = [json.loads(line) for line in
              clean("score", run("score", "-c", config, "-m", path("m.avro"), wild, "-o", "-")).splitlines()]
    holds(len(scored) == EVENTS, "score writes one line per event")


print(f"seed {SEED}")
with tempfile.TemporaryDirectory() as scratch:
    main(scratch)
sys.exit(1 if failures else 0)
