#!/usr/bin/env python3
"""scripts/tlc_to_avro.py on a small cut of TLC's own file. Exit code 77 without its packages."""
import importlib.util
import pathlib
import subprocess
import sys
import tempfile

try:
    import fastavro
    import pyarrow.parquet as pq
except ImportError as error:
    print(f"skipped: {error} (python3 -m pip install -r scripts/requirements.txt)")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "tlc_to_avro.py"
CUT = ROOT / "tests" / "data" / "tlc" / "green_tripdata_2024-03.parquet"


def read(path):
    with open(path, "rb") as file:
        return list(fastavro.reader(file))


spec = importlib.util.spec_from_file_location("tlc_to_avro", SCRIPT)
tlc = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tlc)

# Rows are ordered by time, ties by position; a row out of place stays behind the row before it.
first, after, name = tlc.month_of("x_2024-12.parquet", None)
assert name == "202412" and after - first == 31 * tlc.DAY
hour = tlc.DAY // 24
times = [first + 5 * hour, first - 900 * tlc.DAY, first + 2 * hour, first + 5 * hour, after + hour]
assert tlc.arrival_order(times, first, after) == [2, 0, 1, 3, 4]

with tempfile.TemporaryDirectory() as directory:
    out = pathlib.Path(directory) / "trips.avro"
    for _ in range(2):
        subprocess.run([sys.executable, SCRIPT, CUT, "-o", out], check=True)
    trips = read(out)
    assert trips == read(CUT.with_name("green_2024-03.avro"))
    table = pq.read_table(CUT).to_pylist()
    assert len(trips) == len(table)
    # Each row, found by its identifier, has the same values.
    for trip in trips:
        row = table[int(trip["trip_id"].split("-")[1])]
        assert all(row[k] == v for k, v in trip.items() if k != "trip_id"), trip["trip_id"]
    assert any(t["passenger_count"] is None for t in trips)
    assert any(t["lpep_dropoff_datetime"].year == 2008 for t in trips)
    failed = subprocess.run([sys.executable, SCRIPT, CUT.with_name("make_cut.py"), "-o", out],
                            capture_output=True, text=True)
    assert failed.returncode == 1 and "contains no month" in failed.stderr
print("ok")
