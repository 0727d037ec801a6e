#!/usr/bin/env python3
"""Runs bench_model and the same fits with scikit-learn and XGBoost; prints Markdown.

    compare.py BENCH_MODEL COPIES LATER.avro TRAIN.avro...

Needs: fastavro numpy scipy scikit-learn xgboost (pip). One thread: run.sh sets the variables.
scikit-learn is timed on one-hot rows in memory (CSR), best of three fits (one if
a fit takes more than five seconds), leeway on its rows in memory, best of three; both in this one run.
Objectives are computed here from both sides' coefficients on the same matrix.
"""
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings

import fastavro
import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from sklearn.preprocessing import OneHotEncoder

warnings.filterwarnings("ignore")
bench, copies, later_path, train_paths = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]


def load(paths):
    rows = []
    for path in paths:
        with open(path, "rb") as f:
            for r in fastavro.reader(f):
                up, off = r["lpep_pickup_datetime"], r["lpep_dropoff_datetime"]
                y = (off - up).total_seconds() / 60
                if 1 <= y <= 60 and r["trip_distance"] < 50:
                    rows.append((r["PULocationID"], r["DOLocationID"], r["trip_distance"],
                                 up.hour, up.weekday(), y))
    return np.array(rows)


FEATURES = {"pair": ["pair"], "zones": ["pu", "do", "pair"], "rich": ["pu", "do", "pair", "hour", "weekday"]}
TERM = {"pu": "PULocationID", "do": "DOLocationID", "pair": "PULocationID * DOLocationID",
        "hour": "hour(lpep_pickup_datetime)", "weekday": "weekday(lpep_pickup_datetime)"}


def columns(a, names):
    have = {"pu": a[:, 0], "do": a[:, 1], "pair": a[:, 0] * 1000 + a[:, 1], "hour": a[:, 3], "weekday": a[:, 4]}
    return np.column_stack([have[n] for n in names])


def matrix(encoder, a, names):
    return sp.hstack([encoder.transform(columns(a, names)), sp.csr_matrix(a[:, 2:3])]).tocsr()


def timed(fit):
    best = np.inf
    for _ in range(3):
        t = time.perf_counter()
        fit()
        best = min(best, time.perf_counter() - t)
        if best > 5:
            break
    return best


def ours(path, encoder, names):
    with open(path, "rb") as f:
        model = next(fastavro.reader(f))
    coef, terms = [], {t["text"]: t for t in model["terms"]}
    for name, levels in zip(names, encoder.categories_):
        table = dict(zip(terms[TERM[name]]["levels"], terms[TERM[name]]["coefficients"]))
        key = (lambda v: f"{int(v) // 1000}\x1f{int(v) % 1000}") if name == "pair" else (lambda v: str(int(v)))
        coef += [table[key(v)] for v in levels]
    return np.array(coef + [terms["trip_distance"]["coefficients"][0]]), model["intercept"]


def objective(X, y, coef, intercept, kind):
    rss = np.sum((X @ coef + intercept - y) ** 2)
    if kind == "ridge":
        return rss + np.sum(coef**2)
    return rss / (2 * len(y)) + (0.001 * np.abs(coef).sum() if kind == "lasso" else 0)


begin = time.perf_counter()
one = load(train_paths)
encoder = OneHotEncoder(handle_unknown="ignore").fit(columns(one, FEATURES["rich"]))
Ridge(1.0).fit(matrix(encoder, one, FEATURES["rich"]), one[:, 5])
python_from_file = time.perf_counter() - begin

