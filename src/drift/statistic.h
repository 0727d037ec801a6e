/* A statistic of one column: a function of the reference's and the current summary.
 *
 * A statistic that only the table of metrics (core/metrics.c) uses is one file in this
 * folder with one such function; it needs no field in struct lw_drift. */
#ifndef LW_DRIFT_STATISTIC_H
#define LW_DRIFT_STATISTIC_H

#include "leeway/drift.h"

struct lw_statistic {
    bool known;
    double value, p;   /* p: of a value at least this large without a change */
    double p_adjusted; /* over the columns compared */
};

/* Both sides have values and the same kind, which the statistic supports. */
typedef struct lw_statistic lw_statistic_fn(const struct lw_member *reference,
                                            const struct lw_member *current);

struct lw_statistic_input {
    const struct lw_profile *reference, *current;
    const struct lw_drift *judged; /* lw_drift_compare's verdicts on the same columns */
    enum lw_correction_kind correction;
    bool categories; /* applies to categorical columns as well as numeric ones */
};

/* Computes a statistic for each column of the profiles. Columns with too few rows have a
 * value and the p-value 1. */
void lw_statistic_compare(lw_statistic_fn *statistic, const struct lw_statistic_input *in,
                          struct lw_statistic *out);

#endif
