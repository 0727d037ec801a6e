#!/usr/bin/env python3
"""Exchange of sketches with Apache DataSketches: each side reads what the other one writes, for sizes
0, 1, 2, k, k + 1, a million, and for merged sketches.

    python3 tests/interop/kll_datasketches.py PATH/TO/kll_tool

Needs `pip install datasketches`; without it the exit code is 77 (skipped).
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import datasketches as ds
except ImportError:
    print("skipped: the Python package datasketches is not installed")
    sys.exit(77)

K = 200
SIZES = [0, 1, 2, K, K + 1, 1_000_000]


def value(i):
    return (i * 7919 % 100003) / 8 - 1000


class Exchange:
    """Both sides, with one directory of files between them."""

    def __init__(self, tool, folder):
        self.tool = tool
        self.folder = pathlib.Path(folder)
        self.checks = 0

    def run(self, *args):
        done = subprocess.run([self.tool, *map(str, args)], capture_output=True, text=True)
        assert done.returncode == 0, f"kll_tool {args}: {done.stderr.strip()}"
        return done.stdout

    def path(self, name):
        return self.folder / name

    def ours(self, name, k, seed, first, count):
        self.run("make", self.path(name), k, seed, first, count)
        return self.path(name)

    def theirs(self, name, k, first, count):
        s = ds.kll_doubles_sketch(k)
        for i in range(first, first + count):
            s.update(value(i))
        self.path(name).write_bytes(s.serialize())
        return self.path(name)

    def agree(self, path, n, first=0):
        """Both libraries give the same figures for a file, and the figures are right."""
        data = path.read_bytes()
        s = ds.kll_doubles_sketch.deserialize(data)
        fields = self.run("read", path).split()
        assert s.n == n == int(fields[1]), (path.name, s.n, n, fields[1])
        assert s.k == int(fields[0]) and s.num_retained == int(fields[2])
        self.checks += 1
        if n == 0:
            assert s.is_empty() and len(data) == 8
            return s
        numbers = [float(x) for x in fields[3:]]
        assert s.get_min_value() == numbers[0] and s.get_max_value() == numbers[1]
        inner = s.get_quantiles([i / 100 for i in range(1, 100)], True)
        assert inner == numbers[3:-1], path.name
        exact = sorted(value(i) for i in range(first, first + n))
        bound = s.normalized_rank_error(True)
        for i in range(0, n, max(1, n // 1000)):
            upper = sum_at_most(exact, exact[i]) / n
            assert abs(s.get_rank(exact[i], True) - upper) < bound, path.name
        return s


def sum_at_most(exact, v):
    import bisect
    return bisect.bisect_right(exact, v)


def check_sizes(b):
    for n in SIZES:
        ours = b.ours(f"ours_{n}", K, 7, 0, n)
        theirs = b.theirs(f"theirs_{n}", K, 0, n)
        mine = b.agree(ours, n)
        b.agree(theirs, n)
        if n <= K:
            assert ours.read_bytes() == theirs.read_bytes(), f"n = {n}: bytes differ"
        # their library continues our sketch with updates and a merge, and ours reads it again
        for i in range(n, n + 3000):
            mine.update(value(i))
        more = ds.kll_doubles_sketch(K)
        for i in range(n + 3000, n + 5000):
            more.update(value(i))
        mine.merge(more)
        b.path("continued").write_bytes(mine.serialize())
        b.agree(b.path("continued"), n + 5000)


def check_merges(b):
    parts, at = [], 0
    for i, count in enumerate([0, 1, 12, 200, 201, 5000, 40000, 12, 12]):
        make = b.theirs if i % 2 else lambda name, k, first, n: b.ours(name, k, i, first, n)
        parts.append(make(f"part_{i}", K, at, count))
        at += count
    merged = b.path("merged")
    b.run("merge", parts[0], merged, 3, *parts[1:])
    b.agree(merged, at)
    union = ds.kll_doubles_sketch(K)
    for part in parts:
        union.merge(ds.kll_doubles_sketch.deserialize(part.read_bytes()))
    b.path("union").write_bytes(union.serialize())
    b.agree(b.path("union"), at)
    coarse = b.theirs("coarse", 100, at, 20000)
    b.run("merge", merged, b.path("mixed"), 3, coarse)
    mixed = b.agree(b.path("mixed"), at + 20000)
    assert abs(mixed.normalized_rank_error(False) -
               ds.kll_doubles_sketch.get_normalized_rank_error(100, False)) < 1e-12


def check_distinct(b):
    for n in [0, 1, 7, 8, 24, 25, 384, 385, 100000]:
        b.run("hll", b.path("hll"), n)
        ours = ds.hll_sketch.deserialize(b.path("hll").read_bytes())
        theirs = ds.hll_sketch(12, ds.tgt_hll_type.HLL_8)
        for i in range(n):
            theirs.update(i)
        assert abs(ours.get_estimate() - theirs.get_estimate()) <= 0.02 * n + 1e-9, n
        union = ds.hll_union(12)
        union.update(ours)
        union.update(theirs)
        assert abs(union.get_estimate() - n) <= 0.05 * n + 1e-3, n
        b.path("hll").write_bytes(theirs.serialize_compact())
        assert abs(float(b.run("hll-read", b.path("hll"))) - n) <= 0.05 * n + 1e-3, n
        b.checks += 1


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        border = Exchange(sys.argv[1], folder)
        check_sizes(border)
        check_merges(border)
        check_distinct(border)
        print(f"{border.checks} sketches agree on both sides")


if __name__ == "__main__":
    main()
