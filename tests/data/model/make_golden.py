#!/usr/bin/env python3
"""Golden fits for test_model_fit.c, made with scikit-learn.

Needs: pip install numpy scipy scikit-learn (made with numpy 2.4, scikit-learn 1.9).
Run:   python3 make_golden.py > golden.txt

Rows are printed with 17 digits, so that both sides fit the same doubles. Solvers are run to
their limits: ridge by SVD, least squares of least norm by the pseudo-inverse on centred
columns, lasso and elastic net to a duality gap of 1e-14. A term's penalty p becomes a column
scaled by 1/sqrt(p) for ridge (1/p for lasso), and its coefficient is scaled back.
"""
import numpy as np
from sklearn.linear_model import ElasticNet, Lasso, Ridge

rng = np.random.default_rng(20240131)
N, DAY = 600, 86_400_000
a = rng.integers(0, 7, N)
b = rng.integers(-3, 6, N)
x = np.round(rng.gamma(2.0, 2.0, N), 6)
z = np.round(rng.normal(100.0, 15.0, N), 6)
time = np.sort(rng.integers(0, 30 * DAY, N))
y = np.round(5 + 0.7 * a - 0.2 * b + 1.5 * x + 0.03 * z + ((a * b) % 5) + rng.normal(0, 2, N), 9)


def one_hot(keys):
    levels = sorted(set(keys))
    return levels, np.array([[float(k == l) for l in levels] for k in keys])


def design(terms):
    """Terms: (text, key of each row or None, number of each row, penalty)."""
    columns, names, penalties = [], [], []
    for text, keys, number, penalty in terms:
        if keys is None:
            columns.append(number[:, None])
            names.append((text, "-"))
            penalties.append(penalty)
            continue
        levels, hot = one_hot(keys)
        columns.append(hot * number[:, None])
        names += [(text, "/".join(str(v) for v in np.atleast_1d(l))) for l in levels]
        penalties += [penalty] * len(levels)
    return np.hstack(columns), names, np.array(penalties)


one = np.ones(N)
ints = lambda *cols: [tuple(int(c[i]) for c in cols) for i in range(N)]
A = ("a", ints(a), one, 1.0)
B = ("b", ints(b), one, 1.0)
AB = lambda p: ("a * b", ints(a, b), one, p)
X = ("x", None, x, 1.0)
Z = ("z", None, z, 1.0)
AX = ("a * sqrt(x)", ints(a), np.sqrt(x), 1.0)


def emit(name, terms, kind, alpha, ratio=1.0, half_life=0, intercept=True):
    M, names, penalty = design(terms)
    w = np.exp2(-(30 * DAY - time) / half_life) if half_life else np.ones(N)
    if kind == "ols":
        mean = np.average(M, axis=0, weights=w) if intercept else 0
        ymean = np.average(y, weights=w) if intercept else 0
        s = np.sqrt(w)
        coef = np.linalg.pinv((M - mean) * s[:, None], rcond=1e-10) @ ((y - ymean) * s)
        b0 = ymean - (mean @ coef if intercept else 0)
    else:
        scale = 1 / np.sqrt(penalty) if kind == "ridge" else 1 / penalty
        model = {
            "ridge": Ridge(alpha, solver="svd", fit_intercept=intercept),
            "lasso": Lasso(alpha, tol=1e-14, max_iter=10_000_000, fit_intercept=intercept),
            "elastic-net": ElasticNet(alpha, l1_ratio=ratio, tol=1e-14, max_iter=10_000_000,
                                      fit_intercept=intercept),
        }[kind]
        model.fit(M * scale, y, sample_weight=w)
        coef, b0 = model.coef_ * scale, float(model.intercept_)
    rss = np.sum((M @ coef + b0 - y) ** 2)
    print(f"fit {name} {kind} {alpha!r} {ratio!r} {half_life} {int(intercept)} {len(terms)}")
    for text, _, _, p in terms:
        print(f"term {p!r} {text}")
    print(f"intercept {float(b0)!r} rmse {float(np.sqrt(rss / N))!r} coefficients {len(names)}")
    for (text, level), c in zip(names, coef):
        print(f"{float(c)!r} {level} {text}")


print(f"rows {N}")
for i in range(N):
    print(f"{time[i]} {a[i]} {b[i]} {float(x[i])!r} {float(z[i])!r} {float(y[i])!r}")
emit("plain", [A, B, X, Z], "ridge", 1.0)
emit("crossed", [A, B, AB(3.0), X, AX, Z], "ridge", 0.5)
emit("weak", [A, B, AB(1.0), X], "ridge", 1e-3)
emit("weighted", [A, B, AB(2.0), X], "ridge", 1.0, half_life=5 * DAY)
emit("origin", [A, X], "ridge", 1.0, intercept=False)
emit("numbers", [X, Z], "ridge", 10.0)
emit("least", [A, B, X], "ols", 0.0)
emit("least-crossed", [A, B, AB(1.0), X, Z], "ols", 0.0)
emit("least-weighted", [A, X], "ols", 0.0, half_life=9 * DAY)
emit("lasso", [A, B, X, Z], "lasso", 0.1)
emit("lasso-crossed", [A, B, AB(1.0), X, Z], "lasso", 0.01)
emit("lasso-weighted", [A, AB(1.0), X], "lasso", 0.02, half_life=6 * DAY)
emit("lasso-origin", [AB(1.0), X], "lasso", 0.05, intercept=False)
emit("elastic", [A, B, AB(1.0), X, Z], "elastic-net", 0.05, 0.5)
