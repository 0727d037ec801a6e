#!/usr/bin/env python3
"""Writes golden_mixture.h: a mixture of two samples against a third, by NumPy and SciPy.

pip install scipy; then: python3 golden_mixture.py > golden_mixture.h
Parts of a reference in the proportions of a window: weighted distributions, and as many rows as Kish's
(1965) effective sample size.
"""
import numpy as np
import scipy
from scipy import stats

rng = np.random.default_rng(20261130)
EDGES = [-1.0, -0.25, 0.5, 1.25, 2.0, 3.0]


def doubles(name, values):
    body = ", ".join(repr(round(float(v), 6)) for v in values)
    print(f"static const double {name}[] = {{{body}}};")


def counts(name, values):
    print(f"static const int {name}[] = {{{', '.join(str(int(v)) for v in values)}}};")


def psi(p, q):
    return float(np.sum((p - q) * np.log(p / q)))


def shares(values, weights):
    at = np.searchsorted(EDGES, values, side="left")
    return np.bincount(at, weights, len(EDGES) + 1)


def main():
    part = [np.round(rng.normal(0, 1, 900), 6), np.round(rng.normal(2, .5, 400), 6)]
    missing = [100, 0]
    now = np.round(rng.normal(1.3, 1, 700), 6)
    zones = [rng.multinomial(3000, [.5, .3, .2, 0]), rng.multinomial(900, [.1, .3, 0, .6])]
    zones_now = rng.multinomial(800, [.35, .25, .15, .25])
    rows = [len(part[i]) + missing[i] for i in range(2)]
    print(f"/* Made by golden_mixture.py with SciPy {scipy.__version__}; do not edit. */\n/* clang-format off */\n"
          "#ifndef LW_TEST_DRIFT_GOLDEN_MIXTURE_H\n#define LW_TEST_DRIFT_GOLDEN_MIXTURE_H\n")
    for i in range(2):
        doubles(f"mixture_part{i}", part[i])
        counts(f"mixture_zones{i}", zones[i])
    doubles("mixture_now", now)
    counts("mixture_zones_now", zones_now)
    doubles("mixture_edges", EDGES)
    counts("mixture_missing", missing)
    print("static const struct golden_mixture {\n"
          "    double weight, rows, missing, mean, sd, ks, w1, psi, zone_rows, zone_psi, zone_chi2;\n"
          "} golden_mixture[] = {")
    for weight in (.9, .5, .2):
        share = [weight, 1 - weight]
        values = np.concatenate(part)
        w = np.concatenate([np.full(len(part[i]), share[i] / rows[i]) for i in range(2)])
        present = w.sum()
        w /= present
        mean = np.sum(w * values)
        n = round(1 / sum(share[i] ** 2 / rows[i] for i in range(2)))
        grid = np.sort(np.concatenate([values, now]))
        order = np.argsort(values)
        ref = np.concatenate([[0], np.cumsum(w[order])])[np.searchsorted(values[order], grid, side="right")]
        cur = np.searchsorted(np.sort(now), grid, side="right") / len(now)
        q = shares(now, np.full(len(now), 1 / len(now)))
        zone = sum(share[i] * zones[i] / zones[i].sum() for i in range(2))
        zone_n = round(1 / sum(share[i] ** 2 / zones[i].sum() for i in range(2)))
        table = np.array([zone * zone_n, zones_now])
        out = [weight, n, 1 - present, mean, np.sqrt(np.sum(w * (values - mean) ** 2)), np.abs(ref - cur).max(),
               stats.wasserstein_distance(values, now, w), psi(shares(values, w), q), zone_n,
               psi(zone, zones_now / zones_now.sum()), stats.chi2_contingency(table, correction=False).statistic]
        print("    {" + ", ".join(repr(float(v)) for v in out) + "},")
    print("};\n\n#endif")


main()
