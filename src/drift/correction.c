/* Correction for testing several columns at once. Bonferroni keeps the probability of any
 * false alarm below alpha. Benjamini and Hochberg (1995) keeps the expected share of
 * false alarms among the alarms below alpha, and finds more if many columns move at once,
 * as after a lockdown. Without any change, both bound the probability of an alarm by
 * alpha (for columns that are independent or positively dependent).
 *
 * Adjusted p of rank i among k: min over j >= i of p_(j) k / j. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "drift/stats.h"

struct ranked {
    double p;
    size_t at;
};

static int by_p_down(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}

static void benjamini_hochberg(double *p, size_t k) {
    struct ranked *r = lw_calloc(k, sizeof *r);
    for (size_t i = 0; i < k; i++)
        r[i] = (struct ranked){p[i], i};
    qsort(r, k, sizeof *r, by_p_down);
    double least = 1.0;
    for (size_t i = 0; i < k; i++) {
        least = fmin(least, r[i].p * (double)k / (double)(k - i));
        p[r[i].at] = least;
    }
    free(r);
}

void lw_drift_p_adjust(double *p, size_t k, enum lw_correction_kind kind) {
    if (kind == LW_CORRECT_BH && k > 0)
        benjamini_hochberg(p, k);
    if (kind == LW_CORRECT_BONFERRONI)
        for (size_t i = 0; i < k; i++)
            p[i] = fmin(1.0, p[i] * (double)k);
}
