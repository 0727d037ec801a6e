#!/usr/bin/env python3
"""Chains and repeats files of trips as one long stream.

    benchmarks/backtest/stretch.py -o year.avro --events 850000 FILE...

Each file is shifted by whole weeks, so that it begins in the week after the end of the previous one
(weekdays and hours stay the same), and the list is repeated until there are enough
events. All timestamps of a record are shifted, and `--id` is made unique. Rows more than 40
days from their file's median keep their distance to it.
"""
import argparse
import datetime
import statistics
import sys

import fastavro

WEEK = datetime.timedelta(days=7)


def load(path, time):
    with open(path, "rb") as f:
        reader = fastavro.reader(f)
        rows = list(reader)
        schema = reader.writer_schema
    middle = statistics.median_low(r[time] for r in rows[::50])
    near = [r[time] for r in rows if abs(r[time] - middle) < datetime.timedelta(days=60)]
    return schema, rows, min(near), max(near)


def stretch(files, events, id_field):
    end, number = None, 0
    while number < events:
        for _, rows, first, last in files:
            shift = datetime.timedelta(0)
            if end is not None:
                weeks = -(-(end - first) // WEEK)
                shift = weeks * WEEK
            for r in rows:
                if number == events:
                    return
                r = {k: v + shift if isinstance(v, datetime.datetime) else v for k, v in r.items()}
                r[id_field] = f"s-{number}"
                number += 1
                yield r
            end = last + shift


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("file", nargs="+")
    p.add_argument("-o", "--output", required=True)
    p.add_argument("--events", type=int, default=850_000)
    p.add_argument("--time", default="lpep_dropoff_datetime", help="the event time")
    p.add_argument("--id", default="trip_id")
    args = p.parse_args()
    files = [load(path, args.time) for path in args.file]
    with open(args.output, "wb") as out:
        fastavro.writer(out, files[0][0], stretch(files, args.events, args.id), codec="deflate")
    print(f"{args.output}: {args.events} events", file=sys.stderr)


if __name__ == "__main__":
    main()
