"""Writes the models of this folder and rows with the predictions of the libraries that made them.

    python3 make_models.py      (xgboost-cpu, lightgbm, scikit-learn: tests/requirements.txt)

rows.txt: x, y, zone, hour, then the predictions of xgboost, lightgbm and linear; nan is missing.
"""
import importlib.util
import pathlib

import lightgbm
import numpy as np
import xgboost
from sklearn import linear_model

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("export_linear", HERE.parents[2] / "examples/export_linear.py")
export_linear = importlib.util.module_from_spec(spec)
spec.loader.exec_module(export_linear)

rng = np.random.default_rng(1)
NAMES = ["x", "y", "zone", "hour(at)"]


def rows(n):
    c = np.column_stack([rng.normal(3, 2, n), rng.normal(0, 1, n), rng.integers(1, 5, n), rng.integers(0, 24, n)])
    c[rng.random(n) < 0.15, 0] = np.nan
    return c


train, test = rows(600), rows(60)
y = 10 + 2 * np.nan_to_num(train[:, 0]) + train[:, 2] * (train[:, 3] > 9) + rng.normal(0, 0.3, 600)
booster = xgboost.train({"max_depth": 3, "nthread": 1, "seed": 1},
                        xgboost.DMatrix(train, label=y, feature_names=NAMES), 4)
booster.save_model(HERE / "xgboost.json")
booster.save_model(HERE / "xgboost.ubj")
forest = lightgbm.train({"verbose": -1, "num_threads": 1, "num_leaves": 6, "objective": "regression", "max_bin": 30},
                        lightgbm.Dataset(train, label=y, feature_name=NAMES), 4)
forest.save_model(HERE / "lightgbm.txt")
hot = lambda c: np.column_stack([np.nan_to_num(c[:, 0]), c[:, 1]] + [c[:, 2] == z for z in range(1, 5)])
line = linear_model.Ridge(1).fit(hot(train), y)
export_linear.export(line, ["x", "y"] + [f"zone={z}" for z in range(1, 5)], HERE / "linear.json")
predictions = [booster.predict(xgboost.DMatrix(test, feature_names=NAMES)).astype(float), forest.predict(test),
               line.predict(hot(test))]
np.savetxt(HERE / "rows.txt", np.column_stack([test] + predictions), fmt="%.17g")
