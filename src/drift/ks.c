/* Kolmogorov-Smirnov between two quantile sketches: D = max |F - G| over the values of
 * both; exact while both sketches are.
 *
 * p: Kolmogorov's limit at D / sqrt(a), a = 1/n + 1/m. For two samples it is the exact
 * value if n = m, and up to a tenth too large if they differ; the finite-sample factor of
 * Stephens (1970) is for one sample, and would make p up to a tenth too small here. Ties
 * make it conservative.
 *
 * Once a sketch is no longer exact, its distribution function is off by the sketch's rank
 * error, almost independently from one rank to the next (chi_square.c), with variances V1
 * and V2. D is then the maximum of a Brownian bridge of variance a t (1 - t) plus white
 * noise of variance V1 + V2, approximated by a bridge with a + 14 (V1 + V2): with 14, the
 * tail of the largest of a few hundred noise values alone is covered. Under the null
 * hypothesis, the measured rate of false alarms is at most the level from n = 100 to
 * 300,000 (test_drift_without_change). */
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
