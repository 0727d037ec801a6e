/* The statistics, each on plain inputs, so that each can be checked against other
 * programs. Definitions with sources: docs/statistics.md. All return finite values for
 * any input with n_ref > 0 and n_cur > 0. Thread: any. */
#ifndef LW_DRIFT_STATS_H
#define LW_DRIFT_STATS_H

#include "drift/cells.h"

/* Population stability index, natural log, uncorrected; an empty cell counts half a
 * row. */
double lw_drift_psi(const struct lw_cells *c);
/* PSI minus its expectation without a change, with half a row added in the logarithms; >=
 * 0. */
double lw_drift_psi_corrected(const struct lw_cells *c, double null_psi);

/* Jensen-Shannon divergence in bits, [0, 1] (the distance is its square root). */
double lw_drift_js_divergence(const struct lw_cells *c);
double lw_drift_hellinger(const struct lw_cells *c); /* [0, 1] */

/* Pearson's test of homogeneity; the null distribution includes the sketches' noise. */
struct lw_chi2 {
    double stat; /* the usual two-sample chi-square */
    double df;   /* cells - 1 */
    double p;
    double null_psi; /* PSI expected without a change */
};
struct lw_chi2 lw_drift_chi_square(const struct lw_cells *c);
/* Cramer's V of the 2 x cells table, corrected for bias (Bergsma 2013), [0, 1]. */
double lw_drift_cramers_v(const struct lw_cells *c, double chi2);

struct lw_ks {
    double d; /* as observed */
    double p; /* p-value of d minus the possible error of the sketches */
};
struct lw_ks lw_drift_ks_test(const struct lw_kll *ref, const struct lw_kll *cur);

struct lw_w1 {
    double area; /* between the two distribution functions, in the values' unit */
    double p;    /* upper bound of the p-value */
};
/* Both sides must have values. */
struct lw_w1 lw_drift_w1_test(const struct lw_numeric *ref, const struct lw_numeric *cur);

/* Two-sided p-value for equal shares: a of n against b of m. Fisher's exact test for few
 * cases, the pooled z test for many. 1 if n or m is 0. */
double lw_drift_two_shares_p(uint64_t a, uint64_t n, uint64_t b, uint64_t m);

/* Adjusts k p-values in place. */
void lw_drift_p_adjust(double *p, size_t k, enum lw_correction_kind kind);

#endif
