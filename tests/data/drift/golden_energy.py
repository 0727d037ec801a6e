#!/usr/bin/env python3
"""Writes golden_energy.h: SciPy's energy distance, for tests/unit/drift/test_drift_energy.c.

pip install scipy; then: python3 golden_energy.py > golden_energy.h
"""
import numpy as np
from scipy import stats

rng = np.random.default_rng(20261130)


def array(name, values):
    print(f"static const double {name}[] = {{{', '.join(repr(float(v)) for v in values)}}};")


def main():
    pairs = [(rng.normal(0, 1, 150), rng.normal(0.4, 1.2, 120)),
             (rng.exponential(3, 100), rng.exponential(3, 100)),
             (rng.integers(1, 8, 140), rng.integers(2, 9, 110)),
             (rng.gamma(2, 5, 60), rng.gamma(2, 5, 150) + 40)]
    rows = []
    for i, (a, b) in enumerate(pairs):
        a, b = np.round(a, 6), np.round(b, 6)
        sd = np.std(a, ddof=1)
        array(f"energy_a{i}", a)
        array(f"energy_b{i}", b)
        rows.append(f"    {{{len(a)}, {len(b)}, energy_a{i}, energy_b{i}, "
                    f"{float(stats.energy_distance(a / sd, b / sd))!r}}},")
    print("static const struct golden_energy {\n    size_t n, m;\n    const double *a, *b;\n"
          "    double distance; /* of the values over the first sample's standard deviation */\n"
          "} golden_energy[] = {")
    print("\n".join(rows))
    print("};")


main()
