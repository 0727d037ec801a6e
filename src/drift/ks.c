/* Kolmogorov-Smirnov between two quantile sketches: D = max |F - G| over the values of
 * either; exact while both sketches are.
 *
 * p: Kolmogorov's limit at D / sqrt(a), a = 1/n + 1/m. For two samples it is the exact
 * value when n = m, and up to a tenth too large when they differ; the finite-sample
 * factor of Stephens (1970) is for one sample, and makes p up to a tenth too small here.
 * Ties make it conservative.
 *
 * Beyond exactness each distribution function is off by its sketch's rank error, all but
 * independent from one rank to the next (chi_square.c), with variances V1 and V2. D is
 * then a maximum over a Brownian bridge of variance a t (1 - t) plus white noise of
 * variance V1 + V2, taken as a bridge with a + 14 (V1 + V2): 14 makes the tail of the
 * largest of some hundred noises alone fall within it. Rates of false alarms measured
 * under the null: at most the level from n = 100 to 300,000 (test_drift_null). */
#include <math.h>

#include "drift/special.h"
#include "drift/stats.h"
#include "drift/walk.h"

struct lw_ks lw_drift_ks_test(const struct lw_kll *ref, const struct lw_kll *cur) {
    struct lw_walk w;
    struct lw_ks out = {0};
    lw_walk_init(&w, ref, cur);
    while (lw_walk_next(&w))
        out.d = fmax(out.d, fabs(w.f[0] - w.f[1]));
    double n = w.total[0], m = w.total[1];
    lw_walk_fini(&w);
    double sketch = lw_cells_sketch_variance(ref) + lw_cells_sketch_variance(cur);
    out.p = lw_special_kolmogorov_sf(out.d / sqrt(1.0 / n + 1.0 / m + 14.0 * sketch));
    return out;
}
