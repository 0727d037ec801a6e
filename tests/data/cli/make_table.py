#!/usr/bin/env python3
"""Writes table.txt, here: the table of plain models on the small cut of trips, by NumPy and scikit-learn.

    python3 tests/data/cli/make_table.py         (needs fastavro, numpy and scikit-learn)

One line per model: feature set (0 separate, 1 crossed), name, RMSE on the training rows.
"""
import pathlib

import fastavro
import numpy as np
from sklearn.linear_model import Lasso

HERE = pathlib.Path(__file__).parent
rows = []
with open(HERE.parent / "tlc" / "green_2024-03.avro", "rb") as trips:
    for t in fastavro.reader(trips):
        minutes = (t["lpep_dropoff_datetime"] - t["lpep_pickup_datetime"]).total_seconds() / 60
        if 1 <= minutes <= 60:
            rows.append((t["PULocationID"], t["DOLocationID"], t["trip_distance"], minutes))
pu, do, distance, y = np.array(rows).T


def one_hot(values):
    levels, at = np.unique(values, return_inverse=True)
    return np.eye(len(levels))[at]


def rmse(x, beta):
    return np.sqrt(np.mean((y - x @ beta) ** 2))


def ridge(x, alpha):
    """Exact: the intercept unpenalised, by centring."""
    xc, yc = x - x.mean(0), y - y.mean()
    beta = np.linalg.solve(xc.T @ xc + alpha * np.eye(x.shape[1]), xc.T @ yc)
    return np.sqrt(np.mean((yc - xc @ beta) ** 2))


with open(HERE / "table.txt", "w") as out:
    for i, x in enumerate((np.hstack([one_hot(pu), one_hot(do), distance[:, None]]),
                           np.hstack([one_hot(pu * 1000 + do), distance[:, None]]))):
        with_one = np.hstack([x, np.ones((len(y), 1))])
        exact = np.linalg.lstsq(with_one, y, rcond=None)[0]
        print(i, "LinearRegression", f"{rmse(with_one, exact):.6f}", file=out)
        for alpha in (.1, .01, .001):
            model = Lasso(alpha, tol=1e-10, max_iter=1_000_000).fit(x, y)
            print(i, f"Lasso {alpha}", f"{np.sqrt(np.mean((y - model.predict(x)) ** 2)):.6f}", file=out)
        for alpha in (.1, .01, .001):
            print(i, f"Ridge {alpha}", f"{ridge(x, alpha):.6f}", file=out)
