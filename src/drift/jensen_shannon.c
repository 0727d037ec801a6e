/* Jensen-Shannon divergence and Hellinger distance of two share vectors.
 *
 * JSD = H((r + c) / 2) - (H(r) + H(c)) / 2 with logarithms to base 2 (Lin 1991), so that
 * it lies in [0, 1]; its square root is a metric (Endres and Schindelin 2003) and is what
 * leeway reports. With the natural logarithm, as in other tools, its maximum is .8326.
 * Empty cells need no smoothing: 0 log 0 = 0.
 *
 * Near equality, with m = (r + c) / 2: JSD = sum (r - c)^2 / m / (8 ln 2) + O(4), while
 * PSI = sum (r - c)^2 / m + O(4). So its expectation without a change is PSI's divided by
 * 8 ln 2, which the caller subtracts before the root.
 *
 * Hellinger: sqrt(1 - sum sqrt(r c)), [0, 1]. */
#include "drift/stats.h"

#include <math.h>

static double js_part(double p, double m) {
    return p > 0.0 ? p * log2(p / m) : 0.0;
}

double lw_drift_js_divergence(const struct lw_cells *c) {
    double sum = 0.0;
    for (size_t i = 0; i < c->n; i++) {
        double r = c->ref[i] / c->n_ref, q = c->cur[i] / c->n_cur, m = (r + q) / 2.0;
        sum += (js_part(r, m) + js_part(q, m)) / 2.0;
    }
    return fmin(fmax(sum, 0.0), 1.0);
}

double lw_drift_hellinger(const struct lw_cells *c) {
    double sum = 0.0;
    for (size_t i = 0; i < c->n; i++)
        sum += sqrt(fmax(c->ref[i] / c->n_ref, 0.0) * fmax(c->cur[i] / c->n_cur, 0.0));
    return sqrt(fmax(1.0 - sum, 0.0));
}
