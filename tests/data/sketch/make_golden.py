#!/usr/bin/env python3
"""Writes the golden files beside it: sketches made by Apache DataSketches, and figures
made by NumPy, SciPy and scikit-learn.

    pip install datasketches numpy scipy scikit-learn
    python3 tests/data/sketch/make_golden.py

That library seeds KLL's coin with the clock, so a new run gives other bytes for the large sketches;
the tests pass for any.
"""
import pathlib

import datasketches as ds
import numpy as np
from scipy.stats import lognorm
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

HERE = pathlib.Path(__file__).resolve().parent
RANKS = [0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1]


def value(i):
    """The i-th value of every stream: the C tests have the same formula."""
    return ((i * 7919) % 100003) / 8 - 1000


def kll(first, count, k=200):
    s = ds.kll_doubles_sketch(k)
    for i in range(first, first + count):
        s.update(value(i))
    return s


def write_kll():
    sketches = {f"kll_{n}": kll(0, n) for n in (0, 1, 2, 5, 200, 201, 100000)}
    merged = kll(0, 150)
    for part in range(20):
        merged.merge(kll(150 + part * 1000, 1000))
    sketches["kll_merged"] = merged
    mixed = kll(0, 5000, 400)
    mixed.merge(kll(5000, 5000, 100))
    sketches["kll_mixed_k"] = mixed
    lines = []
    for name, s in sketches.items():
        (HERE / f"{name}.bin").write_bytes(s.serialize())
        row = [name, s.k, s.n, s.num_retained]
        if not s.is_empty():
            row += [s.get_min_value(), s.get_max_value()]
            row += [f"{s.normalized_rank_error(False):.12g}"]
            row += s.get_quantiles(RANKS, True)
            row += [s.get_rank(v, True) for v in (0.0, 5000.0, 11000.0)]
        lines.append(" ".join(str(x) for x in row))
    (HERE / "kll.txt").write_text("\n".join(lines) + "\n")


def write_hll():
    lines = []
    for n in (0, 1, 7, 8, 100, 384, 385, 20000):
        s = ds.hll_sketch(12, ds.tgt_hll_type.HLL_8)
        for i in range(n):
            s.update(i * 31 - 1000)
        (HERE / f"hll_{n}.bin").write_bytes(s.serialize_compact())
        (HERE / f"hll_{n}_updatable.bin").write_bytes(s.serialize_updatable())
        lines.append(f"hll_{n} {n} {s.get_estimate():.6f}")
    s = ds.hll_sketch(12, ds.tgt_hll_type.HLL_8)
    for i in range(600):
        s.update("x" * (i % 40) + str(i))
    (HERE / "hll_text.bin").write_bytes(s.serialize_compact())
    lines.append(f"hll_text 600 {s.get_estimate():.6f}")
    (HERE / "hll.txt").write_text("\n".join(lines) + "\n")


def rmse_high(loss):
    """Johnson's (1978) upper limit of a mean at z = 2, with the skewness of a lognormal variable."""
    n, mean, sd = len(loss), loss.mean(), loss.std(ddof=1)
    shape = np.sqrt(np.log1p((sd / mean)**2))
    third = lognorm.stats(shape, moments="s") * sd**3
    return mean + third / (6 * sd**2 * n) * (1 + 2 * 2**2) + 2 * sd / np.sqrt(n)


def write_errors():
    """Errors of a model with a bias and a wrong slope: n, noise, the figures, the offset, the upper limit of RMSE.

    With an offset the C test adds rounded targets and predictions; the figures are computed from
    the same rounded numbers in long double.
    """
    lines = []
    for n, noise, offset in ((3, 1.0, 0), (50, 4.0, 0), (1000, 0.25, 0), (1000, 4.0, 1e8),
                             (1000, 0.25, -1e8), (1000, 4.0, 1.7e9), (5000, 4.0, 1e10)):
        i = np.arange(n)
        target = offset + 10 + (i * 37 % 101) / 10
        p = offset + 2 + 0.7 * (target - offset) + noise * ((i * 53 % 97) / 97 - 0.5)
        if offset:  # both are exact in long double, and so is their difference
            target = (target.astype(np.longdouble) - offset).astype(float)
            p = (p.astype(np.longdouble) - offset).astype(float)
        e = p - target
        mse = mean_squared_error(target, p)
        x = np.column_stack([np.ones(n), p])
        rest = target - x @ np.linalg.lstsq(x, target, rcond=None)[0]
        gain = max(0.0, 1 - (rest @ rest) / (n - 2) / mse)
        row = [n, noise, np.sqrt(mse), mean_absolute_error(target, p), e.mean(),
               r2_score(target, p),
               np.std(e**2, ddof=1) / (2 * np.sqrt(n) * np.sqrt(mse)),
               np.std(abs(e), ddof=1) / np.sqrt(n), np.std(e, ddof=1) / np.sqrt(n), gain,
               offset, np.sqrt(rmse_high(e**2))]
        lines.append(" ".join(f"{v:.15g}" for v in row))
    (HERE / "errors.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write_kll()
    write_hll()
    write_errors()
