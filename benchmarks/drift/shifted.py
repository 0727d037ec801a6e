#!/usr/bin/env python3
"""Counts the verdicts of windows against a reference: how often is a calm stream `shifted`?

    benchmarks/drift/shifted.py LEEWAY CONFIG TIME_FIELD DAYS REFERENCE.avro CURRENT.avro...

Cuts the current files into windows of DAYS days of event time, and runs `leeway report` on each that has at
least 500 events and half as many as the median one. Prints the verdicts of each column and the first changes named. Needs fastavro.
"""
import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile

import fastavro


def windows(files, field, days):
    out, schema = collections.defaultdict(list), None
    for name in files:
        with open(name, "rb") as f:
            reader = fastavro.reader(f)
            schema = reader.writer_schema
            for record in reader:
                out[record[field].toordinal() // days].append(record)
    least = max(500, statistics.median(len(rows) for rows in out.values()) / 2)
    return schema, [out[k] for k in sorted(out) if len(out[k]) >= least]


def main(leeway, config, field, days, reference, *current):
    schema, parts = windows(current, field, int(days))
    verdicts, named = collections.defaultdict(collections.Counter), collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "window.avro")
        for records in parts:
            with open(path, "wb") as f:
                fastavro.writer(f, fastavro.parse_schema(schema), records)
            done = subprocess.run([leeway, "report", "-c", config, "--reference", reference, "--current", path,
                                   "--json"], stdout=subprocess.PIPE, check=False)
            for column in json.loads(done.stdout)["columns"]:
                verdict = "fault" if column["fault"] else column["verdict"]
                verdicts[column["column"]][verdict] += 1
                if verdict == "shifted":
                    named[column["column"]].append(column["shift"]["text"])
    for column, count in sorted(verdicts.items()):
        print(f"{column}: {dict(count)} {'; '.join(named[column][:3])}")


if __name__ == "__main__":
    if len(sys.argv) < 7:
        sys.exit(__doc__)
    main(*sys.argv[1:])
