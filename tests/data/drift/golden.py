#!/usr/bin/env python3
"""Writes golden.h: results of SciPy and River, for tests/unit/drift.

pip install scipy river; then: python3 golden.py > golden.h
The streams for change detectors are not stored: both sides generate them with splitmix64 and
the same sequence of floating-point operations, bit for bit.
"""
import numpy as np
import river
import scipy
from river import drift
from scipy import integrate, optimize, stats
from scipy.spatial.distance import jensenshannon

rng = np.random.default_rng(20201112)


def num(v):
    return repr(float(v))


def array(kind, name, values):
    body = ", ".join(num(v) if kind == "double" else str(int(v)) for v in values)
    print(f"static const {kind} {name}[] = {{{body}}};")


def rows(struct, name, fields, table):
    print(f"static const struct {struct} {{\n    {fields}\n}} {name}[] = {{")
    for row in table:
        print("    {" + ", ".join(row) + "},")
    print("};")


def special():
    x = [(x, df) for df in (1, 2, 3.7, 9, 63, 500) for x in (0.01, 0.5, 3, 12, 40, 160, 700)]
    rows("golden_chi2", "golden_chi2", "double x, df, sf;",
         [(num(a), num(d), num(stats.chi2.sf(a, d))) for a, d in x])
    rows("golden_pair", "golden_kolmogorov", "double x, y;",
         [(num(t), num(stats.kstwobign.sf(t))) for t in (0.1, 0.3, 0.5, 0.8, 1.0, 1.17, 1.19, 1.5, 2, 3, 5)])
    rows("golden_pair2", "golden_normal", "double x, y;",
         [(num(p), num(stats.norm.ppf(p))) for p in (1e-12, 1e-4, 0.02, 0.03, 0.3, 0.5, 0.9, 0.99, 1 - 1e-9)])


def cramers_v(table):
    """Bergsma (2013)."""
    n = table.sum()
    r, k = table.shape
    phi2 = max(0.0, stats.chi2_contingency(table, correction=False).statistic / n
               - (r - 1) * (k - 1) / (n - 1))
    rr, kk = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return np.sqrt(phi2 / min(rr - 1, kk - 1))


def cells():
    out = []
    for i, (k, n, m) in enumerate([(2, 100, 100), (5, 300, 120), (10, 5000, 700), (24, 40000, 2500), (10, 900, 900)]):
        p = rng.dirichlet(np.ones(k) * 5)
        q = p if i == 4 else rng.dirichlet(np.ones(k) * 60 * p)
        ref, cur = rng.multinomial(n, p), rng.multinomial(m, q)
        ref, cur = np.maximum(ref, 1), np.maximum(cur, 1)
        r, c = ref / ref.sum(), cur / cur.sum()
        test = stats.chi2_contingency(np.array([ref, cur]), correction=False)
        array("double", f"golden_ref{i}", ref)
        array("double", f"golden_cur{i}", cur)
        out.append((str(k), f"golden_ref{i}", f"golden_cur{i}", num(np.sum((r - c) * np.log(r / c))),
                    num(jensenshannon(r, c, base=2) ** 2), num(np.sqrt(1 - np.sum(np.sqrt(r * c)))),
                    num(test.statistic), num(test.pvalue), num(cramers_v(np.array([ref, cur])))))
    rows("golden_cells", "golden_cells",
         "size_t n;\n    const double *ref, *cur;\n    double psi, jsd, hellinger, chi2, p, v;", out)


def samples():
    pairs = [(rng.normal(0, 1, 150), rng.normal(0.4, 1.2, 120)),
             (rng.exponential(3, 100), rng.exponential(3, 100)),
             (rng.integers(1, 8, 140).astype(float), rng.integers(2, 9, 110).astype(float)),
             (rng.gamma(2, 5, 60), rng.gamma(2, 5, 150) + 40)]
    out = []
    for i, (a, b) in enumerate(pairs):
        a, b = np.round(a, 6), np.round(b, 6)
        ks = stats.ks_2samp(a, b, method="exact")
        array("double", f"golden_a{i}", a)
        array("double", f"golden_b{i}", b)
        out.append((str(len(a)), str(len(b)), f"golden_a{i}", f"golden_b{i}", num(ks.statistic), num(ks.pvalue),
                    num(stats.wasserstein_distance(a, b))))
    rows("golden_samples", "golden_samples", "size_t n, m;\n    const double *a, *b;\n    double d, p, w1;", out)


