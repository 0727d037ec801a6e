#!/usr/bin/env python3
"""Writes golden_tracking.h: ridge regressions by NumPy, for tests/unit/core/test_core_tracking.c.

pip install numpy; then: python3 golden_tracking.py > golden_tracking.h

Panes of a quarter of an hour; the time constant is an hour. After each pane, (a, b) minimises
sum w (target - m - a - b (m - c))^2 + 15 a^2 + 50 variance b^2, where w = exp(-age of the event's pane / 1 h) and
c and variance are mean and variance of the predictions of the proof.
"""
import numpy as np

rng = np.random.default_rng(20261130)
PANES, EACH = 12, 30


def array(name, values):
    print(f"static const double {name}[] = {{{', '.join(repr(float(v)) for v in values)}}};")


def main():
    proof = np.round(rng.normal(20, 6, 200), 6)
    proof_target = np.round(proof + rng.normal(0, 3, 200), 6)
    m = np.round(rng.normal(21, 6, (PANES, EACH)), 6)
    shift = np.linspace(0, 2.5, PANES)[:, None]
    y = np.round(m + shift - 0.15 * (m - 20) + rng.normal(0, 3, m.shape), 6)
    c, variance = proof.mean(), proof.var()
    a, b = [], []
    for last in range(PANES):
        w = np.exp(-(last - np.arange(last + 1)) / 4)[:, None] * np.ones(EACH)
        x, r, w = (m[:last + 1] - c).ravel(), (y - m)[:last + 1].ravel(), w.ravel()
        design = np.column_stack([np.ones_like(x), x])
        gram = design.T @ (design * w[:, None]) + np.diag([15, 50 * variance])
        solution = np.linalg.solve(gram, design.T @ (w * r))
        a.append(solution[0])
        b.append(solution[1])
    print("/* Made by golden_tracking.py. */")
    array("proof_prediction", proof)
    array("proof_target", proof_target)
    array("pane_prediction", m.ravel())
    array("pane_target", y.ravel())
    array("golden_a", a)
    array("golden_b", b)
    print(f"#define GOLDEN_PANES {PANES}\n#define GOLDEN_EACH {EACH}")


main()
