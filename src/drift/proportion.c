/* Whether two samples have the same share. For shares of missing and of out-of-range
 * values, which are often tiny: none in a million rows of the reference, three in a day's
 * rows.
 *
 * Fisher's exact test while the rarer outcome has at most LW_FISHER_MAX cases, two-sided
 * by the sum of all tables that are no more likely than the observed one (as in SciPy and
 * R); beyond that the pooled z test, which agrees with it there. The z test alone would
 * call one case in 1,000 against none in a million significant at 1e-220. */
#include <math.h>

#include "drift/special.h"
#include "drift/stats.h"

#define LW_FISHER_MAX 2000

static double log_choose(double n, double k) {
    return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0);
}

/* ln P(X = x): x of k cases are in the first sample; the sizes are n and m. */
static double log_hypergeometric(uint64_t x, uint64_t k, uint64_t n, uint64_t m) {
    return log_choose((double)n, (double)x) + log_choose((double)m, (double)(k - x)) -
           log_choose((double)(n + m), (double)k);
}

static double proportion_fisher(uint64_t a, uint64_t n, uint64_t b, uint64_t m) {
    uint64_t k = a + b, lo = k > m ? k - m : 0, hi = k < n ? k : n;
    double seen = log_hypergeometric(a, k, n, m), sum = 0.0;
    for (uint64_t x = lo; x <= hi; x++) {
        double p = log_hypergeometric(x, k, n, m);
        if (p <= seen + 1e-7) /* rounding must not exclude an equally likely table */
            sum += exp(p);
    }
    return fmin(sum, 1.0);
}

double lw_drift_two_shares_p(uint64_t a, uint64_t n, uint64_t b, uint64_t m) {
    if (n == 0 || m == 0 || a + b == 0 || a + b == n + m)
        return 1.0;
    if (a + b > (n - a) + (m - b)) { /* count the rarer outcome */
        a = n - a;
        b = m - b;
    }
    if (a + b <= LW_FISHER_MAX)
        return proportion_fisher(a, n, b, m);
    double da = (double)a, dn = (double)n, db = (double)b, dm = (double)m;
    double p = (da + db) / (dn + dm);
    double z = (da / dn - db / dm) / sqrt(p * (1.0 - p) * (1.0 / dn + 1.0 / dm));
    return lw_special_normal_two_sided(z);
}
