#!/usr/bin/env python3
"""A longer stream from a short one: the events of files, and the same again some days later.

    repeat.py OUT.avro TIMES DAYS FILE...

All times move by DAYS each time (whole weeks keep the weekdays), ids get a number, and events are ordered by the
field --by.
"""
import argparse
import datetime

import fastavro


def moved(record, by, number, id_field):
    out = {k: v + by if isinstance(v, datetime.datetime) else v for k, v in record.items()}
    return out | {id_field: f"{record[id_field]}-{number}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("times", type=int)
    parser.add_argument("days", type=int)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--by", default="lpep_dropoff_datetime")
    parser.add_argument("--id", default="trip_id")
    args = parser.parse_args()
    records = []
    for name in args.files:
        with open(name, "rb") as file:
            reader = fastavro.reader(file)
            schema = reader.writer_schema
            records += list(reader)
    out = [moved(r, datetime.timedelta(days=args.days * i), i, args.id) for i in range(args.times) for r in records]
    out.sort(key=lambda r: r[args.by])
    with open(args.out, "wb") as file:
        fastavro.writer(file, schema, out, codec="deflate")


if __name__ == "__main__":
    main()
