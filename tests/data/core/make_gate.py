#!/usr/bin/env python3
"""Golden figures of the gate: paired squared errors, summed by hour, one-sample t of the sums.

Writes gate.txt beside this script. Needs numpy and scipy (pip install numpy scipy).
First line: rows, blocks, gain, z, RMSE of champion and challenger. Then one line per row:
time in ms, target, prediction of the champion, of the challenger.
"""
import pathlib

import numpy as np
from scipy import stats

HOUR = 3_600_000
rng = np.random.default_rng(20200301)
n = 600
t = np.sort(1_583_107_200_000 + rng.integers(0, 40 * HOUR, n))
traffic = rng.normal(0, 2, 41)[(t - t[0]) // HOUR]  # shared by the trips of an hour
y = np.round(15 + traffic + rng.normal(0, 4, n), 6)
champion = np.round(15 + rng.normal(0, 1.2, n) + 0.8, 6)
challenger = np.round(15 + 0.5 * traffic + rng.normal(0, 1, n), 6)
a, b = (champion - y) ** 2, (challenger - y) ** 2
blocks = t // HOUR
sums = np.array([(a - b)[blocks == k].sum() for k in np.unique(blocks)])
z = stats.ttest_1samp(sums, 0).statistic
with open(pathlib.Path(__file__).with_name("gate.txt"), "w") as out:
    print(n, len(sums), repr(float(1 - b.sum() / a.sum())), repr(float(z)),
          repr(float(np.sqrt(a.mean()))), repr(float(np.sqrt(b.mean()))), file=out)
    for row in zip(t, y, champion, challenger):
        print(*row, file=out)
