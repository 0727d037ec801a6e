#!/usr/bin/env python3
"""Golden bytes of scored events, by fastavro.

    pip install fastavro==1.13.1
    python3 tests/data/event/make_scored.py

Writes scored.json beside itself: events, and their single-object encoding with schemas/scored.avsc.
"""
import io
import json
import os

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "../../../schemas/scored.avsc"), encoding="utf-8") as f:
    raw = json.load(f)
schema = fastavro.parse_schema(raw)
mark = b"\xc3\x01" + bytes.fromhex(fingerprint(to_parsing_canonical_form(raw), "CRC-64-AVRO"))
events = [
    {"id": "trip-7", "topic": "nyc-green", "partition": 3, "offset": 123456789,
     "event_time": 1583971200123, "prediction": 12.25, "model_version": 4, "untracked": 11.5},
    {"id": None, "topic": "t", "partition": 0, "offset": 0,
     "event_time": -1, "prediction": -0.0, "model_version": 1,
     "untracked": -0.0},
    {"id": "-9223372036854775808", "topic": "numbers", "partition": 2147483647,
     "offset": 9223372036854775807, "event_time": 9007199254740991,
     "prediction": 1e300, "model_version": 2147483647, "untracked": -1e300},
    {"id": "0", "topic": "numbers", "partition": 63, "offset": 64,
     "event_time": 0, "prediction": 0.1, "model_version": 63, "untracked": 0.1},
]
out = []
for event in events:
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema, event)
    out.append({**event, "bytes": (mark + body.getvalue()).hex()})
with open(os.path.join(here, "scored.json"), "w", encoding="utf-8") as f:
    json.dump(out, f, indent=1)
    f.write("\n")