with tempfile.TemporaryDirectory() as where:
    lines = subprocess.run([bench, where, str(copies), later_path, *train_paths], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    facts = [json.loads(line) for line in lines]
    cells, tail = {f["cell"]: f for f in facts[:-1]}, facts[-1]
    train, later = np.tile(one, (copies, 1)), load([later_path])
    y, z = train[:, 5], later[:, 5]
    print(f"Training rows {len(y):,} ({copies} x {len(one):,}), later rows {len(z):,}.\n")
    print("| features | fit | scikit-learn s | leeway s | ratio | later RMSE | | objective, ours − theirs"
          " | coefficients differ by at most |")
    print("|---|---|---|---|---|---|---|---|---|")
    for features, names in FEATURES.items():
        encoder = OneHotEncoder(handle_unknown="ignore").fit(columns(one, names))
        X, Z = matrix(encoder, train, names), matrix(encoder, later, names)
        for kind, make in {"ols": LinearRegression, "ridge": lambda: Ridge(1.0), "lasso": lambda: Lasso(0.001)}.items():
            model = make()
            theirs, mine = timed(lambda: model.fit(X, y)), cells[f"{features}-{kind}"]
            rmse = np.sqrt(np.mean((model.predict(Z) - z) ** 2))
            coef, intercept = ours(f"{where}/{features}-{kind}.avro", encoder, names)
            a, b = (objective(X, y, *p, kind) for p in [(coef, intercept), (model.coef_, model.intercept_)])
            differ = ""
            if kind == "ridge":
                exact = Ridge(1.0, tol=1e-14, max_iter=100000).fit(X, y)
                differ = f"{np.abs(exact.coef_ - coef).max():.1e}"
            print(f"| {features} | {kind} | {theirs:.3f} | {mine['seconds']:.4f} | {theirs / mine['seconds']:.0f} x"
                  f" | {rmse:.4f} | {mine['later']:.4f} | {(a - b) / b:+.1e} of it | {differ} |", flush=True)
    print(f"\nFrom Avro file to a fitted ridge on the richest features, {len(one):,} rows: Python"
          f" {python_from_file:.2f} s, leeway {tail['from_file']:.3f} s,"
          f" {python_from_file / tail['from_file']:.0f} x.")
    print(f"Peak memory of the process: Python"
          f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB, leeway {tail['peak_mb']:.0f} MB"
          f" (rows {tail['dataset_mb']:.0f} MB).")
    print(f"Scoring with the taxi features: {cells['taxi-ridge']['million_a_second']:.1f} million rows/s on one core"
          f" (later RMSE {cells['taxi-ridge']['later']:.4f}).")
    if "raw-trees" in cells:
        import xgboost
        pick = lambda a: a[:, [0, 1, 2, 3, 4]].astype(np.float32)
        m = xgboost.XGBRegressor(n_estimators=100, max_depth=6, tree_method="hist", n_jobs=1)
        fit = timed(lambda: m.fit(pick(train), y))
        booster = m.get_booster()
        mine, rows = cells["raw-trees"], np.ascontiguousarray(pick(later))
        print(f"Trees (100 x 6): fit XGBoost {fit:.3f} s, leeway through its C API {mine['seconds']:.3f} s; later RMSE"
              f" {np.sqrt(np.mean((m.predict(pick(later)) - z) ** 2)):.4f} / {mine['later']:.4f}.")

        def theirs():  # all rows in one call, from a matrix of floats
            t = time.process_time()
            booster.inplace_predict(rows)
            return (time.process_time() - t) * 1e9 / len(rows)

        for name in ["raw-trees", "boosted"]:  # row by row, from the fields of an event
            if name not in cells:
                continue
            with subprocess.Popen([bench, "--score", f"{where}/{name}.avro", later_path], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, bufsize=1) as scorer:
                def ours_ns():
                    scorer.stdin.write("\n")
                    scorer.stdin.flush()
                    return float(scorer.stdout.readline())
                passes = np.array([[theirs(), ours_ns()] for _ in range(41)])
                scorer.stdin.close()
            ratio = np.quantile(passes[:, 0] / passes[:, 1], [.1, .5, .9])
            print(f"Scoring {name}: XGBoost (100 x 6, inplace_predict) {np.median(passes[:, 0]):.0f} ns,"
                  f" leeway {np.median(passes[:, 1]):.0f} ns a row; ratio {ratio[1]:.2f}"
                  f" ({ratio[0]:.2f} to {ratio[2]:.2f}) in {len(passes)} alternating passes."
              f" Estimated: {cells[name]['estimated_ns']} ns, later RMSE {cells[name]['later']:.4f}.")
