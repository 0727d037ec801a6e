#!/usr/bin/env python3
"""Prints how often 95 % intervals hold the true RMSE: the table of docs/statistics.md, section 7.

    pip install numpy scipy
    python3 tests/data/sketch/rmse_coverage.py

`plain` is RMSE +- 2 SE; `blocks` the same from 24 blocks with Student's t; `skewed` has the upper limit of
lw_errors_rmse_high.
"""
import numpy as np
from scipy import stats

DRAWS, Z, BLOCKS = 10000, 2.0, 24
ERRORS = {"normal": (lambda r, s: r.standard_normal(s), 1.0),
          "t3": (lambda r, s: r.standard_t(3, s), 3.0),
          "lognormal": (lambda r, s: r.lognormal(0, 1, s), np.exp(2)),
          "lognormal less its mean": (lambda r, s: r.lognormal(0, 1, s) - np.exp(0.5), np.e * (np.e - 1))}


def cover(rng, draw, mse, n):
    loss = draw(rng, (DRAWS, n))**2
    mean, sd, truth = loss.mean(1), loss.std(1, ddof=1), np.sqrt(mse)
    rmse, c = np.sqrt(mean), sd / mean
    se = rmse * c / (2 * np.sqrt(n))
    skewness = 3 * c + c**3
    high = rmse * np.sqrt(1 + c / np.sqrt(n) * (Z + skewness / (6 * np.sqrt(n)) * (1 + 2 * Z**2)))
    block = loss[:, :n // BLOCKS * BLOCKS].reshape(DRAWS, BLOCKS, -1).mean(2)
    of_blocks = np.sqrt(block.mean(1))
    se_blocks = block.std(1, ddof=1) / np.sqrt(BLOCKS) / (2 * of_blocks)
    t = stats.t.ppf(0.975, BLOCKS - 1)
    below = rmse - Z * se > truth
    return (np.mean(abs(rmse - truth) <= Z * se), np.mean(abs(of_blocks - truth) <= t * se_blocks),
            np.mean(~below & (truth <= high)), np.mean(below), np.median(high / rmse) - 1)


def main():
    rng = np.random.default_rng(7)
    print("| errors | n | plain | blocks | skewed | true RMSE below | upper limit above RMSE |")
    print("|---|---|---|---|---|---|---|")
    for name, (draw, mse) in ERRORS.items():
        for n in (200, 1000, 5000):
            plain, blocks, skewed, below, width = cover(rng, draw, mse, n)
            print(f"| {name} | {n:,} | {plain:.3f} | {blocks:.3f} | {skewed:.3f} | {below:.3f} | {100 * width:.0f} % |")


if __name__ == "__main__":
    main()
