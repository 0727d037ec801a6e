#!/usr/bin/env python3
"""Writes golden_blocks.h: spreads of daily means by NumPy, the p-values of SciPy's t, and Sidak's z, for
tests/unit/core/test_core_blocks.c.

pip install numpy scipy; then: python3 golden_blocks.py > golden_blocks.h

Twenty days in two parts of 7 and 13, one day of the second without a mean. The variance of the mean of s
neighbouring days is the sum of the squared means of all s neighbours less their part's mean, over what
independent days of variance 1 would give times s: the number of neighbours times (1 - s / days of the part).
"""
import numpy as np
from scipy import stats

rng = np.random.default_rng(16)
SPLIT, MISSING, SPANS = 7, 15, 3


def spread(parts, s):
    squares = expected = df = 0
    for part in parts:
        n = np.isfinite(part).sum()
        means = np.convolve(part - np.nanmean(part), np.ones(s) / s, "valid")
        means = means[np.isfinite(means)]
        squares += np.sum(means ** 2)
        expected += len(means) * (1 - s / n)
        df += (n - s) * 3 * s / (2 * s * s + 1)
    return squares / expected, df


def array(name, values):
    texts = ("NAN" if np.isnan(v) else repr(float(v)) for v in values)
    print(f"static const double {name}[] = {{{', '.join(texts)}}};")


def main():
    day = np.round(rng.normal(0, 2, 20), 6)
    day[:SPLIT] += 5
    day[MISSING] = np.nan
    rows = [spread([day[:SPLIT], day[SPLIT:]], s) for s in range(1, SPANS + 1)]
    print("/* Made by golden_blocks.py. */")
    array("golden_day", day)
    array("golden_variance", [v for v, _ in rows])
    array("golden_df", [df for _, df in rows])
    array("golden_p", [stats.t.sf(1.5 / np.sqrt(v), df) for v, df in rows])
    print("static const struct {\n    unsigned n;\n    double z, largest;\n} golden_largest[] = {")
    for n in (2, 8, 300):
        for z in (-1, 0, 1.645):
            print(f"    {{{n}, {z}, {float(stats.norm.isf(1 - stats.norm.cdf(z) ** (1 / n)))!r}}},")
    print("};")
    print(f"#define GOLDEN_DAYS {len(day)}\n#define GOLDEN_SPLIT {SPLIT}\n#define GOLDEN_SPANS {SPANS}")


main()
