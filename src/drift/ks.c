/* Kolmogorov-Smirnov between two quantile sketches: D = max |F - G| over the values that
 * either holds, exact while both sketches are.
 *
 * Beyond that each sketch's distribution function is off by at most its all-ranks error
 * (99 %); the errors are independent, so D may have gained sqrt(e1^2 + e2^2), which is
 * taken off before the p-value (never from the D that is reported). The test is then
 * conservative: a p-value is only small when the data, not the sketches, make it so.
 *
 * p: Kolmogorov's limit with Stephens' (1970) finite-sample factor sqrt(e) + .12 +
 * .11/sqrt(e), e = nm/(n+m). Ties make it conservative too. */
#include <math.h>

#include "drift/special.h"
#include "drift/stats.h"
#include "drift/walk.h"

static double all_ranks_error(const struct lw_kll *s) {
    double n = (double)lw_kll_n(s), kept = (double)lw_kll_retained(s);
    return kept >= n ? 0.0 : lw_kll_rank_error(s, 1) * sqrt(1.0 - kept / n);
}

struct lw_ks lw_ks_test(const struct lw_kll *ref, const struct lw_kll *cur) {
    struct lw_walk w;
    struct lw_ks out = {0};
    lw_walk_init(&w, ref, cur);
    while (lw_walk_next(&w))
        out.d = fmax(out.d, fabs(w.f[0] - w.f[1]));
    double n = w.total[0], m = w.total[1];
    lw_walk_fini(&w);
    double e = sqrt(n * m / (n + m));
    double sketch = hypot(all_ranks_error(ref), all_ranks_error(cur));
    out.p = lw_kolmogorov_sf((e + 0.12 + 0.11 / e) * fmax(out.d - sketch, 0.0));
    return out;
}
