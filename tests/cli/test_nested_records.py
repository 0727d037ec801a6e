#!/usr/bin/env python3
"""Fields of nested records: trips inside a nullable record `after`, as in a change-data-capture envelope, lead to
the same decisions as flat ones. test_nested_records.py LEEWAY; 77 without fastavro."""
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import fastavro
except ImportError as error:
    print(f"skipped: {error} (python3 -m pip install -r tests/requirements.txt)")
    sys.exit(77)

LEEWAY = sys.argv[1]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRIPS = os.path.join(ROOT, "data/green_2020-03_2020-05.avro")
FIELDS = ["lpep_pickup_datetime", "lpep_dropoff_datetime", "PULocationID", "DOLocationID", "passenger_count",
          "trip_distance"]
ROWS = 200000  # to the end of March: they include one training that a rule requested


def run(*words, status=0):
    done = subprocess.run([LEEWAY, *words], capture_output=True, text=True)
    assert done.returncode == status, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def schemas():
    with open(os.path.join(ROOT, "schemas/green_trip.avsc")) as f:
        flat = json.load(f)
    within = [f for f in flat["fields"] if f["name"] in FIELDS]
    around = [f for f in flat["fields"] if f["name"] not in FIELDS]
    after = {"type": "record", "name": "Trip", "fields": within}
    envelope = {"type": "record", "name": "Envelope",
                "fields": around + [{"name": "after", "type": ["null", after], "default": None}]}
    return flat, envelope


def rows(nested):
    with open(TRIPS, "rb") as f:
        for trip in itertools.islice(fastavro.reader(f), ROWS):
            yield {**trip, "after": trip} if nested else trip


def write(path, schema, records):
    with open(path, "wb") as f:
        fastavro.writer(f, fastavro.parse_schema(schema), records, codec="null")


def configuration(directory, name, schema, nested):
    """nyc-green.yaml for that schema: the record's name is put before every field's name. Without its trees, which take
    most of the time and read fields as the linear candidates do."""
    with open(os.path.join(ROOT, "configs/nyc-green.yaml")) as f:
        lines = [line.split(" #")[0].rstrip() for line in f if not line.lstrip().startswith("#")]
    text = re.sub(r"(?ms)^  - name: boosted$.*?(?=^\S)", "", "\n".join(lines))
    assert "kind: trees" not in text and "retrain:" in text
    if nested:
        text = re.sub(r"\b(" + "|".join(FIELDS) + r")\b", r"after.\1", text)
    avsc = os.path.join(directory, name + ".avsc")
    with open(avsc, "w") as f:
        json.dump(schema, f)
    text = re.sub(r"schema: .*", f"schema: {avsc}", text)
    path = os.path.join(directory, name + ".yaml")
    with open(path, "w") as f:
        f.write(text)
    return path


def scrub(value):
    """Removes file names and durations."""
    if isinstance(value, list):
        return [scrub(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: scrub(v) for k, v in value.items() if k not in ("config", "files", "config_hash", "seconds")}


def main():
    flat, envelope = schemas()
    with tempfile.TemporaryDirectory() as d:
        config = configuration(d, "flat", flat, False)
        nested = configuration(d, "nested", envelope, True)
        trips, wrapped = os.path.join(d, "trips.avro"), os.path.join(d, "wrapped.avro")
        write(trips, flat, rows(False))
        write(wrapped, envelope, rows(True))

        one = run("backtest", "-c", config, "--json", trips).stdout
        two = run("backtest", "-c", nested, "--json", wrapped).stdout
        result = json.loads(one)
        assert result["events"] == ROWS and result["retrains"] >= 1, result
        left, right = scrub(json.loads(one)), scrub(json.loads(two.replace("after.", "")))
        assert left == right, "\n".join(f"{k}: {left[k]} / {right.get(k)}" for k in left if left[k] != right.get(k))

        with open(nested) as f:
            text = f.read()
        slip = os.path.join(d, "slip.yaml")
        with open(slip, "w") as f:
            f.write(text.replace("after.trip_distance", "after.trip_distence"))
        said = run("backtest", "-c", slip, wrapped, status=1).stderr
        assert "slip.yaml:" in said and "trip_distence" in said, said
        print("nested fields lead to the decisions of flat ones; an error is reported at its position")


main()
