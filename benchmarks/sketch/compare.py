#!/usr/bin/env python3
"""Prints the table of sketch benchmarks: bench_sketch and Apache DataSketches alternate on
the same files, and the medians of all rounds are compared. Called by run.sh.

Needs datasketches, numpy and fastavro.
"""
import argparse
import pathlib
import statistics
import subprocess
import tempfile
import time

import datasketches as ds
import fastavro
import numpy as np

RANKS = [0.5, 0.9, 0.99, 0.999, 0.9999]


class Bench:
    def __init__(self, args, folder):
        self.args = args
        self.folder = pathlib.Path(folder)
        self.rows = []

    def ours(self, *verb):
        done = subprocess.run([self.args.bench, *map(str, verb)], check=True,
                              capture_output=True, text=True)
        return [float(x) for x in done.stdout.split()]

    def file(self, name, array):
        path = self.folder / name
        path.write_bytes(array.tobytes() if isinstance(array, np.ndarray) else array)
        return path

    def race(self, what, ours, theirs, unit, goal):
        """Alternates the two; each returns a rate, larger is better."""
        pairs = [(ours(), theirs()) for _ in range(self.args.rounds)]
        a, b = (statistics.median(x) for x in zip(*pairs))
        scale, suffix = (1e6, " M/s") if unit == "M" else (1e3, " k/s")
        self.row(what, f"{a / scale:.1f}{suffix}", f"{b / scale:.1f}{suffix}",
                 f"{a / b:.2f} x", goal)

    def row(self, *cells):
        self.rows.append(cells)
        print("| " + " | ".join(cells) + " |", flush=True)


def timed(count, run):
    start = time.perf_counter()
    run()
    return count / (time.perf_counter() - start)


def updates(b):
    values = np.random.default_rng(1).normal(size=b.args.n)
    path = b.file("normal.f64", values)
    b.race("KLL updates, k = 200, one call", lambda: b.ours("kll", path)[0],
           lambda: timed(len(values), lambda: ds.kll_doubles_sketch(200).update(values)),
           "M", ">= 1.0 x")

    def one_by_one():
        s, few = ds.kll_doubles_sketch(200), values[:1_000_000].tolist()
        return timed(len(few), lambda: [s.update(v) for v in few])

    b.race("KLL updates, one by one (peer: from Python)", lambda: b.ours("kll", path)[1],
           one_by_one, "M", "")


def merges(b):
    count, each = 1000, 10_000
    values = np.random.default_rng(2).normal(size=count * each)
    path = b.file("parts.f64", values)
    parts = []
    for i in range(count):
        s = ds.kll_doubles_sketch(200)
        s.update(values[i * each:(i + 1) * each])
        parts.append(s)

    def theirs():
        total = ds.kll_doubles_sketch(200)
        return timed(count, lambda: [total.merge(p) for p in parts])

    b.race("KLL merges, 10,000 values each", lambda: b.ours("merge", path, count)[0], theirs,
           "k", ">= 1.0 x")


def rank_error(b):
    """(worst, root mean square) over 1,000 quantiles, for each of 20 seeds."""
    ours, theirs = [], []
    for seed in range(20):
        values = np.random.default_rng(100 + seed).normal(size=1_000_000)
        path = b.file("rank.f64", values)
        ours.append(b.ours("rank", path, seed))
        s = ds.kll_doubles_sketch(200)
        s.update(values)
        ordered = np.sort(values)
        at = np.arange(1, 1001) * len(values) // 1001
        ranks = np.array([s.get_rank(v, True) for v in ordered[at]])
        errors = ranks - (at + 1) / len(values)
        theirs.append((np.abs(errors).max(), np.sqrt((errors**2).mean())))
    figures = (("median of the worst", lambda e: statistics.median(w for w, _ in e)),
               ("worst of the worst", lambda e: max(w for w, _ in e)),
               ("root mean square", lambda e: statistics.fmean(r * r for _, r in e) ** 0.5))
    for what, figure in figures:
        a, p = figure(ours), figure(theirs)
        b.row(f"KLL rank error, n = 10^6, 20 seeds: {what}", f"{a:.4f}", f"{p:.4f}",
              f"{a / p:.2f} x", "no worse")


def categories(b):
    zones = np.random.default_rng(3).zipf(1.3, size=4_000_000) % 265 + 1
    names = [f"zone_{z:03d}" for z in range(266)]
    records = [n.encode().ljust(15, b"\0") + bytes([len(n)]) for n in names]
    ints = b.file("zones.i64", zones.astype("<i8"))
    texts = b.file("zones.txt", b"".join(records[z] for z in zones))
    words = [names[z] for z in zones[:1_000_000]]

    def theirs():
        s = ds.frequent_strings_sketch(12)
        return timed(len(words), lambda: [s.update(w) for w in words])

    b.race("categories, integers (peer: strings)", lambda: b.ours("ints", ints)[0], theirs,
           "M", ">= 5 x")
    b.race("categories, strings", lambda: b.ours("texts", texts)[0], theirs, "M", ">= 1.5 x")


def minutes(month):
    with open(month, "rb") as f:
        for row in fastavro.reader(f):
            up, off = row["lpep_pickup_datetime"], row["lpep_dropoff_datetime"]
            yield (off - up).total_seconds() / 60


def tails(b):
    values = np.fromiter(minutes(b.args.month), dtype="f8")
    path = b.file("minutes.f64", values)
    theirs = ds.kll_doubles_sketch(200)
    theirs.update(values)
    ordered = np.sort(values)
    tail, numeric = b.ours("tail", path)[1:], b.ours("quantiles", path)
    for i, rank in enumerate(RANKS):
        exact = ordered[int(np.ceil(rank * len(values))) - 1]
        peer = theirs.get_quantile(rank, True)
        b.row(f"q{rank:g} of {len(values)} real durations, {exact:.2f} min: error in value",
              f"{100 * abs(numeric[i] / exact - 1):.2f} % (tail alone "
              f"{100 * abs(tail[i] / exact - 1):.2f} %)",
              f"{100 * abs(peer / exact - 1):.1f} %", "", "<= 2 %")


def panes(b):
    kll, profile = b.ours("pane")
    b.row("merge of a 12-row pane into a window: KLL; two columns", f"{kll:.0f} ns; "
          f"{profile:.0f} ns", "", "", "<= 1 us")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", required=True, help="the program bench_sketch")
    parser.add_argument("--month", required=True, help="an Avro file of trips")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--n", type=int, default=10_000_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, folder)
        bench.row("what", "ours", f"DataSketches {ds.__version__}"
                  if hasattr(ds, "__version__") else "DataSketches", "ours / peer", "goal")
        bench.row(*["---"] * 5)
        for part in (updates, merges, rank_error, categories, tails, panes):
            part(bench)


if __name__ == "__main__":
    main()
