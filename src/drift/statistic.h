/* A statistic of one column: a function of the reference's and the current summary.
 *
 * One that only the table of metrics (core/metrics.c) uses is a file of this folder with
 * one such function, and needs no field in struct lw_drift. */
#ifndef LW_DRIFT_STATISTIC_H
#define LW_DRIFT_STATISTIC_H

#include "leeway/drift.h"

struct lw_statistic {
    bool known;
    double value, p;   /* p: of a value as large when nothing has changed */
    double p_adjusted; /* over the columns compared */
};

/* Both sides hold values and are of one kind, one that the statistic is meant for. */
typedef struct lw_statistic lw_statistic_fn(const struct lw_member *reference,
                                            const struct lw_member *current);

/* Computes it for each column of the profiles whose kind is numeric or, with `categories`,
 * any; judged: what lw_drift_compare says of the same columns. Columns with too few rows
 * have a value, and a p-value of 1. */
void lw_statistic_compare(lw_statistic_fn *statistic, bool categories,
                          const struct lw_profile *reference,
                          const struct lw_profile *current, const struct lw_drift *judged,
                          enum lw_correction_kind correction, struct lw_statistic *out);

#endif
