#!/usr/bin/env python3
"""Golden robust fits for test_model_fit.c, made with scikit-learn.

Needs: pip install numpy scipy scikit-learn (made with numpy 2.4, scikit-learn 1.9).
Run:   python3 make_huber.py > huber.txt

HuberRegressor minimises, over coefficients and sigma, the sum of w (sigma + H(r / sigma) sigma)
and alpha |coef|^2. Times sigma, the penalty is alpha sigma: a ridge penalty A is its alpha =
A / sigma, which is iterated to. The solver (L-BFGS) is run to its limit from several starts, and
refined by iterated weights with sigma at its own fixed point until convergence.
"""
import numpy as np
from sklearn.linear_model import HuberRegressor

rng = np.random.default_rng(20261129)
N, DAY, EPS = 500, 86_400_000, 1.35
a = rng.integers(0, 5, N)
b = rng.integers(-2, 3, N)
x = np.round(rng.gamma(2.0, 2.0, N), 6)
z = np.round(rng.normal(0.0, 3.0, N), 6)
time = np.sort(rng.integers(0, 30 * DAY, N))
y = 5 + 0.7 * a + 1.5 * x - 0.4 * z + rng.normal(0, 2, N)
wrong = rng.random(N) < 0.08
y = np.round(np.where(wrong, y + rng.choice([-1, 3], N) * rng.exponential(40, N), y), 9)


def polish(M, w, A, coef, b0, sigma):
    D = np.hstack([np.ones((N, 1)), M])
    P = np.diag([0.0] + [A] * M.shape[1])
    beta = np.concatenate([[b0], coef])
    for _ in range(2000):
        r = np.abs(y - D @ beta)
        for _ in range(200):
            out = r > EPS * sigma
            sigma = np.sqrt(np.sum((w * r * r)[~out]) / (w.sum() - EPS**2 * w[out].sum()))
        v = w * np.where(r > EPS * sigma, EPS * sigma / np.maximum(r, 1e-300), 1)
        beta = np.linalg.solve(D.T @ (D * v[:, None]) + P, D.T @ (v * y))
    return beta[1:], beta[0], sigma


def emit(name, terms, kind, A, half_life=0):
    M = np.column_stack([column for _, column in terms])
    w = np.exp2(-(30 * DAY - time) / half_life) if half_life else np.ones(N)
    sigma = 2.0
    for _ in range(30):
        model = HuberRegressor(epsilon=EPS, alpha=A / sigma, max_iter=100_000, tol=1e-12)
        model.fit(M, y, sample_weight=w)
        sigma = model.scale_
    coef, b0, scale = polish(M, w, A, model.coef_, model.intercept_, sigma)
    for ours, theirs in zip([*coef, b0, scale], [*model.coef_, model.intercept_, sigma]):
        assert abs(ours - theirs) <= 1e-3 * (1 + abs(theirs)), (name, ours, theirs)
    rmse = np.sqrt(np.mean((M @ coef + b0 - y) ** 2))
    print(f"fit {name} {kind} {A!r} 1.0 {half_life} 1 {len(terms)}")
    for text, _ in terms:
        print(f"term 1.0 {text}")
    print(f"intercept {float(b0)!r} rmse {float(rmse)!r} coefficients {len(terms)}")
    for (text, _), c in zip(terms, coef):
        print(f"{float(c)!r} - {text}")


print(f"rows {N}")
for i in range(N):
    print(f"{time[i]} {a[i]} {b[i]} {float(x[i])!r} {float(z[i])!r} {float(y[i])!r}")
X, Z, R, H = ("x", x), ("z", z), ("sqrt(x)", np.sqrt(x)), ("hinge(z, 1)", np.maximum(z - 1, 0))
emit("robust", [X, Z], "ols", 0.0)
emit("robust-more", [X, Z, R, H], "ols", 0.0)
emit("robust-weighted", [X, Z], "ols", 0.0, half_life=6 * DAY)
emit("robust-ridge", [X, Z, R, H], "ridge", 200.0)
emit("robust-ridge-weighted", [X, Z, H], "ridge", 50.0, half_life=9 * DAY)
