/* Count, mean, variance and extremes of a stream, mergeable.
 * Welford's update and the pairwise merge of Chan, Golub and LeVeque (1979): stable when
 * the mean is large against the spread. Plain struct: zero-initialise (or
 * lw_moments_reset), copy freely. */
#ifndef LEEWAY_MOMENTS_H
#define LEEWAY_MOMENTS_H

#include <math.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Values that may enter sums. A number beyond this, an infinity or NaN cannot be
 * squared, or squared twice, without some sums becoming infinite: it counts as out of
 * range, or as unsummed if it is a prediction. With errors of at most twice the bound,
 * sums of squared deviations of e^2 stay finite over 2^53 events: (4e140)^2 * 9e15 =
 * 1.4e297. */
#define LW_SUMMABLE_MAX 1e70

static inline int lw_summable(double v) {
    return fabs(v) <= LW_SUMMABLE_MAX; /* false for NaN */
}

struct lw_moments {
    uint64_t n;
    double mean, m2; /* m2: sum of squared deviations from the mean */
    double min, max; /* meaningless while n = 0 */
};

static inline void lw_moments_add(struct lw_moments *m, double v) {
    double d = v - m->mean;
    m->min = m->n == 0 || v < m->min ? v : m->min;
    m->max = m->n == 0 || v > m->max ? v : m->max;
    m->n++;
    /* the division does not depend on earlier values */
    m->mean += d * (1 / (double)m->n);
    m->m2 += d * (v - m->mean);
}
void lw_moments_merge(struct lw_moments *m, const struct lw_moments *other);
double lw_moments_variance(const struct lw_moments *m); /* unbiased; NAN for n < 2 */
double lw_moments_sd(const struct lw_moments *m);

#ifdef __cplusplus
}
#endif
#endif