def shares():
    cases = [(0, 50, 3, 40), (1, 1000, 0, 1000000), (7, 30, 2, 60), (30, 40, 10, 40), (500, 900, 380, 800),
             (0, 10, 0, 20), (5, 5, 9, 9), (1990, 50000, 1800, 50000), (12, 300, 40, 1200)]
    rows("golden_shares", "golden_shares", "uint64_t a, n, b, m;\n    double p;",
         [(*map(str, c), num(stats.fisher_exact([[c[0], c[1] - c[0]], [c[2], c[3] - c[2]]]).pvalue)) for c in cases])


def corrections():
    p = np.array([0.001, 0.3, 0.012, 0.04, 0.9, 0.012, 0.0004, 0.6])
    array("double", "golden_p", p)
    array("double", "golden_bh", stats.false_discovery_control(p, method="bh"))


def psi_of_shift():
    """PSI of N(.5, 1) against N(0, 1) over the latter's deciles: the expected value at any sample size."""
    edges = stats.norm.ppf(np.arange(1, 10) / 10)

    def psi(shift):
        q = np.diff(np.concatenate([[0], stats.norm.cdf(edges - shift), [1]]))
        return np.sum((0.1 - q) * np.log(0.1 / q))

    print(f"#define golden_psi_of_shift {num(psi(0.5))}")
    for level in (0.1, 0.2, 0.25):
        print(f"/* PSI {level} is a shift of {optimize.brentq(lambda d: psi(d) - level, 0.01, 2):.3f} sd */")
    area = integrate.quad(lambda x: np.sqrt(stats.norm.cdf(x) * stats.norm.sf(x)), -12, 12)[0]
    print(f"/* W1 of two normal samples is about {area * np.sqrt(2 / np.pi):.2f} sqrt(1/n + 1/m) sd */")


# ---- change detectors ----
MASK = (1 << 64) - 1


def mix64(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def unit(seed, i):
    return (mix64((seed << 32) + i) >> 11) * 2.0**-53


def value(seed, i, mean, sd):
    u = unit(seed, 4 * i) + unit(seed, 4 * i + 1) + unit(seed, 4 * i + 2) + unit(seed, 4 * i + 3)
    return mean + sd * ((u - 2.0) * 1.7320508)


# seed, length, steps at each multiple of `every`, height of a step, mean, sd
STREAMS = [(1, 4000, 2000, 1.0, 5.0, 1.0), (2, 4000, 2000, 0.5, 5.0, 1.0), (3, 6000, 1500, 2.0, 5.0, 1.0),
           (4, 20000, 5000, 0.7, 0.0, 1.0), (5, 9000, 3000, 30.0, 100.0, 12.0), (6, 10000, 10000, 0.0, 5.0, 1.0)]


def fired(detector, stream):
    seed, n, every, height, mean, sd = stream
    out = []
    for i in range(n):
        detector.update(value(seed, i, mean + height * (i // every), sd))
        if detector.drift_detected:
            out.append(i)
    return out


def change():
    out = []
    for k, s in enumerate(STREAMS):
        ph = fired(drift.PageHinkley(mode="up"), s)
        ad = fired(drift.ADWIN(), s)
        for name, got in (("ph", ph), ("adwin", ad)):
            array("uint32_t", f"golden_{name}{k}", got or [0])
        out.append((str(s[0]), str(s[1]), str(s[2]), *map(num, s[3:]), f"golden_ph{k}", str(len(ph)),
                    f"golden_adwin{k}", str(len(ad))))
    rows("golden_stream", "golden_streams",
         "uint64_t seed;\n    uint32_t n, every;\n    double height, mean, sd;\n"
         "    const uint32_t *ph;\n    size_t ph_n;\n    const uint32_t *adwin;\n    size_t adwin_n;", out)


print(f"/* Made by golden.py with SciPy {scipy.__version__} and River {river.__version__}; do not edit. */")
print("/* clang-format off */\n#ifndef LW_TEST_DRIFT_GOLDEN_H\n#define LW_TEST_DRIFT_GOLDEN_H\n")
print("#include <stddef.h>\n#include <stdint.h>\n")
for part in (special, cells, samples, shares, corrections, psi_of_shift, change):
    part()
print("\n#endif")
