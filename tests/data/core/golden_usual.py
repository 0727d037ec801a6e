#!/usr/bin/env python3
"""Writes golden_usual.h: what is usual after given readings, from SciPy.

    python3 tests/data/core/golden_usual.py > tests/data/core/golden_usual.h

The sizes of one reading a period, forgotten with a half-life of 60 periods, and the
conjugate prior of src/core/usual.c: the predictive distribution is Student's.
"""
import numpy as np
from scipy import stats

HALF_LIFE, PRIOR_WEIGHT, PRIOR_DF = 60.0, 3.0, 10.0


def size(values, neutral, effect):
    values = np.asarray(values, float)
    return np.log(np.maximum(values / neutral, 0.1)) if neutral else np.log1p(values / effect)


def fit(values, neutral, effect):
    logs = size(values, neutral, effect)
    w = 2.0 ** (-np.arange(len(logs))[::-1] / HALF_LIFE)
    n = w.sum()
    mean = np.average(logs, weights=w) if len(logs) else 0.0
    squares = (w * (logs - mean) ** 2).sum()
    prior = 0.0 if neutral > 0 else np.log1p(0.5)
    spread = 0.08 if neutral > 0 else 0.2
    k = n + PRIOR_WEIGHT
    all_squares = squares + PRIOR_DF * spread**2 + (mean - prior) ** 2 * n * PRIOR_WEIGHT / k
    df = PRIOR_DF + n
    scale = max(np.sqrt(all_squares / df * (1 + 1 / k)), 0.01)
    return (n * mean + PRIOR_WEIGHT * prior) / k, scale, df


def main():
    rng = np.random.default_rng(16)
    print("/* Made by golden_usual.py. */")
    print("static const struct golden_usual {")
    print("    double neutral, effect, rate, at; /* at: a reading */")
    print("    size_t n;")
    print("    double value[90];")
    print("    double threshold, periods;")
    print("} golden_usual[] = {")
    for neutral, effect, n, rate, spread in [
        (1, 0.1, 0, 1 / 30, 0.1), (1, 0.1, 3, 1 / 30, 0.1), (1, 0.1, 40, 1 / 90, 0.2),
        (1, 0.1, 90, 1 / 270, 0.05), (0, 0.1, 20, 1 / 60, 0.8), (0, 0.05, 90, 1 / 400, 0.4),
    ]:
        values = (neutral or effect / 2) * np.exp(spread * rng.standard_normal(n))
        values = np.array([float(f"{v:.6g}") for v in values])
        mean, scale, df = fit(values, neutral, effect)
        at = (neutral or effect) * 1.3
        threshold = mean + stats.t.isf(rate, df) * scale
        threshold = neutral * np.exp(threshold) if neutral else effect * np.expm1(threshold)
        periods = 1 / stats.t.sf((size(at, neutral, effect) - mean) / scale, df)
        text = ", ".join(f"{v:.6g}" for v in values) or "0"
        print(f"    {{{neutral}, {effect}, {rate:.17g}, {at:.17g}, {n},\n     {{{text}}},")
        print(f"     {threshold:.17g}, {periods:.17g}}},")
    print("};")


main()
