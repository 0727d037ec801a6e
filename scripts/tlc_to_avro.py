#!/usr/bin/env python3
"""Converts monthly Parquet files of the TLC to one Avro file of trips in order of arrival.

    python3 -m pip install -r scripts/requirements.txt
    scripts/tlc_to_avro.py green_tripdata_2024-01.parquet [...] -o green_2024-01.avro

A trip arrives when it ends, so the rows are sorted by drop-off time. A few rows of most
months have a wrong time (often in 2009): a row that ended more than a day outside its
file's month is not sorted by that time, but stays after the preceding row of the
file. No row is cleaned or dropped. Several months follow each other in the given
order.

The columns are those of the Avro schema (schemas/green_trip.avsc), by name; others are omitted.
`trip_id`, which the TLC does not have, is the month and the row's index in its file.
"""
import argparse
import datetime
import json
import pathlib
import re
import sys

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = 16 * 1024
DAY = 86_400_000


def month_of(path, given):
    """(first millisecond, first of the next month, "YYYYMM") of a file named ..._YYYY-MM.parquet."""
    found = re.search(r"(\d{4})-(\d{2})", given or pathlib.Path(path).name)
    if not found or not 1 <= int(found[2]) <= 12:
        sys.exit(f"{path}: the file name contains no month (YYYY-MM); use --month")
    year, month = int(found[1]), int(found[2])
    day = datetime.date.toordinal
    first = day(datetime.date(year, month, 1)) - day(datetime.date(1970, 1, 1))
    after = datetime.date(year + month // 12, month % 12 + 1, 1)
    return first * DAY, (day(after) - day(datetime.date(1970, 1, 1))) * DAY, f"{year:04d}{month:02d}"


def arrival_order(ended, first, after):
    """Indices in order of arrival; ended: drop-off times in ms, in the file's order."""
    keys, last = [], first
    for at in ended:
        if first - DAY <= at < after + DAY:
            last = at
        keys.append(last)
    return sorted(range(len(keys)), key=lambda i: (keys[i], i))


def plain(kind):
    """An Avro type without its union with null."""
    if isinstance(kind, list):
        kind = next(k for k in kind if k != "null")
    return kind.get("type") if isinstance(kind, dict) else kind


ARROW = {"int": pa.int32(), "long": pa.int64(), "double": pa.float64(), "string": pa.large_string()}


def column(table, field, path):
    """One column as Python values; times as milliseconds on the clock they are written in."""
    if field["name"] not in table.column_names:
        if isinstance(field["type"], list):
            return [None] * table.num_rows
        sys.exit(f"{path}: there is no column {field['name']}")
    values = table.column(field["name"])
    if pa.types.is_timestamp(values.type):
        return values.cast(pa.timestamp("ms"), safe=False).cast(pa.int64()).to_pylist()
    return values.cast(ARROW[plain(field["type"])]).to_pylist()


def trips(path, schema, time_field, given_month):
    first, after, name = month_of(path, given_month)
    table = pq.read_table(path)
    fields = schema["fields"]
    columns = {f["name"]: column(table, f, path) for f in fields if f["name"] != "trip_id"}
    for i in arrival_order(columns[time_field], first, after):
        trip = {name: values[i] for name, values in columns.items()}
        trip["trip_id"] = f"{name}-{i:06d}"
        yield trip


def main():
    arguments = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        epilog="Several months follow each other in the order given.")
    arguments.add_argument("parquet", nargs="+")
    arguments.add_argument("-o", "--output", required=True, help="the Avro file")
    arguments.add_argument("--schema", default=ROOT / "schemas" / "green_trip.avsc")
    arguments.add_argument("--month", help="YYYY-MM, if a file's name does not contain it")
    arguments.add_argument("--time", help="the drop-off time's field, if not ..._dropoff_datetime")
    given = arguments.parse_args()

    schema = json.loads(pathlib.Path(given.schema).read_text())
    names = [f["name"] for f in schema["fields"]]
    time_field = given.time or next((n for n in names if n.endswith("dropoff_datetime")), None)
    if time_field not in names:
        sys.exit(f"{given.schema}: the field of the drop-off time is unknown; use --time NAME")
    rows = (trip for path in given.parquet for trip in trips(path, schema, time_field, given.month))
    with open(given.output, "wb") as out:
        # A fixed marker: the same months give the same file, byte for byte.
        fastavro.writer(out, fastavro.parse_schema(schema), rows, codec="deflate",
                        sync_interval=BLOCK * 4, sync_marker=b"tlc-trips-v1....")


if __name__ == "__main__":
    main()
