#!/usr/bin/env python3
"""Extracts green_tripdata_2024-03.parquet, here, from the TLC's file for the whole month.

    tests/data/tlc/make_cut.py <the whole file>

The rows are those that are difficult to handle: the first ones, stray rows of February and of 2008
with their neighbours, and the last ones, which a base dispatched and which lack half the columns.
"""
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

table = pq.read_table(sys.argv[1])
n = table.num_rows
rows = [*range(120), *range(225, 250), *range(14050, 14075), *range(n - 80, n)]
cut = table.take(pa.array(rows))
pq.write_table(cut, pathlib.Path(__file__).parent / "green_tripdata_2024-03.parquet", compression="zstd")
