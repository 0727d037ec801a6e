/* Merging and spread of moments. Updates are inline in the header.
 *
 * Two sets with n1, n2 values, means m1, m2 and d = m2 - m1 merge into
 *   mean = m1 + d n2 / n,   M2 = M2_1 + M2_2 + d^2 n1 n2 / n
 * (Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
 * Variances", 1979). This never subtracts large sums from each other. */
#include "leeway/moments.h"

void lw_moments_merge(struct lw_moments *m, const struct lw_moments *other) {
    if (other->n == 0)
        return;
    if (m->n == 0) {
        *m = *other;
        return;
    }
    double n1 = (double)m->n, n2 = (double)other->n, n = n1 + n2;
    double d = other->mean - m->mean;
    m->mean += d * (n2 / n);
    m->m2 += other->m2 + d * d * (n1 * (n2 / n));
    m->n += other->n;
    m->min = other->min < m->min ? other->min : m->min;
    m->max = other->max > m->max ? other->max : m->max;
}

double lw_moments_variance(const struct lw_moments *m) {
    return m->n < 2 ? NAN : m->m2 / (double)(m->n - 1);
}

double lw_moments_sd(const struct lw_moments *m) {
    return sqrt(lw_moments_variance(m));
}
