/* Pearson's chi-square test of homogeneity of two samples, and the effect of sketches.
 *
 * With p_i the pooled share of cell i, S = sum (r_i - c_i)^2 / p_i. The textbook's
 * statistic is S / a with a = 1/n + 1/m; without a change, and with expected counts of
 * about five or more, it is chi-square with B - 1 degrees of freedom.
 *
 * If shares come from quantile sketches, r_i - c_i carries their error as well. A KLL
 * compaction of weight w moves every rank by 0 or by the same random +-w, depending on
 * whether the number of compacted items below is even or odd. For edges well apart, those
 * parities are independent fair coins, so a rank has variance V = w^2/2, and so does a
 * bin, the difference of two ranks. Neighbouring bins have covariance -V/2, others 0; the
 * first and the last bin count as neighbours, because their outer ranks are exact. The
 * covariance of the differences is therefore
 *
 *     C_ij = a (p_i [i = j] - p_i p_j) + V ([i = j] - [i, j neighbours] / 2)
 *
 * and S is a mixture of chi-squares with the eigenvalues of M_ij = C_ij / sqrt(p_i p_j)
 * as weights. By Satterthwaite (1946), S tr M / tr M^2 is approximately chi-square with
 * (tr M)^2 / tr M^2 degrees of freedom. With V = 0 that is exactly the textbook's test.
 * tr M is also the expected PSI without a change, as PSI and S agree to second order. */
#include "drift/stats.h"

#include <math.h>

#include "base/mem.h"
#include "drift/special.h"

static double chi_square_pooled(const struct lw_cells *c, size_t i) {
    return (c->ref[i] + c->cur[i]) / (c->n_ref + c->n_cur);
}

static double share_diff(const struct lw_cells *c, size_t i) {
    return c->ref[i] / c->n_ref - c->cur[i] / c->n_cur;
}

/* Trace of M and of M^2 with sketch noise; O(B^2), B at most LW_BINS_MAX. */
static void chi_square_traces(const struct lw_cells *c, double a, double *tr1,
                              double *tr2) {
    size_t n = c->n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double p = chi_square_pooled(c, i), q = chi_square_pooled(c, j),
                   v = -a * p * q;
            if (i == j)
                v += a * p + c->noise;
            if ((i + 1) % n == j)
                v -= c->noise / 2.0;
            if ((j + 1) % n == i)
                v -= c->noise / 2.0;
            v /= sqrt(p * q);
            *tr1 += i == j ? v : 0.0;
            *tr2 += v * v;
        }
}

struct lw_chi2 lw_drift_chi_square(const struct lw_cells *c) {
    double a = 1.0 / c->n_ref + 1.0 / c->n_cur, s = 0.0;
    size_t used = 0;
    for (size_t i = 0; i < c->n; i++) {
        double p = chi_square_pooled(c, i), d = share_diff(c, i);
        if (p <= 0.0)
            continue;
        s += d * d / p;
        used++;
    }
    struct lw_chi2 out = {.stat = s / a, .p = 1.0};
    if (used < 2)
        return out;
    out.df = (double)(used - 1 + c->unchanged);
    double tr1 = a * (double)(used - 1), tr2 = a * tr1;
    if (c->noise > 0.0 && used == c->n) {
        tr1 = tr2 = 0.0;
        chi_square_traces(c, a, &tr1, &tr2);
    }
    out.null_psi = tr1;
    out.p = lw_special_chi2_sf(s * tr1 / tr2, tr1 * tr1 / tr2 + (double)c->unchanged);
    return out;
}

double lw_drift_cramers_v(const struct lw_cells *c, double chi2) {
    double n = c->n_ref + c->n_cur, k = (double)c->n, r = 2.0;
    if (c->n < 2 || n < 3.0)
        return 0.0;
    double phi2 = fmax(0.0, chi2 / n - (k - 1.0) * (r - 1.0) / (n - 1.0));
    double rr = r - (r - 1.0) * (r - 1.0) / (n - 1.0);
    double kk = k - (k - 1.0) * (k - 1.0) / (n - 1.0);
    double least = fmin(rr, kk) - 1.0;
    return least > 0.0 ? fmin(sqrt(phi2 / least), 1.0) : 0.0;
}
