#!/usr/bin/env python3
"""Writes golden_floors.h: Wasserstein's p and the test of unseen categories, by NumPy and SciPy.

pip install scipy; then: python3 golden_floors.py > golden_floors.h
Definitions: docs/statistics.md, 3 and 3a. Samples are small enough for a sketch to hold every value.
"""
import numpy as np
import scipy
from scipy import stats

rng = np.random.default_rng(20261129)


def doubles(values):
    return "{" + ", ".join(repr(float(v)) for v in values) + "}"


def tail(beyond_ref, beyond_cur, n, m):
    if beyond_ref + beyond_cur in (0, n + m):
        return 1.0
    p = (beyond_ref + beyond_cur) / (n + m)
    z = (beyond_cur / m - beyond_ref / n) / np.sqrt(p * (1 - p) * (1 / n + 1 / m))
    fisher = stats.fisher_exact([[beyond_ref, n - beyond_ref], [beyond_cur, m - beyond_cur]])[1]
    return max(fisher, 2 * stats.norm.sf(abs(z)))


def w1(a, b):
    n, m = len(a), len(b)
    both = np.sort(np.concatenate([a, b]))
    f = np.arange(1, n + m) / (n + m)
    chance = np.sqrt(2 / np.pi) * np.sum(np.sqrt((1 / n + 1 / m) * f * (1 - f)) * np.diff(both))
    area = stats.wasserstein_distance(a, b)
    bound = 1.0
    if area > chance:
        bound = np.exp(-(area - chance) ** 2 / (2 * (1 / n + 1 / m) * both.var(ddof=1)))
    s = np.sort(a)
    low, high = s[int(np.ceil(.01 * n)) - 1], s[int(np.ceil(.99 * n)) - 1]
    low -= 1e-6 * abs(low)
    high += 1e-6 * abs(high)
    tails = [tail((a < low).sum(), (b < low).sum(), n, m), tail((a > high).sum(), (b > high).sum(), n, m)]
    return area, min(1.0, 3 * min([bound] + tails))


def unseen(ref, cur):
    n, m = ref.sum(), cur.sum()
    new, once, twice = cur[ref == 0].sum(), (ref == 1).sum(), (ref == 2).sum()
    spread = once + 2 * twice
    if new / m <= once / n:
        return new / m, once / n, 1.0
    if spread < 10:
        return new / m, once / n, stats.fisher_exact([[spread, n - spread], [new, m - new]])[1]
    p = new / m
    z = (p - once / n) / np.sqrt(p * (1 - p) / m + spread / n ** 2)
    return p, once / n, stats.norm.sf(z)


print(f"/* Made by golden_floors.py with SciPy {scipy.__version__}; do not edit. */\n/* clang-format off */\n"
      "#ifndef LW_TEST_DRIFT_GOLDEN_FLOORS_H\n#define LW_TEST_DRIFT_GOLDEN_FLOORS_H\n")
print("static const struct golden_w1 {\n    int n, m;\n    double a[180], b[180], area, p;\n} golden_w1[] = {")
normal = rng.normal
for a, b in [(normal(5, 1, 170), normal(5, 1, 160)), (normal(5, 1, 180), normal(5.6, 1, 150)),
             (np.exp(normal(0, 1, 150)), np.exp(normal(.4, 1, 150))),
             (normal(5, 1, 180), normal(5, 1, 180) * np.where(rng.random(180) < .08, 1000, 1))]:
    area, p = w1(a, b)
    print(f"    {{{len(a)}, {len(b)}, {doubles(a)}, {doubles(b)}, {float(area)!r}, {float(p)!r}}},")
print("};")
print("static const struct golden_unseen {\n    int ref[60], cur[60];\n    double unseen, expected, p;\n} golden_unseen[] = {")
even = np.full(60, 1 / 60)
steep = 1 / np.arange(1, 61) ** 2
steep /= steep.sum()
for p, q, n, m in [(even, even, 150, 120), (steep, steep, 400, 300), (steep, .8 * steep + .2 * even, 400, 300),
                   (np.where(np.arange(60) < 40, 1 / 40, 0), even, 900, 250)]:
    ref, cur = rng.multinomial(n, p), rng.multinomial(m, q)
    row = ", ".join(repr(float(v)) for v in unseen(ref, cur))
    print(f"    {{{{{', '.join(map(str, ref))}}}, {{{', '.join(map(str, cur))}}}, {row}}},")
print("};")
print("\n#endif")
