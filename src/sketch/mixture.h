/* One column as it would be if its rows came from several summaries in stated proportions:
 * a week's hours in the proportions of a window that has only some of them. The result is
 * an ordinary member, so whatever reads a summary reads a mixture. */
#ifndef LW_SKETCH_MIXTURE_H
#define LW_SKETCH_MIXTURE_H

#include "leeway/profile.h"

struct lw_mixture_part {
    const struct lw_member *member; /* with rows; of one kind for all parts */
    double weight;                  /* > 0: proportion of the mixture's rows */
    double rows; /* > 0: rows that the part counts for, usually its own number */
};

/* Makes `out` the mixture of n > 0 parts; it is freed like any member of a profile. Its
 * number of rows is the one whose shares have the mixture's variance, (sum w)^2 / sum
 * (w^2 / rows) (Kish 1965), at least 1. Shares, mean, variance, quantiles and counts are
 * the weighted ones; the rank error is that of the mixture. A category summary's counts
 * are rounded so that sums of neighbouring keys stay exact. Distinct values are not
 * counted. Cost: O(retained log retained) of all parts. */
void lw_mixture_of(struct lw_member *out, const struct lw_column *column,
                   const struct lw_mixture_part *part, size_t n);

#endif
